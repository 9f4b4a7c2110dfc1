#include "shared/wire/stun.hpp"

namespace pinhole::wire {
namespace {

// RFC 8489: message types (5), magic cookie (5), attributes (18.3) and FINGERPRINT (14.7).
constexpr std::uint16_t kBindingRequestType = 0x0001;
constexpr std::uint16_t kBindingSuccessType = 0x0101;
constexpr std::uint32_t kMagicCookie = 0x2112A442;
constexpr std::size_t kHeaderSize = 20;
constexpr std::size_t kAttributeHeaderSize = 4;
constexpr std::uint16_t kUsername = 0x0006;
constexpr std::uint16_t kMessageIntegrity = 0x0008;
constexpr std::uint16_t kMessageIntegritySha256 = 0x001C;
constexpr std::uint16_t kXorMappedAddress = 0x0020;
constexpr std::uint16_t kPriority = 0x0024;      // RFC 8445 16.1
constexpr std::uint16_t kUseCandidate = 0x0025;  // RFC 8445 16.1
constexpr std::uint16_t kFingerprint = 0x8028;
constexpr std::uint16_t kComprehensionOptional = 0x8000;
constexpr std::uint32_t kFingerprintMask = 0x5354554e;
constexpr std::size_t kFingerprintSize = kAttributeHeaderSize + 4;

/// CRC-32 of ITU V.42, bit by bit: a request is short and this path is rate limited.
std::uint32_t crc32(Bytes bytes) {
    std::uint32_t crc = 0xFFFFFFFF;
    for (const std::byte octet : bytes) {
        crc ^= std::to_integer<std::uint32_t>(octet);
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
        }
    }
    return ~crc;
}

/// True for an attribute that changes nothing about the answer: optional by its number, or a
/// credential or ICE hint that somebody who only reports an address has no use for.
bool may_be_ignored(std::uint16_t type) {
    return type >= kComprehensionOptional || type == kUsername || type == kMessageIntegrity ||
           type == kMessageIntegritySha256 || type == kPriority || type == kUseCandidate;
}

/// `value` is the FINGERPRINT's, `before` everything in front of the attribute.
bool is_fingerprint_of(Bytes value, Bytes before) {
    Reader reader{value};
    const std::uint32_t fingerprint = reader.u32();
    return value.size() == 4 && fingerprint == (crc32(before) ^ kFingerprintMask);
}

/// XOR-MAPPED-ADDRESS (RFC 8489 14.2), written behind the header.
void write_xor_mapped_address(Writer& writer, const StunResponse& response) {
    const Endpoint& mapped = response.mapped;
    const auto xor_port = static_cast<std::uint16_t>(mapped.port ^ (kMagicCookie >> 16U));
    writer.u16(kXorMappedAddress).u16(mapped.ip.is_v4() ? 8 : 20);
    writer.u8(0).u8(mapped.ip.is_v4() ? 1 : 2).u16(xor_port);
    if (mapped.ip.is_v4()) {
        writer.u32(mapped.ip.v4_bits() ^ kMagicCookie);
        return;
    }
    FixedBytes<16> mask{};
    Writer{mask}.u32(kMagicCookie).bytes(response.transaction);
    for (std::size_t i = 0; i < mask.size(); ++i) mask[i] ^= mapped.ip.v6_bytes()[i];
    writer.bytes(mask);
}

}  // namespace

Parsed<StunRequest> parse_stun_request(Bytes datagram) {
    if (datagram.size() < kHeaderSize) return dropped(Drop::kRunt);
    Reader reader{datagram};
    if (reader.u16() != kBindingRequestType) return dropped(Drop::kUnknownKind);
    const std::uint16_t length = reader.u16();
    if (length % 4 != 0 || length != datagram.size() - kHeaderSize) {
        return dropped(Drop::kBadLength);
    }
    if (reader.u32() != kMagicCookie) return dropped(Drop::kBadField);
    StunRequest request;
    request.transaction = reader.fixed<12>();
    while (reader.remaining() > 0) {
        const Bytes before = datagram.first(datagram.size() - reader.remaining());
        const std::uint16_t type = reader.u16();
        const std::uint16_t size = reader.u16();
        const Bytes value = reader.take(size);
        reader.skip((4U - size % 4U) % 4U);
        if (!reader.ok()) return dropped(Drop::kBadLength);
        if (request.has_fingerprint) return dropped(Drop::kBadField);
        if (!may_be_ignored(type)) return dropped(Drop::kBadField);
        if (type != kFingerprint) continue;
        if (!is_fingerprint_of(value, before)) return dropped(Drop::kBadField);
        request.has_fingerprint = true;
    }
    return request;
}

std::size_t encode(const StunResponse& response, MutableBytes out) {
    const std::size_t address_size = response.mapped.ip.is_v4() ? 12 : 24;
    const std::size_t length = address_size + (response.with_fingerprint ? kFingerprintSize : 0);
    Writer writer{out};
    writer.u16(kBindingSuccessType)
        .u16(static_cast<std::uint16_t>(length))
        .u32(kMagicCookie)
        .bytes(response.transaction);
    write_xor_mapped_address(writer, response);
    if (response.with_fingerprint) {
        const std::uint32_t crc = crc32(writer.written());
        writer.u16(kFingerprint).u16(4).u32(crc ^ kFingerprintMask);
    }
    return writer.size();
}

}  // namespace pinhole::wire
