// The frames that only peers exchange.
//
//     enet        | 0x10 | ENet datagram |
//     candidates  | 0x11 | candidate list |
//     part        | 0x12 | id (2) | index (1) | count (1) | piece of an ENet datagram |
//                 index < count <= 3: an ENet datagram that no longer fits its path
//     spray ok    | 0x13 | datagrams granted (2) | NAT behavior (12) | external address (19) |
//                 with what `nat behavior` says: the two must not overtake each other
//     nat behavior| 0x14 | NAT behavior (12) | external endpoint (19) |
//                 where the server sees the sender's IPv4 socket, "none" when it is not known
#pragma once

#include <variant>

#include "shared/wire/candidate.hpp"
#include "shared/wire/frame.hpp"
#include "shared/wire/nat_behavior.hpp"

namespace pinhole::wire {

struct EnetFrame {
    Bytes datagram{};
};

struct CandidatesFrame {
    CandidateList candidates{};

    friend bool operator==(const CandidatesFrame&, const CandidatesFrame&) = default;
};

struct Part {
    std::uint16_t id = 0;
    std::uint8_t index = 0;
    std::uint8_t count = 1;
    Bytes piece{};
};

struct NatBehaviorFrame {
    NatBehavior behavior{};
    /// Where the server sees the sender's main IPv4 socket; its new mappings share the address.
    std::optional<Endpoint> external{};

    friend bool operator==(const NatBehaviorFrame&, const NatBehaviorFrame&) = default;
};

struct SprayOk {
    std::uint16_t datagrams = 0;
    NatBehaviorFrame nat{};

    friend bool operator==(const SprayOk&, const SprayOk&) = default;
};

inline constexpr std::uint8_t kPartsMax = 4;

std::size_t encode(const EnetFrame& frame, MutableBytes out);
/// The same where the datagram stands: all of `frame` but its first byte.
void tag_enet_frame(MutableBytes frame);
std::size_t encode(const CandidatesFrame& frame, MutableBytes out);
std::size_t encode(const Part& frame, MutableBytes out);
std::size_t encode(const SprayOk& frame, MutableBytes out);
std::size_t encode(const NatBehaviorFrame& frame, MutableBytes out);

/// Everything that may stand in a transport message between two peers.
using PeerFrame = std::variant<Keepalive, Challenge, Response, Rekey, Close, EnetFrame,
                               CandidatesFrame, Part, SprayOk, NatBehaviorFrame>;

/// `frame` is a whole plaintext, tag first. Borrows from it.
/// Drops: kRunt, kUnknownFrame, kBadLength, kBadField.
[[nodiscard]] Parsed<PeerFrame> parse_peer_frame(Bytes frame);

}  // namespace pinhole::wire
