#include "rendezvous/registrations.hpp"

namespace pinhole::rendezvous {

Parsed<void> Registrations::handle_register(Instant now, Client& client,
                                            const wire::Register& frame) {
    const crypto::PublicKey& key = client.session.remote();
    const IpAddress& source = client.path.remote.ip;
    switch (parts_.registry.standing(frame.id, key, clock_.at(now))) {
        case Registry::Standing::kOwned: enroll(now, client, frame); return {};
        case Registry::Standing::kPending:
            waiting_.insert_or_assign(frame.id, Waiting{.client = client.name, .frame = frame});
            return {};
        case Registry::Standing::kFree: {
            if (!parts_.budgets.suspicion.try_take(now, source)) break;
            const Claim claim{.id = frame.id, .key = key, .at = clock_.at(now)};
            parts_.registry.begin_claim(claim);
            waiting_.insert_or_assign(frame.id, Waiting{.client = client.name, .frame = frame});
            parts_.events.push_back(StoreRequest{claim});
            return {};
        }
        case Registry::Standing::kTaken:
            if (!parts_.budgets.suspicion.try_take(now, source)) break;
            send_error(client, wire::ErrorCode::kIdTaken, frame.request);
            return {};
        case Registry::Standing::kFull: break;
    }
    send_error(client, wire::ErrorCode::kLimit, frame.request);
    return dropped(Drop::kLimit);
}

void Registrations::handle_stored(Instant now, const StoreResult& result) {
    if (!parts_.registry.finish_claim(result)) return;
    const auto found = waiting_.find(result.claim.id);
    if (found == waiting_.end()) return;
    const Waiting waiting = found->second;
    waiting_.erase(found);
    Client* client = parts_.clients.find(waiting.client);
    if (client == nullptr) return;
    if (result.stored) {
        enroll(now, *client, waiting.frame);
    } else {
        send_error(*client, wire::ErrorCode::kStorage, waiting.frame.request);
    }
}

void Registrations::enroll(Instant now, Client& client, const wire::Register& frame) {
    Client* registrant = &client;
    if (client.is_registered() && client.id() != frame.id) {
        leave(now, client, PeerOffline::Why::kLeft);
    }
    Binding& binding = *parts_.registry.find(frame.id);
    Client* holder = parts_.clients.find(binding.online);
    if (holder != &client) {
        if (flapping_.is_refused(now, frame.id)) {
            send_error(client, wire::ErrorCode::kFlapping, frame.request);
            return;
        }
        if (holder != nullptr) registrant = displace(now, client, *holder, frame);
        if (registrant == nullptr) return;
    }
    registrant->last_heard = now;
    registrant->accept = frame.accept;
    registrant->mapping = frame.behavior.mapping;
    registrant->filtering = frame.behavior.filtering;
    registrant->request = frame.request;
    if (!registrant->is_registered()) {
        registrant->binding = &binding;
        parts_.registry.set_online(binding, registrant->name);
        parts_.metrics.happened.add(Happening::kRegistered);
        parts_.events.push_back(PeerOnline{.id = frame.id,
                                           .key = registrant->session.remote(),
                                           .observed = registrant->path.remote});
    }
    note_alive(now, *registrant);
    send_registered(*registrant, frame.request);
}

Client* Registrations::displace(Instant now, Client& client, Client& other,
                                const wire::Register& frame) {
    if (other.incarnation == client.incarnation) {
        const ClientId shell = client.name;
        parts_.clients.move_session(client, other);
        parts_.relay.forget(shell);
        return &other;
    }
    if (!flapping_.on_flip(now, frame.id)) {
        send_error(other, wire::ErrorCode::kFlapping, other.request);
        leave(now, other, PeerOffline::Why::kFlapping);
        send_error(client, wire::ErrorCode::kFlapping, frame.request);
        return nullptr;
    }
    close(now, other, wire::CloseReason::kReplaced, PeerOffline::Why::kReplaced);
    return &client;
}

Parsed<void> Registrations::handle_release(Instant now, Client& client,
                                           const wire::Release& frame) {
    if (client.is_registered() && client.id() != frame.id) {
        return dropped(Drop::kUnexpected);
    }
    const Binding* binding = parts_.registry.find(frame.id);
    if (binding != nullptr && !parts_.registry.is_owner(*binding, client.session.remote())) {
        if (!parts_.budgets.suspicion.try_take(now, client.path.remote.ip)) {
            return dropped(Drop::kLimit);
        }
        send_error(client, wire::ErrorCode::kIdTaken, 0);
        return {};
    }
    // A repeated release finds nothing, and is told again that nothing is left.
    const ClientId holder = binding == nullptr ? kNobody : binding->online;
    if (holder != client.name) {
        close(now, client, wire::CloseReason::kReleased, PeerOffline::Why::kReleased);
    }
    if (binding != nullptr) release(now, frame.id);
    return {};
}

void Registrations::release(Instant now, const wire::Id& id) {
    const Binding* binding = parts_.registry.find(id);
    if (binding == nullptr) return;
    if (Client* holder = parts_.clients.find(binding->online)) {
        close(now, *holder, wire::CloseReason::kReleased, PeerOffline::Why::kReleased);
    }
    parts_.registry.forget(id);
    waiting_.erase(id);
    parts_.events.push_back(StoreRequest{Unclaim{id}});
}

void Registrations::note_alive(Instant now, const Client& client) {
    const WallTime today = clock_.at(now);
    if (!client.is_registered() || !parts_.registry.touch(*client.binding, today)) return;
    parts_.events.push_back(StoreRequest{Touch{.id = client.id(), .at = today}});
}

void Registrations::on_rekeyed(Client& client) {
    if (client.is_registered()) send_registered(client, 0);
}

void Registrations::leave(Instant now, Client& client, PeerOffline::Why why) {
    if (!client.is_registered()) return;
    parts_.registry.set_offline(*client.binding);
    parts_.events.push_back(PeerOffline{.id = client.id(), .why = why});
    parts_.relay.forget(client.name);
    parts_.rooms.forget(now, client.name);
    client.binding = nullptr;
}

void Registrations::remove(Instant now, Client& client, PeerOffline::Why why) {
    leave(now, client, why);
    parts_.clients.remove(client);
}

void Registrations::close(Instant now, Client& client, wire::CloseReason reason,
                          PeerOffline::Why why) {
    parts_.outbox.send(client, wire::Close{.reason = reason});
    remove(now, client, why);
}

void Registrations::send_registered(Client& client, std::uint16_t request) {
    const SessionIndex index = client.session.indices().local;
    parts_.outbox.send(client, wire::Registered{.request = request,
                                                .observed = client.path.remote,
                                                .gone_token = crypto::gone_token(
                                                    parts_.identity.gone_key(), index),
                                                .rejoin_window_s = rejoin_window_s()});
}

void Registrations::send_error(Client& client, wire::ErrorCode code, std::uint16_t request) {
    parts_.outbox.send(client, wire::Error{.code = code, .request = request});
}

std::uint16_t Registrations::rejoin_window_s() const {
    return static_cast<std::uint16_t>(std::clamp(parts_.registry.online() / kRejoinsPerSecond,
                                                 kRejoinWindowMin, kRejoinWindowMax));
}

}  // namespace pinhole::rendezvous
