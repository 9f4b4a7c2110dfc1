#include "shared/wire/pcp.hpp"

namespace pinhole::wire {
namespace {

constexpr std::uint8_t kPcpVersion = 2;
constexpr std::uint8_t kMapOpcode = 1;
constexpr std::uint8_t kResponseBit = 0x80;
constexpr std::uint8_t kUdp = 17;  // IANA protocol numbers

/// What a parser needs to see of any message before the rest makes sense.
Parsed<void> check_frame(Bytes datagram, std::uint8_t opcode) {
    if (datagram.size() < 2) return dropped(Drop::kRunt);
    Reader reader{datagram};
    if (reader.u8() != kPcpVersion) return dropped(Drop::kUnknownVersion);
    if (reader.u8() != opcode) return dropped(Drop::kUnknownKind);
    if (datagram.size() < kPcpMapSize) return dropped(Drop::kRunt);
    if (datagram.size() > kPcpSizeMax || datagram.size() % 4 != 0) {
        return dropped(Drop::kBadLength);
    }
    return {};
}

void write_mapping(Writer& writer, const PcpNonce& nonce, std::uint16_t internal_port,
                   const Endpoint& external) {
    writer.bytes(nonce)
        .u8(kUdp)
        .zeros(3)
        .u16(internal_port)
        .u16(external.port)
        .bytes(external.ip.v6_bytes());
}

}  // namespace

std::size_t encode(const PcpMapRequest& request, MutableBytes out) {
    Writer writer{out};
    writer.u8(kPcpVersion).u8(kMapOpcode).zeros(2).u32(request.lifetime_s);
    writer.bytes(request.client.v6_bytes());
    write_mapping(writer, request.nonce, request.internal_port, request.suggested);
    return writer.size();
}

std::size_t encode(const PcpMapResponse& response, MutableBytes out) {
    Writer writer{out};
    writer.u8(kPcpVersion)
        .u8(kMapOpcode | kResponseBit)
        .u8(0)
        .u8(static_cast<std::uint8_t>(response.result))
        .u32(response.lifetime_s)
        .u32(response.epoch_s)
        .zeros(12);
    write_mapping(writer, response.nonce, response.internal_port,
                  response.external.value_or(Endpoint{}));
    return writer.size();
}

Parsed<PcpMapResponse> parse_pcp_map_response(Bytes datagram) {
    if (const auto checked = check_frame(datagram, kMapOpcode | kResponseBit); !checked) {
        return dropped(checked.error());
    }
    Reader reader{datagram.subspan(3)};
    PcpMapResponse response;
    response.result = static_cast<PcpResult>(reader.u8());
    response.lifetime_s = reader.u32();
    response.epoch_s = reader.u32();
    reader.skip(12);
    response.nonce = reader.fixed<12>();
    if (reader.u8() != kUdp) return dropped(Drop::kBadField);
    reader.skip(3);
    response.internal_port = reader.u16();
    const std::uint16_t port = reader.u16();
    const IpAddress ip = IpAddress::v6(reader.fixed<16>());
    if (response.result != PcpResult::kSuccess) {
        if (!ip.is_unspecified()) response.external = Endpoint{ip, port};
        return response;
    }
    const bool names_external = port != 0 && !ip.is_unspecified();
    if (names_external) response.external = Endpoint{ip, port};
    // Only what was removed may have no name.
    if (!names_external && response.lifetime_s != 0) return dropped(Drop::kBadField);
    return response;
}

Parsed<PcpMapRequest> parse_pcp_map_request(Bytes datagram) {
    if (const auto checked = check_frame(datagram, kMapOpcode); !checked) {
        return dropped(checked.error());
    }
    Reader reader{datagram.subspan(4)};
    PcpMapRequest request;
    request.lifetime_s = reader.u32();
    request.client = IpAddress::v6(reader.fixed<16>());
    request.nonce = reader.fixed<12>();
    if (reader.u8() != kUdp) return dropped(Drop::kBadField);
    reader.skip(3);
    request.internal_port = reader.u16();
    request.suggested.port = reader.u16();
    request.suggested.ip = IpAddress::v6(reader.fixed<16>());
    return request;
}

bool has_lost_state(const PcpEpoch& previous, const PcpEpoch& current) {
    // Responses may overtake each other by a second.
    if (std::uint64_t{current.server_s} + 1 < previous.server_s) return true;
    const std::uint64_t client_delta = current.client_s - previous.client_s;
    const std::uint64_t server_delta =
        current.server_s > previous.server_s ? current.server_s - previous.server_s : 0;
    // The clocks may differ by a sixteenth, and by two seconds of rounding.
    return client_delta + 2 < server_delta - server_delta / 16 ||
           server_delta + 2 < client_delta - client_delta / 16;
}

}  // namespace pinhole::wire
