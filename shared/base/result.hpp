// How a call says that it did not work: `Result` for our own errors, `Parsed` for hostile input.
//
// Hostile input is a value, not an error: a parser returns the reason for which a datagram is
// dropped, the caller counts it and forgets the datagram. No log line, no reply, no exception.
// This is the only file that names `tl::`; the swap to `std::expected` is one line.
#pragma once

#include <cstdint>
#include <string_view>

#include <tl/expected.hpp>

namespace pinhole {

template <class T, class E>
using Result = tl::expected<T, E>;

template <class E>
[[nodiscard]] auto failure(E error) {
    return tl::make_unexpected(error);
}

/// Why a datagram, or a frame inside one, was dropped in silence. Each has a counter.
enum class Drop : std::uint8_t {
    kRunt,            ///< shorter than the smallest message of its kind
    kUnknownKind,     ///< first byte names no message of ours
    kUnknownVersion,  ///< second byte is not our protocol version
    kBadLength,       ///< a length or count inside does not fit
    kBadField,        ///< a field holds a value outside its range
    kUnknownSession,  ///< no session, attempt or introduction has this index or tag
    kReplay,          ///< counter already seen, or older than the window
    kBadTag,          ///< the AEAD tag does not verify
    kBadMac,          ///< mac1, an opener's MAC or a gone token does not verify
    kBadCookie,       ///< the cookie is not ours, or too old
    kBadKey,          ///< a key is of small order, or not the one that was expected
    kUnknownFrame,    ///< an authenticated frame with a tag we do not know
    kUnexpected,      ///< well-formed, but nothing here waits for it
    kLimit,           ///< a bound or budget is used up
    kStale,           ///< belongs to a state that has passed
    kCount
};

template <class T>
using Parsed = tl::expected<T, Drop>;

/// Shorthand for a failed `Parsed<T>`.
[[nodiscard]] inline auto dropped(Drop reason) {
    return tl::make_unexpected(reason);
}

/// The counter name of a drop reason, in snake_case.
[[nodiscard]] constexpr std::string_view name_of(Drop reason) {
    switch (reason) {
        case Drop::kRunt: return "runt";
        case Drop::kUnknownKind: return "unknown_kind";
        case Drop::kUnknownVersion: return "unknown_version";
        case Drop::kBadLength: return "bad_length";
        case Drop::kBadField: return "bad_field";
        case Drop::kUnknownSession: return "unknown_session";
        case Drop::kReplay: return "replay";
        case Drop::kBadTag: return "bad_tag";
        case Drop::kBadMac: return "bad_mac";
        case Drop::kBadCookie: return "bad_cookie";
        case Drop::kBadKey: return "bad_key";
        case Drop::kUnknownFrame: return "unknown_frame";
        case Drop::kUnexpected: return "unexpected";
        case Drop::kLimit: return "limit";
        case Drop::kStale: return "stale";
        case Drop::kCount: break;
    }
    return "?";
}

}  // namespace pinhole
