#include "rendezvous/clients.hpp"

namespace pinhole::rendezvous {

Client& Clients::add(session::ServerSession session, const Path& path, Instant now) {
    assert(!is_full());
    const Slot slot = clients_.emplace(Client{.name = kNobody,
                                              .session = std::move(session),
                                              .path = path,
                                              .incarnation = {},
                                              .last_heard = now});
    Client& client = clients_[slot];
    // 2^40 of them take longer than any machine runs.
    client.name = ClientId{++came_ << kSlotBits | slot};
    for (const SessionIndex index : client.session.all_indices()) indices_.assign(index, slot);
    rounds_.note_end(now, clients_.end());
    return client;
}

void Clients::move_session(Client& from, Client& to) {
    for (const SessionIndex index : to.session.all_indices()) indices_.release(index);
    for (const SessionIndex index : from.session.all_indices())
        indices_.assign(index, slot_of(to.name));
    to.session = std::move(from.session);
    to.path = from.path;
    to.last_heard = from.last_heard;
    if (from.rtt_us > 0) to.rtt_us = from.rtt_us;
    to.roam.reset();
    clients_.erase(slot_of(from.name));
}

void Clients::remove(Client& client) {
    for (const SessionIndex index : client.session.all_indices()) indices_.release(index);
    clients_.erase(slot_of(client.name));
}

void Clients::release_retired(Client& client) {
    while (const auto index = client.session.take_retired_index()) indices_.release(*index);
}

Client* Clients::take_due(Instant now) {
    while (const auto due = deadlines_.take(now)) {
        Client* client = find(due->name);
        if (client == nullptr || client->alarm.at != due->at) continue;
        client->alarm = {};
        return client;
    }
    if (size() == 0) rounds_.stop();
    while (const auto slot = rounds_.take(now, clients_.end())) {
        if (clients_.is_live(*slot)) return &clients_[*slot];
    }
    return nullptr;
}

std::vector<ClientId> Clients::names() const {
    std::vector<ClientId> out;
    out.reserve(clients_.size());
    clients_.for_each([&](Slot, const Client& client) { out.push_back(client.name); });
    // The order of the slots is no one's business: traces stay the same everywhere.
    std::ranges::sort(out);
    return out;
}

}  // namespace pinhole::rendezvous
