#include "tests/lab/router.hpp"

namespace pinhole::lab {

Attachment Router::attach(LinkEnd lower, const std::string& lower_name, std::uint64_t seed) {
    const CableId id = cables_.size();
    // The two directions draw from different streams.
    cables_.push_back(
        std::unique_ptr<Cable>(new Cable{{world_, lower_name + ">" + name_, seed, {this, id}},
                                         {world_, name_ + ">" + lower_name, ~seed, lower}}));
    return {cables_.back().get(), id};
}

void Router::route(const Prefix& block, CableId cable) {
    if (block.length == (block.ip.is_v4() ? 32U : 128U)) {
        single_[block.ip] = cable;
        return;
    }
    const auto shorter = std::ranges::find_if(
        blocks_, [&](const Route& route) { return route.block.length < block.length; });
    blocks_.insert(shorter, {block, cable});
}

void Router::unroute(const Prefix& block) {
    single_.erase(block.ip);
    std::erase_if(blocks_, [&](const Route& route) {
        return route.block.length == block.length && route.block.contains(block.ip);
    });
}

Router::Forwarded Router::forward(Instant, const Endpoint&) {
    return failure(PortUnmapped{.socket = {}, .reason = PortUnmapped::Reason::kNoGateway});
}

std::optional<CableId> Router::route_to(const IpAddress& destination) const {
    if (const auto found = single_.find(destination); found != single_.end()) return found->second;
    for (const Route& route : blocks_) {
        if (route.block.contains(destination)) return route.cable;
    }
    return std::nullopt;
}

void Router::send_down(Instant now, CableId cable, Packet packet) {
    send_by(now, cables_[cable]->down, std::move(packet));
}

void Router::send_by(Instant now, Link& link, Packet packet) {
    const LinkQuality& quality = link.quality();
    if (!link.fits(packet)) {
        if (packet.may_fragment) {
            packet.fragment_size = quality.mtu;
        } else if (quality.reports_too_big) {
            report(now, IcmpError::Kind::kTooBig, packet, quality.mtu);
        }
    }
    link.send(now, std::move(packet));
}

void Router::trace(Instant now, const Packet& packet, Fate fate) const {
    world_.trace.record({now, name_, packet, fate});
}

void Router::report(Instant now, IcmpError::Kind kind, const Packet& packet, std::size_t mtu) {
    if (packet.icmp) return;  // RFC 1122 3.2.2: never an error about an error
    originate(now, icmp_error(kind, packet, mtu));
}

void Core::receive(Instant now, CableId, Packet packet) {
    if (packet.ttl <= hops_) {
        trace(now, packet, Fate::kTtlExceeded);
        report(now, IcmpError::Kind::kTimeExceeded, packet);
        return;
    }
    packet.ttl = static_cast<std::uint8_t>(packet.ttl - hops_);
    if (const auto cable = route_to(packet.destination.ip)) {
        send_down(now, *cable, std::move(packet));
    } else {
        trace(now, packet, Fate::kNoRoute);
    }
}

void Core::originate(Instant now, Packet packet) {
    static const IpAddress kOwnV4 = ip("192.0.2.1");
    static const IpAddress kOwnV6 = ip("2001:db8:ffff::1");
    packet.source.ip = packet.destination.ip.is_v4() ? kOwnV4 : kOwnV6;
    if (const auto cable = route_to(packet.destination.ip)) {
        send_down(now, *cable, std::move(packet));
    }
}

}  // namespace pinhole::lab
