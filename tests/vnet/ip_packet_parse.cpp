#include "shared/base/cursor.hpp"
#include "tests/vnet/ip_numbers.hpp"
#include "tests/vnet/ip_packet.hpp"

namespace pinhole::vnet {
namespace {

using lab::Packet;
using lab::Transport;
using Kind = IcmpError::Kind;

constexpr std::uint16_t kDontFragment = 0x4000, kFragmentBits = 0x3fff, kOffsetBits = 0x1fff;

/// The IP header, and what follows it.
struct Layer3 {
    IpAddress source;
    IpAddress destination;
    std::uint8_t ttl = 0;
    std::uint8_t protocol = 0;
    bool may_fragment = false;
    Bytes body;
    /// As the header says; a quoted one is longer than `body`.
    std::size_t body_size = 0;
};

/// `is_quoted`: the body may end early, as it does in an ICMP error.
Result<Layer3, Refusal> parse_v4(Bytes raw, bool is_quoted) {
    Reader reader{raw};
    const std::size_t header_size = (reader.u8() & 0x0fU) * std::size_t{4};
    reader.skip(1);
    const std::size_t total = reader.u16();
    reader.skip(2);
    const std::uint16_t fragment = reader.u16();
    Layer3 out;
    out.ttl = reader.u8();
    out.protocol = reader.u8();
    reader.skip(2);
    out.source = IpAddress::v4(reader.u32());
    out.destination = IpAddress::v4(reader.u32());
    const bool fits = total <= raw.size() || is_quoted;
    if (!reader.ok() || header_size < 20 || total < header_size || !fits) {
        return failure(Refusal::kMalformed);
    }
    if (header_size > raw.size()) return failure(Refusal::kMalformed);
    // Of a quoted packet it may be the first one: it has the ports.
    const unsigned bits = is_quoted ? kOffsetBits : kFragmentBits;
    if ((fragment & bits) != 0) return failure(Refusal::kFragment);
    out.may_fragment = (fragment & kDontFragment) == 0;
    out.body_size = total - header_size;
    out.body = raw.first(std::min(total, raw.size())).subspan(header_size);
    return out;
}

Result<Layer3, Refusal> parse_v6(Bytes raw, bool is_quoted) {
    Reader reader{raw};
    reader.skip(4);
    const std::size_t length = reader.u16();
    Layer3 out;
    out.protocol = reader.u8();
    out.ttl = reader.u8();
    out.source = IpAddress::v6(reader.fixed<16>());
    out.destination = IpAddress::v6(reader.fixed<16>());
    const bool fits = length <= reader.remaining() || is_quoted;
    if (!reader.ok() || !fits) return failure(Refusal::kMalformed);
    if (out.protocol == kFragmentHeader) return failure(Refusal::kFragment);
    // An IPv4-mapped address on the wire would make a packet of both families.
    if (out.source.is_v4() || out.destination.is_v4()) return failure(Refusal::kMalformed);
    out.body = reader.take(std::min(length, reader.remaining()));
    out.body_size = length;
    return out;
}

Result<Layer3, Refusal> parse_layer3(Bytes raw, bool is_quoted) {
    if (raw.empty()) return failure(Refusal::kMalformed);
    switch (std::to_integer<unsigned>(raw[0]) >> 4U) {
        case 4: return parse_v4(raw, is_quoted);
        case 6: return parse_v6(raw, is_quoted);
    }
    return failure(Refusal::kMalformed);
}

Packet packet_between(const Layer3& ip) {
    return {.source = {ip.source, 0},
            .destination = {ip.destination, 0},
            .ttl = ip.ttl,
            .payload = {},
            .may_fragment = ip.may_fragment};
}

Result<Packet, Refusal> parse_udp(const Layer3& ip) {
    Packet out = packet_between(ip);
    Reader reader{ip.body};
    out.source.port = reader.u16();
    out.destination.port = reader.u16();
    const std::size_t length = reader.u16();
    reader.skip(2);
    if (!reader.ok() || length < kUdpHeader) return failure(Refusal::kMalformed);
    const Bytes payload = reader.take(length - kUdpHeader);
    if (!reader.ok()) return failure(Refusal::kMalformed);
    out.payload = to_vector(payload);
    return out;
}

Result<Packet, Refusal> parse_tcp(const Layer3& ip) {
    if (ip.body.size() < kTcpHeader) return failure(Refusal::kMalformed);
    Packet out = packet_between(ip);
    out.transport = Transport::kTcp;
    Reader reader{ip.body};
    out.source.port = reader.u16();
    out.destination.port = reader.u16();
    out.payload = to_vector(reader.take_rest());
    return out;
}

/// The payload of an echo packet: type, code, sequence number and data.
Result<Packet, Refusal> parse_echo(const Layer3& ip) {
    Packet out = packet_between(ip);
    out.transport = Transport::kEcho;
    Reader reader{ip.body};
    const Bytes type_code = reader.take(2);
    reader.skip(2);
    const std::uint16_t identifier = reader.u16();
    const Bytes rest = reader.take_rest();
    const bool is_request =
        std::to_integer<std::uint8_t>(type_code[0]) == echo_types(ip.source.family()).request;
    (is_request ? out.source : out.destination).port = identifier;
    out.payload = to_vector(type_code);
    out.payload.insert(out.payload.end(), rest.begin(), rest.end());
    return out;
}

std::optional<Transport> transport_of(std::uint8_t protocol) {
    switch (protocol) {
        case kUdp: return Transport::kUdp;
        case kTcp: return Transport::kTcp;
        case kIcmp:
        case kIcmpV6: return Transport::kEcho;
    }
    return std::nullopt;
}

/// What an ICMP error says besides its type. `ip.body` holds its header.
lab::IcmpQuote quote_of(const Layer3& ip, Kind kind, const Layer3& quoted) {
    lab::IcmpQuote out{
        .kind = kind, .source = {quoted.source, 0}, .destination = {quoted.destination, 0}};
    Reader reader{ip.body.subspan(4)};
    // RFC 1191 4: 16 bits, after 16 that are unused; RFC 4443 3.2: 32.
    if (ip.source.is_v4()) reader.skip(2);
    if (kind == Kind::kTooBig) out.mtu = ip.source.is_v4() ? reader.u16() : reader.u32();
    const std::size_t header = quoted.protocol == kUdp ? kUdpHeader : 4;
    out.payload_size = quoted.body_size - std::min(quoted.body_size, header);
    return out;
}

Result<Packet, Refusal> parse_error(const Layer3& ip, Kind kind) {
    const auto quoted = parse_layer3(ip.body.subspan(kIcmpHeader), true);
    if (!quoted) return failure(quoted.error());
    const auto transport = transport_of(quoted->protocol);
    if (!transport) return failure(Refusal::kUnsupported);
    if (quoted->body.size() < kQuotedBytes || quoted->source.family() != ip.source.family()) {
        return failure(Refusal::kMalformed);
    }
    Packet out = packet_between(ip);
    out.transport = *transport;
    out.icmp = quote_of(ip, kind, *quoted);
    Reader reader{quoted->body};
    if (*transport == Transport::kEcho) {
        const Bytes type_code = reader.take(2);
        reader.skip(2);
        const bool is_request =
            std::to_integer<std::uint8_t>(type_code[0]) == echo_types(ip.source.family()).request;
        (is_request ? out.icmp->source : out.icmp->destination).port = reader.u16();
        Writer{out.icmp->payload_start}.bytes(type_code).bytes(reader.take(2));
    } else {
        out.icmp->source.port = reader.u16();
        out.icmp->destination.port = reader.u16();
        if (*transport == Transport::kTcp) out.icmp->payload_start = reader.fixed<4>();
    }
    return out;
}

Result<Packet, Refusal> parse_icmp(const Layer3& ip) {
    if (ip.body.size() < kIcmpHeader) return failure(Refusal::kMalformed);
    const Family family = ip.source.family();
    const auto type = std::to_integer<std::uint8_t>(ip.body[0]);
    const auto code = std::to_integer<std::uint8_t>(ip.body[1]);
    const auto [request, reply] = echo_types(family);
    if (type == request || type == reply) return parse_echo(ip);
    const IcmpKindCode* of_type = nullptr;
    for (const IcmpKindCode& error : errors_of(family)) {
        if (error.type != type) continue;
        of_type = &error;  // the last one of a type stands for all its other codes
        if (error.code == code) break;
    }
    if (of_type == nullptr) return failure(Refusal::kUnsupported);
    return parse_error(ip, of_type->kind);
}

bool travels(const IpAddress& address) {
    const Scope scope = address.scope();
    return scope == Scope::kPublic || scope == Scope::kPrivate;
}

}  // namespace

std::string_view name_of(Refusal refusal) {
    switch (refusal) {
        case Refusal::kMalformed: return "malformed";
        case Refusal::kFragment: return "fragment";
        case Refusal::kUnsupported: return "unsupported";
        case Refusal::kLinkOnly: return "link_only";
        case Refusal::kCount: break;
    }
    return "?";
}

Result<Packet, Refusal> parse_ip(Bytes raw) {
    const auto ip = parse_layer3(raw, false);
    if (!ip) return failure(ip.error());
    if (!travels(ip->source) || !travels(ip->destination)) return failure(Refusal::kLinkOnly);
    const bool is_v4 = ip->source.is_v4();
    switch (ip->protocol) {
        case kUdp: return parse_udp(*ip);
        case kTcp: return parse_tcp(*ip);
        case kIcmp: return is_v4 ? parse_icmp(*ip) : failure(Refusal::kUnsupported);
        case kIcmpV6: return is_v4 ? failure(Refusal::kUnsupported) : parse_icmp(*ip);
    }
    return failure(Refusal::kUnsupported);
}

}  // namespace pinhole::vnet
