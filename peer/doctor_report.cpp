#include "peer/doctor_report.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace pinhole::peer {
namespace {

using node::MappingState;
using node::Reason;
using wire::Allocation;
using wire::Dependence;

/// Routers that forget idle flows sooner than RFC 4787 4.3 allows at all.
constexpr Duration kShortLifetime = 120s;

bool is_easy(const DoctorReport& report) {
    switch (class_of(report)) {
        case NatClass::kNoNat:
        case NatClass::kEasyOpen: return true;
        case NatClass::kFirewall:
        case NatClass::kEasyAddress:
        case NatClass::kEasyPort:
        case NatClass::kEasy:
        case NatClass::kHardOpen:
        case NatClass::kHardPreserving:
        case NatClass::kHardSequential:
        case NatClass::kHardRandom:
        case NatClass::kHard:
        case NatClass::kUdpBlocked:
        case NatClass::kUnknown: return false;
    }
    return false;
}

bool is_hard_to_predict(NatClass nat) {
    return nat == NatClass::kHardSequential || nat == NatClass::kHardRandom ||
           nat == NatClass::kHard;
}

/// RFC 6598: the addresses that providers give to customers behind their own NAT.
bool is_carrier_address(const IpAddress& ip) {
    return ip.is_v4() && (ip.v4_bits() & 0xffc00000U) == 0x64400000U;  // 100.64.0.0/10
}

bool is_mapped(const DoctorReport& report) {
    return report.port_mapping.state == MappingState::kMapped;
}

bool has_double_mapping(const DoctorReport& report) {
    return report.port_mapping.state == MappingState::kUnmapped &&
           report.port_mapping.reason == PortUnmapped::Reason::kDoubleNat;
}

/// The outside address of the gateway, where another NAT is above it.
std::optional<IpAddress> gateway_address(const DoctorReport& report) {
    if (!has_double_mapping(report) || !report.port_mapping.external) return std::nullopt;
    return report.port_mapping.external->ip;
}

bool is_behind_carrier(const DoctorReport& report) {
    const auto gateway = gateway_address(report);
    if (gateway && is_carrier_address(*gateway)) return true;
    return std::ranges::any_of(report.addresses, [](const LocalAddress& address) {
        return is_carrier_address(address.ip);
    });
}

bool has_double_nat(const DoctorReport& report) {
    return has_double_mapping(report) || nat_layers(report).value_or(0) > 1;
}

// ---- one function for each piece of advice; an empty text says nothing

std::string about_server(const DoctorReport& report) {
    if (report.server) return {};
    const std::string port = report.via.substr(report.via.rfind(':') + 1);
    return fmt::format(
        "The rendezvous did not answer. On the server: sudo ufw allow {}:{}/udp. If this network "
        "blocks UDP, start the server with --tcp: rendezvous --tcp",
        port, std::stoul(port) + 1);
}

std::string about_udp(const DoctorReport& report) {
    if (!report.server || !report.server->over_tcp) return {};
    return "UDP does not get out of this network, so everything takes the relay, over TCP. Let "
           "outgoing UDP through in the firewall here; replies must come back in.";
}

std::string about_port_mapping(const DoctorReport& report) {
    const auto& mapping = report.port_mapping;
    if (is_easy(report)) return {};
    if (mapping.state == MappingState::kOff) {
        return "Port mapping is switched off (--no-port-mapping): with it the router may be asked "
               "for a port that is as good as no NAT.";
    }
    if (mapping.state != MappingState::kUnmapped || !mapping.reason) return {};
    switch (*mapping.reason) {
        case PortUnmapped::Reason::kNoGateway:
            return "Switch on UPnP, NAT-PMP or PCP in the router: a mapped port is as good as no "
                   "NAT.";
        case PortUnmapped::Reason::kRefused:
            return "The router knows port mapping but refused it: allow UPnP, NAT-PMP or PCP for "
                   "this machine.";
        case PortUnmapped::Reason::kTooShort:
            return "The router maps ports for less than a minute: look for a lease time in its "
                   "port "
                   "mapping settings.";
        case PortUnmapped::Reason::kLost:
            return "The router took a port mapping away; it is asked for again. If it stays away, "
                   "restart the router.";
        case PortUnmapped::Reason::kDoubleNat: return {};  // about_double_nat
    }
    return {};
}

std::string about_carrier(const DoctorReport& report) {
    if (!is_behind_carrier(report)) return {};
    return "The provider shares one public address among several customers (carrier-grade NAT). "
           "Ask for a public address of your own, or use IPv6.";
}

std::string about_double_nat(const DoctorReport& report) {
    if (!has_double_nat(report) || is_behind_carrier(report)) return {};
    const auto gateway = gateway_address(report);
    const std::string where =
        gateway ? fmt::format(" (its outside address is {})", *gateway) : std::string{};
    return fmt::format(
        "There is another NAT above the router{}. Put one of the two boxes into bridge mode, and "
        "ports can be mapped.",
        where);
}

std::string about_hard(const DoctorReport& report) {
    const NatClass nat = class_of(report);
    if (!is_hard_to_predict(nat) || is_mapped(report)) return {};
    if (nat == NatClass::kHardRandom && report.nat.keeps_low_ports.value_or(false)) {
        return "This NAT keeps ports below 1024 there: with --low-ports on both sides even two "
               "such NATs meet.";
    }
    if (nat == NatClass::kHardSequential) {
        return "Such a NAT meets all others but those that draw their ports at random. Against "
               "these "
               "one side needs a mapped port, a public address or IPv6.";
    }
    return "Two such NATs meet only by luck. One side needs a mapped port, a public address or "
           "IPv6; --low-ports on both sides may help (needs the right to bind ports below 1024).";
}

std::string about_race(const DoctorReport& report) {
    if (!report.nat.suffers_first_packet_race.value_or(false)) return {};
    return "A datagram that comes in too early moves the outside port. We work around it; on a "
           "Linux router this cures it: nft add rule inet filter input iifname WAN udp "
           "dport 1024-65535 ct state new drop";
}

std::string about_lifetime(const DoctorReport& report) {
    const auto& lifetime = report.nat.mapping_lifetime;
    if (!lifetime || *lifetime >= kShortLifetime / 2) return {};
    return "The NAT forgets idle flows early; more keepalives than usual keep paths open. Raise "
           "its UDP timeout to 120 s or more if you can.";
}

std::string about_v6(const DoctorReport& report) {
    if (public_v6(report) || is_easy(report)) return {};
    return "There is no public IPv6 address here. With IPv6 on both sides no NAT is in the way: "
           "switch it on in the router, or ask the provider.";
}

/// A NAT of this pair may map by address, which a server with one address cannot see.
bool may_hide_its_mapping(const DoctorReport& report) {
    return report.nat.behavior.mapping == Dependence::kPortIndependent ||
           (report.pair->theirs && report.pair->theirs->mapping == Dependence::kPortIndependent);
}

std::string about_one_address(const DoctorReport& report) {
    if (!report.pair || !report.pair->path) return {};
    const Reason reason = report.pair->path->reason;
    const bool is_in_vain = reason == Reason::kNoAnswer || reason == Reason::kGuessFailed;
    if (!is_in_vain || !may_hide_its_mapping(report)) return {};
    return "The rendezvous has one IPv4 address, and so cannot see whether a NAT takes another "
           "port "
           "for each address. With a second one (rendezvous --bind, both) it can, and ports can be "
           "guessed accordingly.";
}

std::string about_pair(const DoctorReport& report) {
    if (!report.pair || !report.pair->path) return {};
    if (report.pair->path->state == node::PathState::kDirect) return {};
    const Reason reason = report.pair->path->reason;
    if (reason == Reason::kBothHard) {
        return "For this pair one side needs a mapped port, a public address or IPv6, or both use "
               "--low-ports.";
    }
    if (reason == Reason::kSpraysOff) {
        return "For this pair ports must be guessed: leave --no-spray away on both sides.";
    }
    if (reason == Reason::kGuessing || reason == Reason::kGuessFailed) {
        return "Guessing a port takes luck and is tried again by itself: leave it running, or map "
               "a port on one side.";
    }
    if (reason == Reason::kPeerUdpBlocked) {
        return "The other side's network lets no UDP out, so everything takes the relay: let "
               "outgoing UDP through in the firewall there; replies must come back in.";
    }
    if (reason == Reason::kNoCandidates) {
        return "The two sides have no family of addresses in common that leads out: give both "
               "IPv4, or both IPv6.";
    }
    if (reason == Reason::kNoAnswer) {
        return "Something between the two drops UDP from strangers: run peer doctor on the other "
               "side as well, and look for a firewall.";
    }
    if (reason == Reason::kSmallOnly) {
        return "Something on the way drops datagrams of 1232 bytes: look for a tunnel or a VPN "
               "with a small MTU.";
    }
    return {};
}

}  // namespace

