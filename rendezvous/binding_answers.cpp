#include "rendezvous/binding_answers.hpp"

#include <algorithm>

#include "shared/wire/stun.hpp"

namespace pinhole::rendezvous {

void BindingAnswers::handle_io_event(const IoEvent& event) {
    if (const auto* opened = std::get_if<SocketOpened>(&event)) {
        std::erase_if(sockets_, [&](const Socket& s) { return s.id == opened->socket; });
        sockets_.push_back({.id = opened->socket, .local = opened->local});
    } else if (const auto* failed = std::get_if<SocketFailed>(&event)) {
        std::erase_if(sockets_, [&](const Socket& s) { return s.id == failed->socket; });
    } else if (const auto* changed = std::get_if<InterfacesChanged>(&event)) {
        addresses_.clear();
        for (const LocalAddress& address : changed->addresses) addresses_.push_back(address.ip);
    }
}

Parsed<void> BindingAnswers::handle_request(Instant now, const Datagram& in) {
    const auto request = wire::parse_binding_request(in.bytes);
    if (!request) return dropped(request.error());
    if (is_stream(in.path.socket)) return answer_with_key(in, *request);
    const Endpoint& mapped = request->answer_to ? *request->answer_to : in.path.remote;
    const bool is_special =
        request->from_other_port || request->from_other_address || request->answer_to;
    // Else anybody could make the server knock at ports that nobody opened.
    if (is_special && !jar_.is_valid(now, mapped, request->cookie)) {
        return dropped(Drop::kBadCookie);
    }
    if (mapped.ip != in.path.remote.ip) return dropped(Drop::kUnexpected);
    const Socket* from = answering(*request, in.path.socket);
    if (from == nullptr && (request->from_other_port || request->from_other_address)) {
        return dropped(Drop::kUnexpected);
    }
    wire::BindingResponse response{.transaction = request->transaction,
                                   .mapped = mapped,
                                   .cookie = jar_.make(now, mapped),
                                   .other_endpoints = other_endpoints(in.path.socket, mapped)};
    if (request->wants_server_key) response.server_key = identity_.public_key().raw;

    ByteBuffer<wire::kBindingResponseSizeMax> out;
    out.resize(wire::encode(response, out.storage()));
    const Path back{.socket = from == nullptr ? in.path.socket : from->id, .remote = mapped};
    if (outbox_.reply(back, out.bytes())) metrics_.happened.add(Happening::kBindingAnswered);
    return {};
}

Parsed<void> BindingAnswers::answer_with_key(const Datagram& in,
                                             const wire::BindingRequest& request) {
    if (!request.wants_server_key) return dropped(Drop::kUnexpected);
    // No cookie: what TCP shows of a client is nothing that a datagram could be sent to.
    const wire::BindingResponse response{.transaction = request.transaction,
                                         .mapped = in.path.remote,
                                         .server_key = identity_.public_key().raw};
    ByteBuffer<wire::kBindingResponseSizeMax> out;
    out.resize(wire::encode(response, out.storage()));
    if (outbox_.reply(in.path.socket, out.bytes())) {
        metrics_.happened.add(Happening::kBindingAnswered);
    }
    return {};
}

Parsed<void> BindingAnswers::handle_stun(const Datagram& in) {
    const auto request = wire::parse_stun_request(in.bytes);
    if (!request) return dropped(request.error());
    ByteBuffer<wire::kStunResponseSizeMax> out;
    out.resize(wire::encode(wire::StunResponse{.transaction = request->transaction,
                                               .mapped = in.path.remote,
                                               .with_fingerprint = request->has_fingerprint},
                            out.storage()));
    if (outbox_.reply_stun(out.bytes())) metrics_.happened.add(Happening::kStunAnswered);
    return {};
}

const BindingAnswers::Socket* BindingAnswers::find(SocketId id) const {
    const auto found = std::ranges::find(sockets_, id, &Socket::id);
    return found == sockets_.end() ? nullptr : &*found;
}

const BindingAnswers::Socket* BindingAnswers::answering(const wire::BindingRequest& request,
                                                        SocketId asked_id) const {
    const Socket* asked = find(asked_id);
    if (asked == nullptr) return nullptr;
    const auto found = std::ranges::find_if(sockets_, [&](const Socket& s) {
        const bool has_other_address = s.local.ip != asked->local.ip;
        // "Every address" is no other one.
        if (has_other_address && (s.local.ip.is_unspecified() || asked->local.ip.is_unspecified()))
            return false;
        return s.local.ip.family() == asked->local.ip.family() &&
               has_other_address == request.from_other_address &&
               (s.local.port != asked->local.port) == request.from_other_port;
    });
    return found == sockets_.end() ? nullptr : &*found;
}

BoundedVector<Endpoint, 3> BindingAnswers::other_endpoints(SocketId asked_id,
                                                           const Endpoint& mapped) const {
    BoundedVector<Endpoint, 3> out;
    const Socket* asked = find(asked_id);
    const Socket* other = answering({.from_other_port = true}, asked_id);
    if (other != nullptr) {
        const Endpoint here{.ip = IpAddress::any(mapped.ip.family()), .port = other->local.port};
        out.push_back(public_endpoint(*other, mapped).value_or(here));
    }
    // There is room for three: the asker's family comes first, as only there more is to be learnt.
    for (const bool same_family : {true, false}) {
        for (const Socket& socket : sockets_) {
            if (&socket == asked || &socket == other) continue;
            if ((socket.local.ip.family() == mapped.ip.family()) != same_family) continue;
            if (const auto endpoint = public_endpoint(socket, mapped)) out.push_back(*endpoint);
        }
    }
    return out;
}

std::optional<Endpoint> BindingAnswers::public_endpoint(const Socket& socket,
                                                        const Endpoint& mapped) const {
    const auto reaches = [&](const IpAddress& ip) {
        return ip.family() == socket.local.ip.family() && ip.scope() == mapped.ip.scope();
    };
    if (!socket.local.ip.is_unspecified()) {
        return reaches(socket.local.ip) ? std::optional{socket.local} : std::nullopt;
    }
    const auto found = std::ranges::find_if(addresses_, reaches);
    if (found == addresses_.end()) return std::nullopt;
    return Endpoint{.ip = *found, .port = socket.local.port};
}

}  // namespace pinhole::rendezvous
