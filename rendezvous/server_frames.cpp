// What each frame of a client leads to: the second half of `Server`'s routing.
#include "rendezvous/server.hpp"

namespace pinhole::rendezvous {

Parsed<void> Server::on(Instant now, Client& client, const Path& source,
                        const wire::Keepalive& frame) {
    if (!frame.wants_ack) return {};
    registrations_.note_alive(now, client);
    // To the validated path, wherever the keepalive came from.
    outbox_.send(
        client,
        wire::Keepalive{.is_ack = true, .sequence = frame.sequence, .observed = source.remote});
    return {};
}

Parsed<void> Server::on(Instant /*now*/, Client& client, const Path& source,
                        const wire::Challenge& frame) {
    // A source that is not validated gets our own challenge instead, and nothing else.
    if (source == client.path) outbox_.send(client, wire::Response{.id = frame.id});
    return {};
}

Parsed<void> Server::on(Instant now, Client& client, const Path& source,
                        const wire::Response& frame) {
    const auto answered = roaming_.handle_response(now, client, source, frame);
    if (answered) streams_.on_proven(client.path.socket);
    return answered;
}

Parsed<void> Server::on(Instant now, Client& client, const Path& /*source*/,
                        const wire::Rekey& frame) {
    // A rekey costs as much as a handshake.
    if (!budgets_.handshakes.try_take(now, client.path.remote.ip)) return dropped(Drop::kLimit);
    const auto fresh = clients_.allocate(client.name);
    if (!fresh) return dropped(Drop::kLimit);
    const auto used = client.session.handle_rekey(now, frame, *fresh, random_);
    if (!used || !*used) clients_.release(*fresh);
    if (!used) return dropped(used.error());
    return {};
}

Parsed<void> Server::on(Instant now, Client& client, const Path& /*source*/,
                        const wire::Close& /*frame*/) {
    registrations_.remove(now, client, PeerOffline::Why::kLeft);
    return {};
}

Parsed<void> Server::on(Instant now, Client& client, const Path& /*source*/,
                        const wire::Register& frame) {
    const SessionIndex index = client.session.indices().local;
    const auto handled = registrations_.handle_register(now, client, frame);
    // The session may have moved to an older client's place.
    connect_early(now, clients_.owner_of(index).value_or(nullptr));
    return handled;
}

Parsed<void> Server::on(Instant now, Client& client, const Path& /*source*/,
                        const wire::Connect& frame) {
    if (client.is_registered()) return introductions_.handle_connect(now, client, frame);
    // It may have overtaken its `register`, or that one waits for the store.
    if (now - client.last_heard < kRegisterGrace) {
        if (!early_connects_.keep(now, client.session.indices().local, frame)) {
            return dropped(Drop::kLimit);
        }
        return {};
    }
    outbox_.send(client,
                 wire::Error{.code = wire::ErrorCode::kNotRegistered, .nonce = frame.nonce});
    return {};
}

void Server::connect_early(Instant now, Client* client) {
    if (client == nullptr || !client->is_registered()) return;
    early_connects_.take(now, client->session.indices().local, [&](const wire::Connect& frame) {
        const auto handled = introductions_.handle_connect(now, *client, frame);
        if (!handled) metrics_.drops.add(handled.error());
    });
}

Parsed<void> Server::on(Instant now, Client& client, const Path& /*source*/,
                        const wire::Accept& frame) {
    return introductions_.handle_accept(now, client, frame);
}

Parsed<void> Server::on(Instant now, Client& client, const Path& /*source*/,
                        const wire::Refuse& frame) {
    return introductions_.handle_refuse(now, client, frame);
}

Parsed<void> Server::on(Instant now, Client& client, const Path& /*source*/,
                        const wire::Trickle& frame) {
    return introductions_.handle_trickle(now, client, frame);
}

Parsed<void> Server::on(Instant now, Client& client, const Path& /*source*/,
                        const wire::Relay& frame) {
    const auto forwarded = relay_.forward(now, client.name, frame);
    if (!forwarded) {
        if (forwarded.error() == Drop::kLimit) metrics_.happened.add(Happening::kRelayRefused);
        return dropped(forwarded.error());
    }
    if (*forwarded) deliver(**forwarded);
    return {};
}

Parsed<void> Server::on(Instant now, Client& client, const Path& /*source*/,
                        const wire::Join& frame) {
    return rooms_.handle_join(now, client, frame);
}

Parsed<void> Server::on(Instant now, Client& client, const Path& /*source*/,
                        const wire::Leave& frame) {
    return rooms_.handle_leave(now, client, frame);
}

Parsed<void> Server::on(Instant now, Client& client, const Path& /*source*/,
                        const wire::Release& frame) {
    return registrations_.handle_release(now, client, frame);
}

void Server::deliver(const RelayDelivery& delivery) {
    Client* to = clients_.find(delivery.to);
    if (to == nullptr) return;
    outbox_.send(*to, delivery.frame);
    metrics_.happened.add(Happening::kFrameRelayed);
}

}  // namespace pinhole::rendezvous
