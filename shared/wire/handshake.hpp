// The Noise handshake on the wire: initiation, response, and the retry that asks for a cookie.
//
// Initiation (kind 6):
//
//     +------+---------+------------------+---------------+---------------------+
//     | kind | version | sender index (4) | nonce tag (8) | Noise message 1 (n) |
//     +------+----+----+--------+---------+---------------+---------------------+
//     | mac1 (16) | cookie (16) |
//     +-----------+-------------+
//     n >= 96 + 14. mac1 covers everything before it and excludes the cookie, so that one
//     byte-identical message goes over every path with only the cookie different.
//     nonce tag = first 8 bytes of BLAKE2b(introduction nonce); zeros to a server.
//
// Response (kind 7):
//
//     +------+---------+------------------+--------------------+---------------------+-----------+
//     | kind | version | sender index (4) | receiver index (4) | Noise message 2 (n) | mac1 (16) |
//     +------+---------+------------------+--------------------+---------------------+-----------+
//     n >= 48 + 14.
//
// Retry (kind 10), the answer to an initiation without a valid cookie, smaller than it:
//
//     +------+---------+--------------------+-------------+
//     | kind | version | receiver index (4) | cookie (16) |
//     +------+---------+--------------------+-------------+
//
// The payload inside both Noise messages:
//
//     +--------------+-----------------+------------------+--------------------+
//     | features (4) | incarnation (8) | ENet length (2)  | ENet datagram      |
//     +--------------+-----------------+------------------+--------------------+
//     features: offered in message 1, the choice in message 2. The ENet datagram is CONNECT in
//     message 1 and VERIFY_CONNECT in message 2, or empty; never user data.
#pragma once

#include "shared/base/tagged.hpp"
#include "shared/wire/kind.hpp"

namespace pinhole::wire {

inline constexpr std::size_t kInitiationOverhead = 2 + 4 + 8 + 16 + 16;
inline constexpr std::size_t kResponseOverhead = 2 + 4 + 4 + 16;
inline constexpr std::size_t kRetrySize = 2 + 4 + 16;
inline constexpr std::size_t kHandshakePayloadSize = 4 + 8 + 2;
/// The longest ENet datagram that a handshake carries; CONNECT is 52 bytes, VERIFY_CONNECT with
/// an acknowledgement 56.
inline constexpr std::size_t kHandshakeEnetMax = 128;
/// Noise's own bytes in IKpsk2: e 32 + s 48 + tag 16, and e 32 + tag 16.
inline constexpr std::size_t kNoiseMessage1Overhead = 96;
inline constexpr std::size_t kNoiseMessage2Overhead = 48;
inline constexpr std::size_t kHandshakePayloadMax = kHandshakePayloadSize + kHandshakeEnetMax;
/// The longest initiation, and so the longest handshake message.
inline constexpr std::size_t kHandshakeSizeMax =
    kInitiationOverhead + kNoiseMessage1Overhead + kHandshakePayloadMax;
/// Bounds of both messages: from a payload without ENet's datagram to the longest payload. What
/// later versions append shares the room that ENet's datagram leaves.
inline constexpr std::size_t kInitiationSizeMin =
    kInitiationOverhead + kNoiseMessage1Overhead + kHandshakePayloadSize;
inline constexpr std::size_t kResponseSizeMin =
    kResponseOverhead + kNoiseMessage2Overhead + kHandshakePayloadSize;
inline constexpr std::size_t kResponseSizeMax =
    kResponseOverhead + kNoiseMessage2Overhead + kHandshakePayloadMax;

using NonceTag = FixedBytes<8>;

/// Borrowed: the spans point into the parsed datagram.
struct HandshakeInitiation {
    SessionIndex sender{};
    NonceTag nonce_tag{};
    Bytes noise{};
    FixedBytes<16> mac1{};
    Cookie cookie{};
    /// What mac1 covers. Set by the parser, ignored by the encoder.
    Bytes covered{};
};

struct HandshakeResponse {
    SessionIndex sender{};
    SessionIndex receiver{};
    Bytes noise{};
    FixedBytes<16> mac1{};
    Bytes covered{};
};

struct Retry {
    SessionIndex receiver{};
    Cookie cookie{};

    friend bool operator==(const Retry&, const Retry&) = default;
};

/// Bits of the handshake's feature word.
enum class Feature : std::uint32_t {
    kAes256Gcm = 1U << 0U,  ///< this side has AES-256-GCM in hardware
};

struct HandshakePayload {
    std::uint32_t features = 0;
    Incarnation incarnation{};
    Bytes enet{};
};

/// Writes everything before mac1 and returns its size: the part that mac1 covers. The caller
/// computes mac1 over it and writes it, and an initiation's cookie, behind it.
std::size_t encode_covered(const HandshakeInitiation& message, MutableBytes out);
std::size_t encode_covered(const HandshakeResponse& message, MutableBytes out);
std::size_t encode(const Retry& message, MutableBytes out);
std::size_t encode(const HandshakePayload& payload, MutableBytes out);

/// Drops: kRunt, kBadLength (longer than `kHandshakeSizeMax` or `kResponseSizeMax`; a retry of any
/// other size than its own; an ENet length that does not fit). The MAC and the cookie are the
/// caller's to check.
[[nodiscard]] Parsed<HandshakeInitiation> parse_initiation(Bytes datagram);
[[nodiscard]] Parsed<HandshakeResponse> parse_response(Bytes datagram);
[[nodiscard]] Parsed<Retry> parse_retry(Bytes datagram);
/// Longer than expected is accepted, so that later versions can append.
[[nodiscard]] Parsed<HandshakePayload> parse_handshake_payload(Bytes payload);

}  // namespace pinhole::wire
