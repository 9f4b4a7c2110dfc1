// Transport, opener and gone: the messages outside the handshake.
//
// Transport (kind 8):
//
//     +------+---------+--------------------+-------------+---------------------------+
//     | kind | version | receiver index (4) | counter (8) | AEAD(frame) (1 + 16 ... ) |
//     +------+---------+--------------------+-------------+---------------------------+
//     The 14 header bytes are the associated data; the counter is the nonce; the tag is the last
//     16 bytes.
//
// The one order in which a transport message is opened, here and nowhere else to be changed:
// length -> kind -> index -> cheap replay look -> open -> mark replay -> frame tag. Nothing mutates
// before `open` succeeds.
//
// Opener (kind 9), sent to open our own NAT; proves nothing:
//
//     +------+---------+-----------------------------------------------+
//     | kind | version | MAC16(introduction nonce, sender's role) (16) |
//     +------+---------+-----------------------------------------------+
//
// Gone (kind 11), a stateless reset (RFC 9000 10.3), smaller than any transport message:
//
//     +------+---------+-----------+------------+
//     | kind | version | index (4) | token (16) |
//     +------+---------+-----------+------------+
#pragma once

#include "shared/base/tagged.hpp"
#include "shared/wire/kind.hpp"

namespace pinhole::wire {

inline constexpr std::size_t kTransportHeaderSize = 14;
inline constexpr std::size_t kTagSize = 16;
/// Header, tag and at least the frame's tag byte.
inline constexpr std::size_t kTransportSizeMin = kTransportHeaderSize + 1 + kTagSize;
inline constexpr std::size_t kTransportOverhead = kTransportHeaderSize + kTagSize;
inline constexpr std::size_t kOpenerSize = 18;
inline constexpr std::size_t kGoneSize = 22;

struct TransportHeader {
    SessionIndex receiver{};
    std::uint64_t counter = 0;

    friend bool operator==(const TransportHeader&, const TransportHeader&) = default;
};

struct Opener {
    FixedBytes<16> mac{};

    friend bool operator==(const Opener&, const Opener&) = default;
};

struct Gone {
    SessionIndex index{};
    FixedBytes<16> token{};

    friend bool operator==(const Gone&, const Gone&) = default;
};

/// Writes the 14 header bytes at the front of `out`.
void encode_header(const TransportHeader& header, MutableBytes out);
std::size_t encode(const Opener& message, MutableBytes out);
std::size_t encode(const Gone& message, MutableBytes out);

/// Drops: kRunt.
[[nodiscard]] Parsed<TransportHeader> parse_transport_header(Bytes datagram);
/// Drops: kRunt, kBadLength.
[[nodiscard]] Parsed<Opener> parse_opener(Bytes datagram);
[[nodiscard]] Parsed<Gone> parse_gone(Bytes datagram);

}  // namespace pinhole::wire
