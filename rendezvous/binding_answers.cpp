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
    const Endpoint& mapped = in.path.remote;
    SocketId from = in.path.socket;
    const Socket* other = other_port(from);
    if (request->from_other_port) {
        // Else anybody could make the server knock at ports that nobody opened.
        if (!jar_.is_valid(now, mapped, request->cookie)) return dropped(Drop::kBadCookie);
        if (other == nullptr) return dropped(Drop::kUnexpected);
        from = other->id;
    }
    wire::BindingResponse response{
        .transaction = request->transaction, .mapped = mapped, .cookie = jar_.make(now, mapped)};
    if (other != nullptr) {
        const Endpoint here{.ip = IpAddress::any(mapped.ip.family()), .port = other->local.port};
        response.other_endpoints.push_back(public_endpoint(*other, mapped).value_or(here));
    }
    for (const Socket& socket : sockets_) {
        const bool is_asked = socket.id == in.path.socket || &socket == other;
        const auto endpoint = is_asked ? std::nullopt : public_endpoint(socket, mapped);
        if (endpoint) response.other_endpoints.push_back(*endpoint);
    }
    if (request->wants_server_key) response.server_key = identity_.public_key().raw;

    ByteBuffer<wire::kBindingResponseSizeMax> out;
    out.resize(wire::encode(response, out.storage()));
    if (outbox_.reply(from, out.bytes())) metrics_.happened.add(Happening::kBindingAnswered);
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

const BindingAnswers::Socket* BindingAnswers::other_port(SocketId id) const {
    const Socket* asked = find(id);
    if (asked == nullptr) return nullptr;
    const auto found = std::ranges::find_if(sockets_, [&](const Socket& s) {
        return s.local.ip == asked->local.ip && s.local.port != asked->local.port;
    });
    return found == sockets_.end() ? nullptr : &*found;
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
