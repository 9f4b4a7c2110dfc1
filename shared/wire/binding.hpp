// Binding request and response: "from where do you see me?", without state at the server.
//
// Request (kind 4), always 256 bytes:
//
//     +------+---------+-------+--------------------+-----------------+----------------+
//     | kind | version | flags | transaction id (8) |   cookie (16)   | zeros to 256   |
//     +------+---------+-------+--------------------+-----------------+----------------+
//     or, with flag 8: | ... | cookie (16) | answer to: endpoint (19) | zeros to 256   |
//     flags: 1 = want the server's key
//            2 = answer from the other port (needs a valid cookie)
//            4 = answer from the other address, same port unless flag 2 is set too (the same)
//            8 = answer to the endpoint behind the cookie, which the cookie then belongs to; its
//                IP is that of the sender, and the answer names it as the mapped endpoint
//
// Response (kind 5), smaller than the request:
//
//     +------+---------+-------+--------------------+----------------------+-------------+
//     | kind | version | flags | transaction id (8) | mapped endpoint (19) | cookie (16) |
//     +------+---------+-------+--------------------+----------------------+-------------+
//     | count (1) | other endpoint (19) * count (0..3) | server key (32), if flag 1 is set |
//     +-----------+------------------------------------+-----------------------------------+
//
// The cookie in the response belongs to the mapped endpoint: it opens a handshake from there and
// proves a candidate. "Other endpoints" are where the same server can be asked again.
#pragma once

#include "shared/base/bounded_vector.hpp"
#include "shared/wire/endpoint_field.hpp"
#include "shared/wire/kind.hpp"

namespace pinhole::wire {

/// Requests are padded to this size, so that no response is longer than its request.
inline constexpr std::size_t kBindingRequestSize = 256;

/// The largest binding response: 3 + 8 + 19 + 16 + 1 + 3 * 19 + 32.
inline constexpr std::size_t kBindingResponseSizeMax = 136;

using TransactionId = FixedBytes<8>;

struct BindingRequest {
    bool wants_server_key = false;
    bool from_other_port = false;
    bool from_other_address = false;
    TransactionId transaction{};
    Cookie cookie{};
    /// Where the answer goes, if not to the sender: another socket behind the same address.
    std::optional<Endpoint> answer_to{};

    friend bool operator==(const BindingRequest&, const BindingRequest&) = default;
};

struct BindingResponse {
    TransactionId transaction{};
    Endpoint mapped{};
    Cookie cookie{};
    BoundedVector<Endpoint, 3> other_endpoints{};
    std::optional<FixedBytes<32>> server_key{};

    friend bool operator==(const BindingResponse&, const BindingResponse&) = default;
};

/// Writes exactly `kBindingRequestSize` bytes. Returns that size.
std::size_t encode(const BindingRequest& request, MutableBytes out);
std::size_t encode(const BindingResponse& response, MutableBytes out);

/// `datagram` as classified. Drops: kRunt, kBadLength, kBadField.
[[nodiscard]] Parsed<BindingRequest> parse_binding_request(Bytes datagram);
[[nodiscard]] Parsed<BindingResponse> parse_binding_response(Bytes datagram);

}  // namespace pinhole::wire
