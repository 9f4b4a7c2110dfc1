#include "shared/wire/binding.hpp"

namespace pinhole::wire {
namespace {

// Flags of a request; the first is a response's too. Unknown ones are ignored.
constexpr std::uint8_t kServerKeyFlag = 1;
constexpr std::uint8_t kOtherPortFlag = 2;
constexpr std::uint8_t kOtherAddressFlag = 4;
constexpr std::uint8_t kAnswerToFlag = 8;

// A response without other endpoints and without the server's key.
constexpr std::size_t kBindingResponseSizeMin = 3 + 8 + kEndpointSize + 16 + 1;

}  // namespace

std::size_t encode(const BindingRequest& request, MutableBytes out) {
    Writer writer{out};
    write_kind(writer, Kind::kBindingRequest);
    writer
        .u8(static_cast<std::uint8_t>((request.wants_server_key ? kServerKeyFlag : 0) |
                                      (request.from_other_port ? kOtherPortFlag : 0) |
                                      (request.from_other_address ? kOtherAddressFlag : 0) |
                                      (request.answer_to ? kAnswerToFlag : 0)))
        .bytes(request.transaction)
        .bytes(request.cookie);
    if (request.answer_to) write_endpoint(writer, request.answer_to);
    writer.zeros(kBindingRequestSize - writer.size());
    return writer.size();
}

std::size_t encode(const BindingResponse& response, MutableBytes out) {
    Writer writer{out};
    write_kind(writer, Kind::kBindingResponse);
    writer.u8(response.server_key ? kServerKeyFlag : 0).bytes(response.transaction);
    write_endpoint(writer, response.mapped);
    writer.bytes(response.cookie).u8(static_cast<std::uint8_t>(response.other_endpoints.size()));
    for (const Endpoint& other : response.other_endpoints) write_endpoint(writer, other);
    if (response.server_key) writer.bytes(*response.server_key);
    return writer.size();
}

Parsed<BindingRequest> parse_binding_request(Bytes datagram) {
    if (datagram.size() < kBindingRequestSize) return dropped(Drop::kRunt);
    if (datagram.size() > kBindingRequestSize) return dropped(Drop::kBadLength);
    Reader reader{datagram.subspan(2)};
    const std::uint8_t flags = reader.u8();
    BindingRequest request;
    request.wants_server_key = (flags & kServerKeyFlag) != 0;
    request.from_other_port = (flags & kOtherPortFlag) != 0;
    request.from_other_address = (flags & kOtherAddressFlag) != 0;
    request.transaction = reader.fixed<8>();
    request.cookie = reader.fixed<16>();
    if ((flags & kAnswerToFlag) == 0) return request;
    const auto answer_to = read_required_endpoint(reader);
    if (!answer_to) return dropped(answer_to.error());
    request.answer_to = *answer_to;
    return request;
}

Parsed<BindingResponse> parse_binding_response(Bytes datagram) {
    if (datagram.size() < kBindingResponseSizeMin) return dropped(Drop::kRunt);
    Reader reader{datagram.subspan(2)};
    const std::uint8_t flags = reader.u8();
    BindingResponse response;
    response.transaction = reader.fixed<8>();
    const auto mapped = read_required_endpoint(reader);
    if (!mapped) return dropped(mapped.error());
    response.mapped = *mapped;
    response.cookie = reader.fixed<16>();
    const std::uint8_t count = reader.u8();
    if (count > response.other_endpoints.capacity()) return dropped(Drop::kBadField);
    for (std::uint8_t i = 0; i < count; ++i) {
        const auto other = read_required_endpoint(reader);
        if (!other) return dropped(other.error());
        response.other_endpoints.push_back(*other);
    }
    if ((flags & kServerKeyFlag) != 0) response.server_key = reader.fixed<32>();
    if (!reader.ok()) return dropped(Drop::kBadLength);
    return response;
}

}  // namespace pinhole::wire
