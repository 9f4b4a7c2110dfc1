#include "shared/wire/handshake.hpp"

namespace pinhole::wire {
namespace {

constexpr std::size_t kMacSize = 16;
constexpr std::size_t kCookieSize = 16;

}  // namespace

std::size_t encode_covered(const HandshakeInitiation& message, MutableBytes out) {
    assert(message.noise.size() >= kInitiationSizeMin - kInitiationOverhead);
    assert(message.noise.size() <= kHandshakeSizeMax - kInitiationOverhead);
    Writer writer{out};
    write_kind(writer, Kind::kHandshakeInitiation);
    writer.u32(message.sender.value()).bytes(message.nonce_tag).bytes(message.noise);
    return writer.size();
}

std::size_t encode_covered(const HandshakeResponse& message, MutableBytes out) {
    assert(message.noise.size() >= kResponseSizeMin - kResponseOverhead);
    assert(message.noise.size() <= kResponseSizeMax - kResponseOverhead);
    Writer writer{out};
    write_kind(writer, Kind::kHandshakeResponse);
    writer.u32(message.sender.value()).u32(message.receiver.value()).bytes(message.noise);
    return writer.size();
}

std::size_t encode(const Retry& message, MutableBytes out) {
    Writer writer{out};
    write_kind(writer, Kind::kRetry);
    writer.u32(message.receiver.value()).bytes(message.cookie);
    return writer.size();
}

std::size_t encode(const HandshakePayload& payload, MutableBytes out) {
    assert(payload.enet.size() <= kHandshakeEnetMax);
    Writer writer{out};
    writer.u32(payload.features)
        .u64(payload.incarnation.value())
        .u16(static_cast<std::uint16_t>(payload.enet.size()))
        .bytes(payload.enet);
    return writer.size();
}

Parsed<HandshakeInitiation> parse_initiation(Bytes datagram) {
    if (datagram.size() < kInitiationSizeMin) return dropped(Drop::kRunt);
    if (datagram.size() > kHandshakeSizeMax) return dropped(Drop::kBadLength);
    HandshakeInitiation message;
    message.covered = datagram.first(datagram.size() - kMacSize - kCookieSize);
    Reader reader{datagram.subspan(2)};
    message.sender = SessionIndex{reader.u32()};
    message.nonce_tag = reader.fixed<8>();
    message.noise = reader.take(datagram.size() - kInitiationOverhead);
    message.mac1 = reader.fixed<kMacSize>();
    message.cookie = reader.fixed<kCookieSize>();
    return message;
}

Parsed<HandshakeResponse> parse_response(Bytes datagram) {
    if (datagram.size() < kResponseSizeMin) return dropped(Drop::kRunt);
    if (datagram.size() > kResponseSizeMax) return dropped(Drop::kBadLength);
    HandshakeResponse message;
    message.covered = datagram.first(datagram.size() - kMacSize);
    Reader reader{datagram.subspan(2)};
    message.sender = SessionIndex{reader.u32()};
    message.receiver = SessionIndex{reader.u32()};
    message.noise = reader.take(datagram.size() - kResponseOverhead);
    message.mac1 = reader.fixed<kMacSize>();
    return message;
}

Parsed<Retry> parse_retry(Bytes datagram) {
    if (datagram.size() < kRetrySize) return dropped(Drop::kRunt);
    if (datagram.size() > kRetrySize) return dropped(Drop::kBadLength);
    Reader reader{datagram.subspan(2)};
    Retry message;
    message.receiver = SessionIndex{reader.u32()};
    message.cookie = reader.fixed<kCookieSize>();
    return message;
}

Parsed<HandshakePayload> parse_handshake_payload(Bytes payload) {
    if (payload.size() < kHandshakePayloadSize) return dropped(Drop::kRunt);
    Reader reader{payload};
    HandshakePayload parsed;
    parsed.features = reader.u32();
    parsed.incarnation = Incarnation{reader.u64()};
    const std::uint16_t enet_size = reader.u16();
    if (enet_size > kHandshakeEnetMax) return dropped(Drop::kBadLength);
    parsed.enet = reader.take(enet_size);
    if (!reader.ok()) return dropped(Drop::kBadLength);
    return parsed;
}

}  // namespace pinhole::wire
