#include "tests/lab/nat_box.hpp"

#include "shared/base/cursor.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::lab {
namespace {

Fate fate_of(NatDrop reason) {
    switch (reason) {
        case NatDrop::kNoMapping: return Fate::kNoMapping;
        case NatDrop::kFiltered: return Fate::kFiltered;
        case NatDrop::kClaimedByRouter: return Fate::kClaimedByRouter;
        case NatDrop::kPortsExhausted: return Fate::kPortsExhausted;
        case NatDrop::kLimit: return Fate::kMappingLimit;
        case NatDrop::kUdpBlocked: return Fate::kUdpBlocked;
        case NatDrop::kNoHairpin: break;
    }
    return Fate::kNoHairpin;
}

/// TCP and echo as most routers treat them, whatever they do to UDP: one port for all, let in what
/// was asked for.
NatProfile profile_of_others(const NatProfile& udp) {
    NatProfile profile;
    profile.translates = udp.translates;
    profile.is_open = udp.is_open;
    profile.mapping_lifetime = profile.first_reply_lifetime = 1h;
    return profile;
}

NatModel& model_for(const Packet& packet, NatBox::Side& side) {
    return packet.transport == Transport::kUdp ? side.model : side.others;
}

}  // namespace

NatBox::NatBox(World world, std::string name, std::uint64_t seed)
    : Router(world, std::move(name)),
      random_(std::make_unique<test::SeededRandom>(seed)),
      others_random_(std::make_unique<test::SeededRandom>(~seed)) {}

NatBox::~NatBox() = default;

void NatBox::add_side(const Prefix& lan, const NatProfile& profile, std::vector<IpAddress> wan) {
    auto& slot = lan.ip.is_v4() ? v4_ : v6_;
    assert(!slot);
    slot.emplace(Side{lan, NatModel{profile, wan, *random_},
                      NatModel{profile_of_others(profile), wan, *others_random_}});
}

void NatBox::plug_into(Router& parent, Attachment attachment) {
    parent_ = &parent;
    uplink_ = attachment;
    for (const auto* slot : {&v4_, &v6_}) {
        if (!*slot) continue;
        const Side& side = **slot;
        if (!side.model.profile().translates) parent.route(side.lan, uplink_.id);
        for (const IpAddress& external : side.model.external_ips()) {
            parent.route(single(external), uplink_.id);
        }
    }
}

void NatBox::reboot() {
    for (auto* slot : {&v4_, &v6_}) {
        if (!*slot) continue;
        (*slot)->model.flush();
        (*slot)->others.flush();
    }
}

void NatBox::change_wan(const std::vector<IpAddress>& wan) {
    assert(v4_);
    for (const IpAddress& old : v4_->model.external_ips()) parent_->unroute(single(old));
    for (const IpAddress& external : wan) parent_->route(single(external), uplink_.id);
    v4_->model.renumber(wan);
    v4_->others.renumber(wan);
}

void NatBox::become(const NatProfile& profile) {
    assert(v4_ && v4_->model.profile().translates == profile.translates);
    v4_->model.become(profile);
}

const NatModel& NatBox::model(Family family) const {
    const Side* found = side(family);
    assert(found != nullptr);
    return found->model;
}

IpAddress NatBox::wan() const {
    return model().external_ips().front();
}

void NatBox::receive(Instant now, CableId cable, Packet packet) {
    if (side(packet.destination.ip.family()) == nullptr) {
        trace(now, packet, Fate::kNoRoute);
    } else if (cable == kUplink) {
        from_wan(now, std::move(packet));
    } else {
        from_lan(now, std::move(packet));
    }
}

void NatBox::route(const Prefix& block, CableId cable) {
    Router::route(block, cable);
    // What lies behind a router that does not translate must be known above it too.
    const Side* found = side(block.ip.family());
    const bool is_own_lan = found != nullptr && found->lan.contains(block.ip);
    const bool is_hidden = found == nullptr || found->model.profile().translates;
    if (!is_own_lan && !is_hidden) parent_->route(block, uplink_.id);
}

