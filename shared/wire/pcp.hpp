// Port Control Protocol (RFC 6887): the header and the MAP opcode, which is how a peer asks its
// gateway to forward a port. The gateway listens on UDP port 5351.
//
//      0                   1                   2                   3
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//     +---------------+-+-------------+-------------------------------+
//     |  version = 2  |0|   opcode    |           reserved            |   request (7.1)
//     +---------------+-+-------------+-------------------------------+
//     |                 requested lifetime in seconds                 |
//     +---------------------------------------------------------------+
//     |                 client's IP address (128 bits)                |
//     +---------------------------------------------------------------+
//
//     +---------------+-+-------------+---------------+---------------+
//     |  version = 2  |1|   opcode    |   reserved    |  result code  |   response (7.2)
//     +---------------+-+-------------+---------------+---------------+
//     |                       lifetime in seconds                     |
//     +---------------------------------------------------------------+
//     |                       epoch in seconds                        |
//     +---------------------------------------------------------------+
//     |                       reserved (96 bits)                      |
//     +---------------------------------------------------------------+
//
//     +---------------------------------------------------------------+
//     |                    mapping nonce (96 bits)                    |   MAP = opcode 1 (11.1):
//     +---------------+-----------------------------------------------+   both ways alike
//     | protocol = 17 |                   reserved                    |
//     +---------------+---------------+-------------------------------+
//     |         internal port         |         external port         |
//     +-------------------------------+-------------------------------+
//     |               external IP address (128 bits)                  |
//     +---------------------------------------------------------------+
//
// IPv4 addresses stand in their mapped form. A lifetime of zero removes the mapping. Deliberately
// less than the RFC: no options, no PEER, no ANNOUNCE, UDP only.
#pragma once

#include "shared/base/cursor.hpp"
#include "shared/base/endpoint.hpp"
#include "shared/base/result.hpp"

namespace pinhole::wire {

/// RFC 6887 19.1: where a gateway hears requests.
inline constexpr std::uint16_t kPcpServerPort = 5351;
/// A MAP request or response without options.
inline constexpr std::size_t kPcpMapSize = 60;
/// RFC 6887 7: no PCP message is longer.
inline constexpr std::size_t kPcpSizeMax = 1100;

/// RFC 6887 11.1: whoever knows it may change the mapping.
using PcpNonce = FixedBytes<12>;

struct PcpMapRequest {
    PcpNonce nonce{};
    /// The source address of the datagram: a gateway refuses when a NAT changed it on the way.
    IpAddress client{};
    std::uint16_t internal_port = 0;
    /// All zeros when there is nothing to suggest.
    Endpoint suggested{};
    std::uint32_t lifetime_s = 0;

    friend bool operator==(const PcpMapRequest&, const PcpMapRequest&) = default;
};

/// RFC 6887 7.4. Values beyond the last one are passed on as they came.
enum class PcpResult : std::uint8_t {
    kSuccess = 0,
    kUnsupportedVersion = 1,
    kNotAuthorized = 2,
    kMalformedRequest = 3,
    kUnsupportedOpcode = 4,
    kUnsupportedOption = 5,
    kMalformedOption = 6,
    kNetworkFailure = 7,
    kNoResources = 8,
    kUnsupportedProtocol = 9,
    kUserExceededQuota = 10,
    kCannotProvideExternal = 11,
    kAddressMismatch = 12,
    kExcessiveRemotePeers = 13,
};

struct PcpMapResponse {
    PcpResult result = PcpResult::kSuccess;
    /// Of the mapping; after an error, how long the error is to be believed.
    std::uint32_t lifetime_s = 0;
    /// Seconds since the gateway's tables were empty; running backwards means they are again.
    std::uint32_t epoch_s = 0;
    PcpNonce nonce{};
    std::uint16_t internal_port = 0;
    /// Nothing when a mapping that was removed is not named. After an error it is what the gateway
    /// left there: the request's suggestion (RFC 6887 11.1), or, with miniupnpd, the address that
    /// it would have mapped on; nothing when there is no address.
    std::optional<Endpoint> external{};

    friend bool operator==(const PcpMapResponse&, const PcpMapResponse&) = default;
};

/// Writes exactly `kPcpMapSize` bytes. Returns that size.
std::size_t encode(const PcpMapRequest& request, MutableBytes out);
std::size_t encode(const PcpMapResponse& response, MutableBytes out);

/// Drops: kRunt, kUnknownVersion (a gateway that speaks NAT-PMP alone says version 0),
/// kUnknownKind (not a MAP response), kBadLength, kBadField (another protocol than UDP; a mapping
/// without an external port or address). Options at the end are ignored.
[[nodiscard]] Parsed<PcpMapResponse> parse_pcp_map_response(Bytes datagram);
/// The same for the gateway's side, which only tests play. Drops as above.
[[nodiscard]] Parsed<PcpMapRequest> parse_pcp_map_request(Bytes datagram);

/// RFC 6887 8.5: what the epochs of two successive responses, and the times when they came, say
/// about the gateway.
struct PcpEpoch {
    std::uint32_t server_s = 0;
    /// Whole seconds on any clock of ours.
    std::uint64_t client_s = 0;
};

/// True when the gateway lost its mappings between `previous` and `current`.
[[nodiscard]] bool has_lost_state(const PcpEpoch& previous, const PcpEpoch& current);

}  // namespace pinhole::wire