std::optional<int> nat_layers(const DoctorReport& report) {
    if (report.nat.is_untranslated.value_or(false)) return 0;
    if (!report.nat.opener_ttl) return std::nullopt;
    return *report.nat.opener_ttl - 1;
}

std::optional<IpAddress> public_v6(const DoctorReport& report) {
    for (const LocalAddress& address : report.addresses) {
        if (!address.ip.is_v4() && address.ip.scope() == Scope::kPublic) return address.ip;
    }
    return std::nullopt;
}

NatClass class_of(const wire::NatBehavior& behavior) {
    if (behavior.is_udp_blocked) return NatClass::kUdpBlocked;
    if (behavior.mapping == Dependence::kUnknown) return NatClass::kUnknown;
    if (!traversal::is_hard(behavior)) {
        switch (behavior.filtering) {
            case Dependence::kEndpointIndependent: return NatClass::kEasyOpen;
            case Dependence::kPortIndependent:
            case Dependence::kAddressDependent: return NatClass::kEasyAddress;
            case Dependence::kAddressAndPortDependent: return NatClass::kEasyPort;
            case Dependence::kUnknown: return NatClass::kEasy;
        }
    }
    if (behavior.filtering == Dependence::kEndpointIndependent) return NatClass::kHardOpen;
    switch (behavior.allocation) {
        case Allocation::kPreserving: return NatClass::kHardPreserving;
        case Allocation::kSequential: return NatClass::kHardSequential;
        case Allocation::kRandom: return NatClass::kHardRandom;
        case Allocation::kUnknown: return NatClass::kHard;
    }
    return NatClass::kHard;
}

