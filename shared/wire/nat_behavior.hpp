// How a peer's NAT behaves towards it, in the words of RFC 4787, as peers and server tell each
// other.
//
//     +-------------+---------------+----------------+-----------+------------------+
//     | mapping (1) | filtering (1) | allocation (1) | flags (1) | step, signed (2) |
//     +-------------+---------------+----------------+-----------+------------------+
//     | first port (2) | last port (2) | newest port (2) |
//     +----------------+---------------+-----------------+
//     flags: 1 = keeps low ports low, and we may bind them; 2 = takes no part in sprays; 4 = UDP
//     does not get out of its network (peers tell each other; the server sees it by itself).
//     first and last port: the range that its mappings were seen in, both included; 0 = any.
//     newest port: the latest mapping that was made for us; the next ones lie `step` apart.
//
// A value that this version does not know reads as unknown, so that later versions can add some.
#pragma once

#include "shared/base/cursor.hpp"

namespace pinhole::wire {

/// RFC 4787 4.1 (mapping) and 5 (filtering): how much of the remote endpoint matters.
enum class Dependence : std::uint8_t {
    kUnknown = 0,
    kEndpointIndependent = 1,
    /// Independent of the port; whether of the address too, one server address cannot tell.
    kPortIndependent = 2,
    kAddressDependent = 3,
    kAddressAndPortDependent = 4,
};

/// As far as is known, the destination makes no difference.
[[nodiscard]] constexpr bool is_independent(Dependence dependence) {
    return dependence == Dependence::kEndpointIndependent ||
           dependence == Dependence::kPortIndependent;
}

/// The destination's port makes no difference; its address may.
[[nodiscard]] constexpr bool ignores_ports(Dependence dependence) {
    return is_independent(dependence) || dependence == Dependence::kAddressDependent;
}

/// The destination is known to make a difference.
[[nodiscard]] constexpr bool is_dependent(Dependence dependence) {
    return dependence == Dependence::kAddressDependent ||
           dependence == Dependence::kAddressAndPortDependent;
}

/// RFC 4787 4.2: which external port a new mapping gets.
enum class Allocation : std::uint8_t {
    kUnknown = 0,
    kPreserving = 1,  ///< the internal port, when it is free
    kSequential = 2,  ///< the last one plus a step
    kRandom = 3,
};

inline constexpr std::size_t kNatBehaviorSize = 12;

struct NatBehavior {
    Dependence mapping = Dependence::kUnknown;
    Dependence filtering = Dependence::kUnknown;
    Allocation allocation = Allocation::kUnknown;
    /// Ports below 1024 map into ports below 1024, and this peer may bind such ports.
    bool has_low_ports = false;
    /// Its user switched sprays off.
    bool refuses_sprays = false;
    /// UDP does not get out of its network: it reaches even the server by TCP alone.
    bool is_udp_blocked = false;
    std::int16_t step = 0;
    std::uint16_t first_port = 0;
    std::uint16_t last_port = 0;
    std::uint16_t newest_port = 0;

    friend bool operator==(const NatBehavior&, const NatBehavior&) = default;
};

void write_nat_behavior(Writer& writer, const NatBehavior& behavior);
/// The caller checks `reader.ok()`.
[[nodiscard]] NatBehavior read_nat_behavior(Reader& reader);

}  // namespace pinhole::wire
