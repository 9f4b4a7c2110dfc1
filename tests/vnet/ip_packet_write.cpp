#include "shared/base/cursor.hpp"
#include "tests/vnet/ip_numbers.hpp"
#include "tests/vnet/ip_packet.hpp"

namespace pinhole::vnet {
namespace {

using lab::Packet;
using lab::Transport;

constexpr std::uint16_t kDontFragmentBit = 0x4000;
/// Of a quoted packet's first 8 bytes those that are not ports.
constexpr std::size_t kStartBytes = sizeof(lab::IcmpQuote::payload_start);

std::uint32_t sum_of(Bytes bytes, std::uint32_t start) {
    std::uint32_t sum = start;
    Reader reader{bytes};
    while (reader.remaining() >= 2) sum += reader.u16();
    if (reader.remaining() == 1) sum += std::uint32_t{reader.u8()} << 8U;
    return sum;
}

std::uint8_t protocol_of(Transport transport, Family family) {
    switch (transport) {
        case Transport::kUdp: return kUdp;
        case Transport::kTcp: return kTcp;
        case Transport::kEcho: break;
    }
    return family == Family::kV4 ? kIcmp : kIcmpV6;
}

struct HeaderFields {
    IpAddress source;
    IpAddress destination;
    std::uint8_t ttl = lab::kDefaultTtl;
    std::uint8_t protocol = kUdp;
    std::size_t body_size = 0;
    bool may_fragment = false;
};

void write_address(Writer& writer, const IpAddress& address) {
    if (address.is_v4()) {
        writer.u32(address.v4_bits());
    } else {
        writer.bytes(address.v6_bytes());
    }
}

constexpr std::size_t header_size(Family family) {
    return family == Family::kV4 ? 20 : 40;
}

void write_header(Writer& writer, const HeaderFields& fields) {
    const std::size_t start = writer.size();
    if (fields.destination.is_v6()) {
        writer.u32(0x60000000).u16(static_cast<std::uint16_t>(fields.body_size));
        writer.u8(fields.protocol).u8(fields.ttl);
    } else {
        writer.u16(0x4500).u16(static_cast<std::uint16_t>(20 + fields.body_size)).u16(0);
        writer.u16(fields.may_fragment ? 0 : kDontFragmentBit)
            .u8(fields.ttl)
            .u8(fields.protocol)
            .u16(0);
    }
    write_address(writer, fields.source);
    write_address(writer, fields.destination);
    if (fields.destination.is_v6()) return;
    const MutableBytes header = writer.written().subspan(start);
    Writer{header.subspan(10)}.u16(internet_checksum(header));
}

/// RFC 768, RFC 8200 8.1: what transport checksums cover besides the transport's own bytes.
std::uint32_t pseudo_header_sum(const HeaderFields& fields) {
    FixedBytes<40> raw{};
    Writer writer{raw};
    write_address(writer, fields.source);
    write_address(writer, fields.destination);
    writer.u32(static_cast<std::uint32_t>(fields.body_size)).u32(fields.protocol);
    return sum_of(writer.written(), 0);
}

/// Writes the checksum of `body` at `offset`, where zeros stand.
void seal(MutableBytes body, std::size_t offset, const HeaderFields& fields) {
    const std::uint32_t start = fields.protocol == kIcmp ? 0 : pseudo_header_sum(fields);
    std::uint16_t checksum = internet_checksum(body, start);
    if (fields.protocol == kUdp && checksum == 0) checksum = 0xffff;
    Writer{body.subspan(offset)}.u16(checksum);
}

ByteVector body_of_datagram(const Packet& packet) {
    const Bytes payload = packet.payload;
    switch (packet.transport) {
        case Transport::kUdp: {
            ByteVector out(kUdpHeader + payload.size());
            Writer writer{out};
            writer.u16(packet.source.port).u16(packet.destination.port);
            writer.u16(static_cast<std::uint16_t>(out.size())).u16(0).bytes(payload);
            return out;
        }
        case Transport::kTcp: {
            ByteVector out(4 + payload.size());
            Writer{out}.u16(packet.source.port).u16(packet.destination.port).bytes(payload);
            Writer{MutableBytes{out}.subspan(16)}.u16(0);
            return out;
        }
        case Transport::kEcho: break;
    }
    ByteVector out(4 + payload.size());
    const bool is_request =
        std::to_integer<std::uint8_t>(payload[0]) == echo_types(packet.source.ip.family()).request;
    Writer writer{out};
    writer.bytes(payload.first(2)).u16(0);
    writer.u16((is_request ? packet.source : packet.destination).port).bytes(payload.subspan(2));
    return out;
}

ByteVector body_of_error(const Packet& packet) {
    const lab::IcmpQuote& quote = *packet.icmp;
    const Family family = packet.destination.ip.family();
    const auto& known = errors_of(family);
    const auto error = std::ranges::find(known, quote.kind, &IcmpKindCode::kind);
    assert(error != known.end());
    ByteVector out(kIcmpHeader + header_size(family) + kQuotedBytes);
    Writer writer{out};
    writer.u8(error->type).u8(error->code).u16(0);
    writer.u32(static_cast<std::uint32_t>(quote.mtu));
    const std::size_t quoted_size =
        quote.payload_size +
        (packet.transport == Transport::kUdp ? kUdpHeader : kQuotedBytes - kStartBytes);
    write_header(writer, {.source = quote.source.ip,
                          .destination = quote.destination.ip,
                          .ttl = 1,
                          .protocol = protocol_of(packet.transport, family),
                          .body_size = quoted_size});
    const Bytes start = quote.payload_start;
    if (packet.transport == Transport::kEcho) {
        const bool is_request = quote.destination.port == 0;
        const auto [request, reply] = echo_types(family);
        writer.u8(is_request ? request : reply).u8(0).u16(0);
        writer.u16((is_request ? quote.source : quote.destination).port).bytes(start.subspan(2));
    } else {
        writer.u16(quote.source.port).u16(quote.destination.port);
        if (packet.transport == Transport::kTcp) {
            writer.bytes(start);
        } else {
            writer.u16(static_cast<std::uint16_t>(quoted_size)).u16(0);
        }
    }
    return out;
}

std::size_t checksum_offset(const Packet& packet) {
    if (packet.icmp) return 2;
    switch (packet.transport) {
        case Transport::kUdp: return 6;
        case Transport::kTcp: return 16;
        case Transport::kEcho: break;
    }
    return 2;
}

}  // namespace

std::uint16_t internet_checksum(Bytes bytes, std::uint32_t start) {
    std::uint32_t sum = sum_of(bytes, start);
    while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum);
}

ByteVector write_ip(const Packet& packet) {
    ByteVector body = packet.icmp ? body_of_error(packet) : body_of_datagram(packet);
    const Family family = packet.destination.ip.family();
    const Transport outer = packet.icmp ? Transport::kEcho : packet.transport;
    const HeaderFields fields{.source = packet.source.ip,
                              .destination = packet.destination.ip,
                              .ttl = packet.ttl,
                              .protocol = protocol_of(outer, family),
                              .body_size = body.size(),
                              .may_fragment = packet.may_fragment};
    seal(body, checksum_offset(packet), fields);
    ByteVector out(header_size(family) + body.size());
    Writer writer{out};
    write_header(writer, fields);
    writer.bytes(body);
    return out;
}

}  // namespace pinhole::vnet