NatClass class_of(const DoctorReport& report) {
    if (!report.server) return NatClass::kUnknown;
    if (report.server->over_tcp) return NatClass::kUdpBlocked;
    if (report.nat.is_untranslated.value_or(false)) {
        const Dependence filtering = report.nat.behavior.filtering;
        if (filtering == Dependence::kUnknown) return NatClass::kUnknown;
        return filtering == Dependence::kEndpointIndependent ? NatClass::kNoNat
                                                             : NatClass::kFirewall;
    }
    return class_of(report.nat.behavior);
}

std::string_view name_of(NatClass nat) {
    switch (nat) {
        case NatClass::kNoNat: return "no_nat";
        case NatClass::kFirewall: return "firewall";
        case NatClass::kEasyOpen: return "easy_open";
        case NatClass::kEasyAddress: return "easy_address";
        case NatClass::kEasyPort: return "easy_port";
        case NatClass::kEasy: return "easy";
        case NatClass::kHardOpen: return "hard_open";
        case NatClass::kHardPreserving: return "hard_preserving";
        case NatClass::kHardSequential: return "hard_sequential";
        case NatClass::kHardRandom: return "hard_random";
        case NatClass::kHard: return "hard";
        case NatClass::kUdpBlocked: return "udp_blocked";
        case NatClass::kUnknown: return "unknown";
    }
    return "?";
}

std::string_view words_of(NatClass nat) {
    switch (nat) {
        case NatClass::kNoNat:
            return "This machine has a public address and nothing is in front of it. Direct "
                   "connections work with everybody who may send UDP.";
        case NatClass::kFirewall:
            return "This machine has a public address behind a firewall that lets in only whom "
                   "it wrote to. Direct connections work with nearly everybody.";
        case NatClass::kEasyOpen:
            return "Your router keeps one outside port for all destinations and lets everybody "
                   "in. Direct connections work with everybody.";
        case NatClass::kEasyAddress:
            return "Your router keeps one outside port for all destinations and lets in whomever "
                   "you wrote to, from any port. Direct connections work with nearly everybody.";
        case NatClass::kEasyPort:
            return "Your router keeps one outside port for all destinations and lets only the "
                   "peers you wrote to answer: the common home router. Direct connections work "
                   "with nearly everybody.";
        case NatClass::kEasy:
            return "Your router keeps one outside port for all destinations. Direct connections "
                   "work with nearly everybody.";
        case NatClass::kHardOpen:
            return "Your router takes another outside port for each destination, but lets "
                   "everybody in. Direct connections work with nearly everybody.";
        case NatClass::kHardPreserving:
            return "Your router takes a new outside port for each destination, usually the inside "
                   "one. Direct connections work with most.";
        case NatClass::kHardSequential:
            return "Your router takes a new outside port for each destination and counts them, so "
                   "the next one can be predicted. Direct connections work with most, after a "
                   "guess.";
        case NatClass::kHardRandom:
            return "Your router takes a random outside port for each destination (often called "
                   "symmetric). Direct connections work with open and common home routers, the "
                   "latter after guessing for seconds, and not with a router like this one.";
        case NatClass::kHard:
            return "Your router takes another outside port for each destination (often called "
                   "symmetric). Direct connections may need guessing, and may fail.";
        case NatClass::kUdpBlocked:
            return "UDP does not get through here, only TCP. Texts get through by the relay, and "
                   "direct connections are not possible.";
        case NatClass::kUnknown:
            return "Too little is known about this network to say what it does.";
    }
    return "?";
}

std::vector<Advice> advice_for(const DoctorReport& report) {
    std::vector<Advice> out;
    const auto add = [&](std::string_view about, std::string text) {
        if (!text.empty()) out.push_back({.about = about, .text = std::move(text)});
    };
    add("rendezvous", about_server(report));
    add("udp", about_udp(report));
    add("pair", about_pair(report));
    add("one_address", about_one_address(report));
    const bool can_go_direct = report.server && !report.server->over_tcp;
    if (!can_go_direct) return out;
    add("carrier_nat", about_carrier(report));
    add("double_nat", about_double_nat(report));
    add("port_mapping", about_port_mapping(report));
    add("hard_nat", about_hard(report));
    add("first_packet", about_race(report));
    add("lifetime", about_lifetime(report));
    add("ipv6", about_v6(report));
    return out;
}

}  // namespace pinhole::peer
