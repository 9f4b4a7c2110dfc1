// The way in: kind -> owner. Side branches leave here and nowhere else.
//
//     binding response, gone            -> NAT watch, rendezvous client
//     binding request                   -> NAT watch
//     initiation (nonce tag)            -> link of that introduction
//     response, retry, transport (index) -> rendezvous client or link
//     opener (MAC)                      -> link of that introduction
//     relay frame of the server         -> the same once more, with the relay as its route
#include "shared/node/core.hpp"
#include "shared/wire/binding.hpp"

namespace pinhole::node {

void Node::Core::handle_datagram(Instant now, const Datagram& in) {
    notice_gap(now);
    is_enet_only_ = false;
    if (is_stream(in.path.socket) && !may_be_on_stream(in.bytes)) {
        drops_.add(Drop::kUnexpected);
    } else {
        handle_message(now, Route::direct(in.path), in.bytes);
    }
    if (is_enet_only_) {
        has_rest_ = true;
    } else {
        settle(now);
    }
}

bool Node::Core::may_be_on_stream(Bytes message) const {
    const auto kind = wire::classify(message);
    if (!kind) return false;
    std::optional<SessionIndex> receiver;
    if (*kind == wire::Kind::kHandshakeResponse) {
        if (const auto in = wire::parse_response(message)) receiver = in->receiver;
    } else if (*kind == wire::Kind::kTransport) {
        if (const auto in = wire::parse_transport_header(message)) receiver = in->receiver;
    } else {
        return *kind == wire::Kind::kBindingResponse;
    }
    // What peers say comes inside a relay frame; a stream is no path to them.
    const auto owner = receiver ? indices_.find(*receiver) : std::nullopt;
    return owner && !owner->peer;
}

void Node::Core::handle_message(Instant now, const Route& route, Bytes message) {
    const auto kind = wire::classify(message);
    if (!kind) return drops_.add(kind.error());
    switch (*kind) {
        case wire::Kind::kTransport: return handle_transport(now, route, message);
        case wire::Kind::kHandshakeInitiation: return handle_initiation(now, route, message);
        case wire::Kind::kHandshakeResponse: return handle_response(now, route, message);
        case wire::Kind::kBindingResponse: return handle_binding_response(now, route, message);
        case wire::Kind::kOpener: return handle_opener(now, route, message);
        case wire::Kind::kRetry: return handle_retry(route, message);
        case wire::Kind::kGone: return handle_gone(now, message);
        case wire::Kind::kBindingRequest: return handle_binding_request(now, route, message);
    }
}

void Node::Core::handle_transport(Instant now, const Route& route, Bytes message) {
    const auto header = wire::parse_transport_header(message);
    if (!header) return drops_.add(header.error());
    const auto owner = indices_.find(header->receiver);
    if (!owner) return drops_.add(Drop::kUnknownSession);
    const Opening opening{message, route.is_relay() ? opening_relayed_ : opening_};
    if (message.size() > opening.room.size()) return drops_.add(Drop::kBadLength);

    if (owner->peer) {
        if (PeerLink* link = find(*owner->peer)) {
            is_enet_only_ = link->handle_transport(now, route, *header, opening);
        }
    } else if (route.is_relay()) {
        drops_.add(Drop::kUnexpected);  // the server does not relay to itself
    } else if (const auto frame =
                   rendezvous_.handle_transport(now, route.path(), *header, opening)) {
        handle_server_frame(now, *frame);
    }
}

void Node::Core::handle_initiation(Instant now, const Route& route, Bytes message) {
    const auto in = wire::parse_initiation(message);
    if (!in) return drops_.add(in.error());
    for (const auto& [number, link] : links_) {
        const auto& introductions = link->introductions();
        if (std::ranges::find(introductions, in->nonce_tag, &PeerLink::Introduced::tag) ==
            introductions.end()) {
            continue;
        }
        if (route.is_direct() && !link->is_pending() && pending_count() >= kPendingWithoutCookie &&
            !cookies_.is_valid(now, route.path().remote, in->cookie)) {
            FixedBytes<wire::kRetrySize> retry;
            wire::encode(wire::Retry{.receiver = in->sender,
                                     .cookie = cookies_.make(now, route.path().remote)},
                         retry);
            if (!out_.push({.path = route.path(), .bytes = retry})) drops_.add(Drop::kLimit);
            return;
        }
        return link->handle_initiation(now, route, *in);
    }
    drops_.add(Drop::kUnknownSession);
}

void Node::Core::handle_response(Instant now, const Route& route, Bytes message) {
    const auto in = wire::parse_response(message);
    if (!in) return drops_.add(in.error());
    const auto owner = indices_.find(in->receiver);
    if (!owner) return drops_.add(Drop::kUnknownSession);
    if (!owner->peer) {
        if (route.is_relay()) return drops_.add(Drop::kUnexpected);
        return rendezvous_.handle_handshake_response(now, route.path(), *in);
    }
    if (PeerLink* link = find(*owner->peer)) link->handle_response(now, route, *in);
}

void Node::Core::handle_retry(const Route& route, Bytes message) {
    const auto in = wire::parse_retry(message);
    if (!in) return drops_.add(in.error());
    const auto owner = indices_.find(in->receiver);
    if (!owner || route.is_relay()) return drops_.add(Drop::kUnknownSession);
    if (!owner->peer) return rendezvous_.handle_retry(route.path(), *in);
    if (PeerLink* link = find(*owner->peer)) link->handle_retry(route.path(), *in);
}

void Node::Core::handle_opener(Instant now, const Route& route, Bytes message) {
    const auto in = wire::parse_opener(message);
    if (!in) return drops_.add(in.error());
    if (route.is_relay()) return drops_.add(Drop::kUnexpected);
    for (const auto& [number, link] : links_) {
        for (const auto& introduced : link->introductions()) {
            if (crypto::equal_in_constant_time(introduced.opener_from_peer, in->mac)) {
                if (now >= introduced.openers_until) return drops_.add(Drop::kStale);
                return link->handle_opener(now, route.path());
            }
        }
    }
    drops_.add(Drop::kBadMac);
}

void Node::Core::handle_gone(Instant now, Bytes message) {
    const auto in = wire::parse_gone(message);
    if (!in) return drops_.add(in.error());
    rendezvous_.handle_gone(now, *in);
}

void Node::Core::handle_binding_response(Instant now, const Route& route, Bytes message) {
    const auto in = wire::parse_binding_response(message);
    if (!in) return drops_.add(in.error());
    if (route.is_relay()) return drops_.add(Drop::kUnexpected);
    if (nat_watch_.handle_response(now, route.path(), *in)) return;
    rendezvous_.handle_binding_response(now, route.path(), *in);
}

void Node::Core::handle_binding_request(Instant now, const Route& route, Bytes message) {
    const auto in = wire::parse_binding_request(message);
    if (!in) return drops_.add(in.error());
    // Only our own come here, by way of a NAT that hairpins. Nobody gets an answer.
    if (route.is_relay() || !nat_watch_.handle_request(now, route.path(), *in)) {
        drops_.add(Drop::kUnexpected);
    }
}

// ---- what the server says about peers

void Node::Core::handle_server_frame(Instant now, const wire::ServerFrame& frame) {
    if (const auto* relay = std::get_if<wire::Relay>(&frame)) {
        const auto known = std::ranges::any_of(links_, [&](const auto& entry) {
            return entry.second->relay_handle() == relay->handle;
        });
        if (!known) return drops_.add(Drop::kUnknownSession);
        handle_message(now, Route::relay(), relay->message);
    } else if (const auto* introduction = std::get_if<wire::Introduction>(&frame)) {
        handle_introduction(now, *introduction);
    } else if (const auto* trickle = std::get_if<wire::Trickle>(&frame)) {
        for (const auto& [number, link] : links_) {
            if (std::ranges::find(link->introductions(), trickle->nonce,
                                  &PeerLink::Introduced::nonce) != link->introductions().end()) {
                return link->handle_trickle(now, *trickle);
            }
        }
        drops_.add(Drop::kUnknownSession);
    } else if (const auto* error = std::get_if<wire::Error>(&frame)) {
        for (const auto& [number, link] : links_) {
            if (link->has_asked(error->nonce)) return link->handle_error(now, *error);
        }
        drops_.add(Drop::kStale);
    } else {
        drops_.add(Drop::kUnexpected);
    }
}

bool Node::Core::is_welcome(const wire::Introduction& in) const {
    if (in.role == Role::kAsker) return true;
    if (refuses_calls_) return false;
    const bool is_wanted = std::ranges::any_of(links_, [&](const auto& entry) {
        return entry.second->id() == in.id && (entry.second->is_wanted() || entry.second->key());
    });
    switch (config_.accept) {
        case AcceptPolicy::kAll: return true;
        case AcceptPolicy::kKnown: return is_wanted || trusted_.contains(in.id);
        case AcceptPolicy::kNone: return is_wanted;
    }
    return false;
}

void Node::Core::handle_introduction(Instant now, const wire::Introduction& in) {
    const crypto::PublicKey key{in.key};
    if (key == config_.keys.public_key) return drops_.add(Drop::kBadKey);
    const auto pinned = trusted_.find(in.id);
    const bool is_mismatch = pinned != trusted_.end() && pinned->second != key;
    if (is_mismatch || !is_welcome(in)) {
        rendezvous_.send(wire::Refuse{.nonce = in.nonce});
        if (!is_mismatch) {
            events_.emplace_back(CallRefused{.id = in.id, .key = key});
            return;
        }
        PeerLink* link = find(in.id);
        events_.emplace_back(KeyMismatch{.peer = link ? link->number() : PeerNumber{},
                                         .id = in.id,
                                         .pinned = pinned->second,
                                         .announced = key,
                                         .incoming = in.role == Role::kAnswerer});
        if (link && !link->has_session()) link->refuse(CloseReason::kKeyMismatch);
        return;
    }
    if (in.answer_first) {
        rendezvous_.send(wire::Accept{.nonce = in.nonce,
                                      .candidates = rendezvous_.gathering().local_candidates()});
        return;  // the introduction proper follows
    }
    PeerLink* link = find_or_make(now, in.id);
    if (link == nullptr) return drops_.add(Drop::kLimit);
    link->handle_introduction(now, in);
    if (!in.handshake.empty()) handle_initiation(now, Route::relay(), in.handshake);
}

}  // namespace pinhole::node