std::optional<Prefix> NatBox::subnet(Family family) const {
    const Side* found = side(family);
    return found == nullptr ? std::nullopt : std::optional{found->lan};
}

Router::Forwarded NatBox::forward(Instant now, const Endpoint& internal) {
    using Reason = PortUnmapped::Reason;
    if (!v4_ || !v4_->model.profile().maps_ports) return Router::forward(now, internal);
    if (wan().scope() != Scope::kPublic) {
        return failure(
            PortUnmapped{.socket = {}, .reason = Reason::kDoubleNat, .found = Endpoint{wan(), 0}});
    }
    const auto external = v4_->model.forward(now, internal);
    if (!external) return failure(PortUnmapped{.socket = {}, .reason = Reason::kRefused});
    return *external;
}

void NatBox::unforward(const Endpoint& internal) {
    if (v4_) v4_->model.unforward(internal);
}

IpAddress NatBox::next_client(Family family) {
    const Side* found = side(family);
    assert(found != nullptr);
    IpAddress address = lan_address(found->lan, ++clients_);
    while (route_to(address)) address = lan_address(found->lan, ++clients_);
    return address;
}

NatBox::Side* NatBox::side(Family family) {
    return const_cast<Side*>(std::as_const(*this).side(family));
}

const NatBox::Side* NatBox::side(Family family) const {
    const auto& slot = family == Family::kV4 ? v4_ : v6_;
    return slot ? &*slot : nullptr;
}

void NatBox::from_lan(Instant now, Packet packet) {
    Side& own = *side(packet.destination.ip.family());
    const IpAddress& destination = packet.destination.ip;
    if (own.lan.contains(destination)) {
        // A switch: no hop, no filter.
        const auto cable = route_to(destination);
        if (destination == lan_address(own.lan, 1)) {
            trace(now, packet, Fate::kClosedPort);
            report(now, IcmpError::Kind::kPortUnreachable, packet);
        } else if (!cable) {
            trace(now, packet, Fate::kNoRoute);
        } else if (isolates_clients_) {
            trace(now, packet, Fate::kIsolated);
        } else {
            send_down(now, *cable, std::move(packet));
        }
    } else if (packet.icmp) {
        icmp_from_lan(now, own, std::move(packet));
    } else if (packet.ttl <= 1) {
        // Before any mapping is made, as in the kernel: an entry is confirmed only on the way out.
        trace(now, packet, Fate::kTtlExceeded);
        report(now, IcmpError::Kind::kTimeExceeded, packet);
    } else if (route_to(destination)) {
        --packet.ttl;  // another router's block below this one
        deliver(now, std::move(packet));
    } else if (own.model.owns(destination)) {
        hairpin(now, own, std::move(packet));
    } else {
        leave(now, own, std::move(packet));
    }
}

bool NatBox::takes(Instant now, const Side& own, Packet& packet) const {
    if (packet.fragment_size == 0) return true;
    const Fragments fragments = own.model.profile().fragments;
    if (fragments == Fragments::kPass) return true;
    trace(now, packet, Fate::kFragment);
    packet.has_lost_tail = true;
    return fragments == Fragments::kFirstOnly;
}

void NatBox::leave(Instant now, Side& own, Packet packet) {
    if (!takes(now, own, packet)) return;
    const auto external = model_for(packet, own).outbound(now, packet.source, packet.destination);
    if (!external) {
        trace(now, packet, fate_of(external.error()));
        return;
    }
    --packet.ttl;
    packet.source = *external;
    if (own.model.profile().translates) trace(now, packet, Fate::kTranslated);
    send_up(now, std::move(packet));
}

void NatBox::hairpin(Instant now, Side& own, Packet packet) {
    if (!takes(now, own, packet)) return;
    const auto turned = model_for(packet, own).hairpin(now, packet.source, packet.destination);
    if (!turned) {
        refuse(now, own, packet, turned.error());
        return;
    }
    --packet.ttl;
    packet.source = turned->source;
    packet.destination = turned->destination;
    trace(now, packet, Fate::kTranslated);
    deliver(now, std::move(packet));
}

