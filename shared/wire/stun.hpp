// STUN Binding (RFC 8489), just enough to tell any STUN client its mapped address: the opt-in
// `--stun` of the rendezvous server. Kinds 0-3 of the first byte are STUN's (RFC 7983).
//
//      0                   1                   2                   3
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//     +-------------------------------+-------------------------------+
//     |          message type         |     length of attributes      |
//     +-------------------------------+-------------------------------+
//     |                   magic cookie 0x2112A442                     |
//     +---------------------------------------------------------------+
//     |                    transaction id (96 bits)                   |
//     +---------------------------------------------------------------+
//     | attributes: | type (2) | length (2) | value, padded to 4 | ... |
//     +---------------------------------------------------------------+
//
// Deliberately less than the RFC: no authentication (6.3.1 lets a server do without), no answer
// without the magic cookie (RFC 3489 clients), and silence instead of an error 420 when a request
// needs an attribute that is not understood, CHANGE-REQUEST of RFC 5780 among them.
#pragma once

#include "shared/base/cursor.hpp"
#include "shared/base/endpoint.hpp"
#include "shared/base/result.hpp"

namespace pinhole::wire {

/// RFC 8489 5: the 96-bit transaction id.
using StunTransactionId = FixedBytes<12>;

/// The largest response: header, an IPv6 XOR-MAPPED-ADDRESS and FINGERPRINT.
inline constexpr std::size_t kStunResponseSizeMax = 20 + 24 + 8;

struct StunRequest {
    StunTransactionId transaction{};
    /// The request ends in a valid FINGERPRINT, so the response carries one too (RFC 8489 7).
    bool has_fingerprint = false;

    friend bool operator==(const StunRequest&, const StunRequest&) = default;
};

struct StunResponse {
    StunTransactionId transaction{};
    Endpoint mapped{};
    bool with_fingerprint = false;
};

/// Drops: kRunt, kUnknownKind (not a Binding request), kBadLength, kBadField (no magic cookie, an
/// attribute that must be understood and is not, a FINGERPRINT that is wrong or not last).
[[nodiscard]] Parsed<StunRequest> parse_stun_request(Bytes datagram);

/// Writes a Binding success response and returns its size, at most `kStunResponseSizeMax`.
std::size_t encode(const StunResponse& response, MutableBytes out);

}  // namespace pinhole::wire
