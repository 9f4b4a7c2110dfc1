#include "rendezvous/roaming.hpp"

namespace pinhole::rendezvous {

void Roaming::note_source(Instant now, Client& client, const Path& source) {
    if (source == client.path) return;
    if (!client.roam || client.roam->path != source) {
        client.roam = std::make_unique<Roam>(
            Roam{.path = source, .challenge = random_.bytes<8>(), .sent = now});
    }
    client.roam->sent = now;
    if (outbox_.reply_sealed(client, wire::Challenge{.id = client.roam->challenge})) {
        metrics_.happened.add(Happening::kPathChallenged);
    }
}

Parsed<void> Roaming::handle_response(Instant now, Client& client, const Path& source,
                                      const wire::Response& frame) {
    if (!client.roam || client.roam->path != source || client.roam->challenge != frame.id) {
        return dropped(Drop::kUnexpected);
    }
    client.path = source;
    client.note_rtt(now - client.roam->sent);
    client.roam.reset();
    metrics_.happened.add(Happening::kPathMoved);
    return {};
}

}  // namespace pinhole::rendezvous
