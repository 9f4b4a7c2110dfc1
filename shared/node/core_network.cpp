// What the machine and its network do to a node: sockets come and go, addresses change, time is
// lost, and the NAT in front turns out to be another one.
#include <utility>

#include "shared/node/core.hpp"

namespace pinhole::node {
namespace {

/// An address that a peer could be told is among these.
bool lists(std::span<const LocalAddress> addresses, Family family) {
    return std::ranges::any_of(addresses, [&](const LocalAddress& address) {
        const Scope scope = address.ip.scope();
        return address.ip.family() == family &&
               (scope == Scope::kPublic || scope == Scope::kPrivate);
    });
}

/// The socket that was opened or failed.
std::optional<SocketId> socket_of(const IoEvent& event) {
    if (const auto* opened = std::get_if<SocketOpened>(&event)) return opened->socket;
    if (const auto* failed = std::get_if<SocketFailed>(&event)) return failed->socket;
    return std::nullopt;
}

bool is_main(SocketId socket) {
    return socket == kSocketV4 || socket == kSocketV6;
}

}  // namespace

void Node::Core::handle_io_event(Instant now, const IoEvent& event) {
    notice_gap(now);
    if (const auto* error = std::get_if<IcmpError>(&event)) {
        // A hint about one datagram, and a spray draws hundreds of them.
        if (error->kind != IcmpError::Kind::kTooBig) return;
        for (const auto& [number, link] : links_) link->on_too_big(now, error->path);
        return;
    }
    if (const auto socket = socket_of(event); socket && !is_main(*socket)) {
        handle_spare(now, *socket, event);
        return settle(now);
    }
    bool network_changed = false;
    if (const auto* opened = std::get_if<SocketOpened>(&event)) {
        (opened->local.ip.is_v4() ? has_v4_ : has_v6_) = true;
    } else if (const auto* failed = std::get_if<SocketFailed>(&event)) {
        if (failed->socket == kSocketV4) has_v4_ = false;
        if (failed->socket == kSocketV6) has_v6_ = false;
    } else if (const auto* changed = std::get_if<InterfacesChanged>(&event)) {
        network_changed = true;
        nat_watch_.on_interfaces_changed(changed->addresses);
        const bool had_v4 = std::exchange(lists_v4_, lists(changed->addresses, Family::kV4));
        const bool had_v6 = std::exchange(lists_v6_, lists(changed->addresses, Family::kV6));
        lost_v4_ = !lists_v4_ && (had_v4 || lost_v4_);
        lost_v6_ = !lists_v6_ && (had_v6 || lost_v6_);
    }
    own_mapping_.handle_io_event(event);
    rendezvous_.handle_io_event(now, event);
    for (const auto& [number, link] : links_) link->on_local_changed(now, local_sockets());
    if (network_changed) on_network_changed(now);
    settle(now);
}

void Node::Core::handle_spare(Instant now, SocketId socket, const IoEvent& event) {
    const auto owner = spares_.owner_of(socket);
    if (!owner) return;  // closed meanwhile
    PeerLink* link = owner->peer ? find(*owner->peer) : nullptr;
    if (const auto* opened = std::get_if<SocketOpened>(&event)) {
        if (link != nullptr) return link->on_spare_opened(now, socket, opened->local.port);
        if (!owner->peer) return nat_watch_.on_spare_opened(now, socket, opened->local);
        spares_.close(socket);  // its link is gone
        return;
    }
    spares_.forget(socket);
    if (link != nullptr) return link->on_spare_failed(now);
    if (!owner->peer) nat_watch_.on_spare_failed(now);
}

void Node::Core::notice_gap(Instant now) {
    // Nothing has changed since the last drain, so this is still the time we asked for then. It is
    // looked up when it can matter only: most datagrams come shortly after one another.
    const Instant before = std::exchange(last_mutation_, now);
    if (now - before > kGapMax && next_timeout() < now - kGapMax) on_network_changed(now);
}

void Node::Core::on_network_changed(Instant now) {
    rendezvous_.on_network_changed(now);
    nat_watch_.on_network_changed(now);
    for (const auto& [number, link] : links_) link->on_network_changed(now);
}

void Node::Core::measure_ports(Instant now) {
    bool is_wanted = false;
    for (const auto& [number, link] : links_) is_wanted |= link->take_wants_ports();
    if (is_wanted) nat_watch_.measure_ports(now);
}

void Node::Core::take_nat_news(Instant now) {
    const bool was_asked_for = nat_watch_.take_ports_measured();
    const bool is_new = nat_watch_.take_changed();
    if (is_new) {
        rendezvous_.note_nat(now, nat_watch_.report());
        for (const auto& [number, link] : links_) link->on_lifetime_changed();
    }
    if (!was_asked_for && !(is_new && nat_watch_.report().is_complete)) return;
    for (const auto& [number, link] : links_) link->on_nat_changed(now, was_asked_for);
}

traversal::LocalSockets Node::Core::local_sockets() const {
    // A system without any address of a family opens sockets of it all the same: they lead nowhere,
    // unless the server answered through one. Where no interface is listed, nothing is known.
    const auto leads_out = [this](SocketId socket, bool has_address, bool has_lost) {
        return has_address || lists_v4_ == lists_v6_ ||
               (!has_lost && rendezvous_.gathering().mapped_endpoint(socket).has_value());
    };
    traversal::LocalSockets out;
    if (has_v4_ && leads_out(kSocketV4, lists_v4_, lost_v4_)) out.v4 = kSocketV4;
    if (has_v6_ && leads_out(kSocketV6, lists_v6_, lost_v6_)) out.v6 = kSocketV6;
    return out;
}

}  // namespace pinhole::node
