// The first two bytes of every UDP payload: what kind of message it is, and our version.
//
//      0                   1
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
//     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//     |     kind      |  version (1)  |
//     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// Kinds 0-3 stay STUN's (RFC 7983); ours live in 4-15.
#pragma once

#include "shared/base/cursor.hpp"
#include "shared/base/result.hpp"

namespace pinhole::wire {

/// The protocol version, in the second byte of each of our messages.
inline constexpr std::uint8_t kVersion = 1;

enum class Kind : std::uint8_t {
    kBindingRequest = 4,
    kBindingResponse = 5,
    kHandshakeInitiation = 6,
    kHandshakeResponse = 7,
    kTransport = 8,
    kOpener = 9,
    kRetry = 10,
    kGone = 11,
};

/// True when the first byte is one that RFC 7983 gives to STUN.
[[nodiscard]] inline bool is_stun(Bytes datagram) {
    return !datagram.empty() && std::to_integer<std::uint8_t>(datagram.front()) <= 3;
}

/// The kind of a datagram, from its first two bytes.
/// Drops: kRunt, kUnknownKind, kUnknownVersion.
[[nodiscard]] inline Parsed<Kind> classify(Bytes datagram) {
    if (datagram.size() < 2) return dropped(Drop::kRunt);
    const auto kind = std::to_integer<std::uint8_t>(datagram[0]);
    if (kind < 4 || kind > 11) return dropped(Drop::kUnknownKind);
    if (std::to_integer<std::uint8_t>(datagram[1]) != kVersion) {
        return dropped(Drop::kUnknownVersion);
    }
    return static_cast<Kind>(kind);
}

/// Writes the two bytes that begin every message.
inline void write_kind(Writer& writer, Kind kind) {
    writer.u8(static_cast<std::uint8_t>(kind)).u8(kVersion);
}

}  // namespace pinhole::wire