void NatBox::from_wan(Instant now, Packet packet) {
    Side& own = *side(packet.destination.ip.family());
    if (packet.icmp) {
        icmp_from_wan(now, own, std::move(packet));
        return;
    }
    if (!takes(now, own, packet)) return;
    const auto internal = model_for(packet, own).inbound(now, packet.source, packet.destination);
    if (!internal) {
        refuse(now, own, packet, internal.error());
        return;
    }
    // After the lookup, as in the kernel: a packet that dies here has still refreshed its session.
    if (packet.ttl <= 1) {
        trace(now, packet, Fate::kTtlExceeded);
        report(now, IcmpError::Kind::kTimeExceeded, packet);
        return;
    }
    --packet.ttl;
    packet.destination = *internal;
    if (own.model.profile().translates) trace(now, packet, Fate::kTranslated);
    deliver(now, std::move(packet));
}

void NatBox::refuse(Instant now, Side& own, const Packet& packet, NatDrop reason) {
    trace(now, packet, fate_of(reason));
    const bool is_unexpected = reason == NatDrop::kNoMapping || reason == NatDrop::kFiltered ||
                               reason == NatDrop::kClaimedByRouter;
    if (is_unexpected && own.model.profile().rejects) {
        report(now, IcmpError::Kind::kPortUnreachable, packet);
    }
}

void NatBox::icmp_from_wan(Instant now, Side& own, Packet packet) {
    IcmpQuote& quote = *packet.icmp;
    const auto internal = model_for(packet, own).internal_of(now, quote.source, quote.destination);
    if (!internal) {
        trace(now, packet, Fate::kNoMapping);
        return;
    }
    quote.source = *internal;
    packet.destination.ip = internal->ip;
    deliver(now, std::move(packet));
}

void NatBox::icmp_from_lan(Instant now, Side& own, Packet packet) {
    IcmpQuote& quote = *packet.icmp;
    const auto external = model_for(packet, own).external_of(now, quote.destination, quote.source);
    if (!external) {
        trace(now, packet, Fate::kNoMapping);
        return;
    }
    quote.destination = *external;
    packet.source.ip = external->ip;
    send_up(now, std::move(packet));
}

void NatBox::deliver(Instant now, Packet packet) {
    if (const auto cable = route_to(packet.destination.ip)) {
        send_down(now, *cable, std::move(packet));
    } else {
        trace(now, packet, Fate::kNoRoute);
    }
}

void NatBox::send_up(Instant now, Packet packet) {
    send_by(now, uplink_.cable->up, std::move(packet));
}

void NatBox::originate(Instant now, Packet packet) {
    const Family family = packet.destination.ip.family();
    Side& own = *side(family);
    packet.source.ip = lan_address(own.lan, 1);
    // About a packet that did not fit into the LAN: whoever sent it knows it by its outer endpoint.
    IcmpQuote& quote = *packet.icmp;
    const auto external = model_for(packet, own).external_of(now, quote.destination, quote.source);
    if (external) quote.destination = *external;
    if (own.model.owns(packet.destination.ip)) {
        icmp_from_wan(now, own, std::move(packet));  // about a packet we had translated already
    } else if (route_to(packet.destination.ip)) {
        deliver(now, std::move(packet));
    } else {
        if (own.model.profile().translates) packet.source.ip = own.model.external_ips().front();
        send_up(now, std::move(packet));
    }
}

IpAddress NatBox::lan_address(const Prefix& lan, std::uint32_t number) {
    const IpAddress base = lan.ip.prefix(lan.length);
    if (base.is_v4()) return IpAddress::v4(base.v4_bits() + number);
    FixedBytes<16> raw = base.v6_bytes();
    Writer{MutableBytes{raw}.subspan(12)}.u32(number);
    return IpAddress::v6(raw);
}

}  // namespace pinhole::lab
