#include "shared/wire/frame.hpp"

#include <limits>

#include "shared/wire/frame_dispatch.hpp"
#include "shared/wire/handshake.hpp"

namespace pinhole::wire {
namespace {

constexpr std::uint8_t kWantsAckFlag = 1;
constexpr std::uint8_t kIsAckFlag = 2;
constexpr std::uint8_t kSelectedFlag = 1;
constexpr std::uint8_t kCloseReasonMax = static_cast<std::uint8_t>(CloseReason::kLimit);

}  // namespace

std::size_t encode(const Keepalive& frame, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, FrameTag::kKeepalive);
    writer
        .u8(static_cast<std::uint8_t>((frame.wants_ack ? kWantsAckFlag : 0) |
                                      (frame.is_ack ? kIsAckFlag : 0)))
        .u16(frame.sequence);
    write_endpoint(writer, frame.observed);
    return writer.size();
}

std::size_t encode(const Challenge& frame, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, FrameTag::kChallenge);
    writer.bytes(frame.id).u8(frame.selected ? kSelectedFlag : 0).zeros(frame.padding);
    return writer.size();
}

std::size_t encode(const Response& frame, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, FrameTag::kResponse);
    writer.bytes(frame.id);
    return writer.size();
}

std::size_t encode(const Rekey& frame, MutableBytes out) {
    assert(frame.step == Rekey::Step::kMessage2 || frame.receiver == SessionIndex{});
    Writer writer{out};
    write_tag(writer, FrameTag::kRekey);
    writer.u8(static_cast<std::uint8_t>(frame.step))
        .u32(frame.sender.value())
        .u32(frame.receiver.value())
        .bytes(frame.noise);
    return writer.size();
}

std::size_t encode(const Close& frame, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, FrameTag::kClose);
    writer.u8(static_cast<std::uint8_t>(frame.reason)).u16(frame.rejoin_window_s);
    return writer.size();
}

Parsed<Keepalive> parse_keepalive(Bytes body) {
    Reader reader{body};
    const std::uint8_t flags = reader.u8();
    Keepalive frame;
    frame.wants_ack = (flags & kWantsAckFlag) != 0;
    frame.is_ack = (flags & kIsAckFlag) != 0;
    frame.sequence = reader.u16();
    const auto observed = read_endpoint(reader);
    if (!observed) return dropped(observed.error());
    frame.observed = *observed;
    return frame;
}

Parsed<Challenge> parse_challenge(Bytes body) {
    Reader reader{body};
    Challenge frame;
    frame.id = reader.fixed<8>();
    frame.selected = (reader.u8() & kSelectedFlag) != 0;
    if (!reader.ok()) return dropped(Drop::kBadLength);
    if (reader.remaining() > std::numeric_limits<std::uint16_t>::max()) {
        return dropped(Drop::kBadLength);
    }
    frame.padding = static_cast<std::uint16_t>(reader.remaining());
    return frame;
}

Parsed<Response> parse_response_frame(Bytes body) {
    Reader reader{body};
    const Response frame{.id = reader.fixed<8>()};
    if (!reader.ok()) return dropped(Drop::kBadLength);
    return frame;
}

Parsed<Rekey> parse_rekey(Bytes body) {
    Reader reader{body};
    const std::uint8_t step = reader.u8();
    Rekey frame;
    frame.sender = SessionIndex{reader.u32()};
    frame.receiver = SessionIndex{reader.u32()};
    frame.noise = reader.take_rest();
    if (!reader.ok()) return dropped(Drop::kBadLength);
    std::size_t noise_size_min = 0;
    if (step == static_cast<std::uint8_t>(Rekey::Step::kMessage1)) {
        if (frame.receiver != SessionIndex{}) return dropped(Drop::kBadField);
        frame.step = Rekey::Step::kMessage1;
        noise_size_min = kNoiseMessage1Overhead;
    } else if (step == static_cast<std::uint8_t>(Rekey::Step::kMessage2)) {
        frame.step = Rekey::Step::kMessage2;
        noise_size_min = kNoiseMessage2Overhead;
    } else {
        return dropped(Drop::kBadField);
    }
    if (frame.noise.size() < noise_size_min) return dropped(Drop::kBadLength);
    return frame;
}

Parsed<Close> parse_close(Bytes body) {
    Reader reader{body};
    const std::uint8_t reason = reader.u8();
    const std::uint16_t rejoin_window_s = reader.u16();
    if (!reader.ok()) return dropped(Drop::kBadLength);
    if (reason > kCloseReasonMax) return dropped(Drop::kBadField);
    return Close{.reason = static_cast<CloseReason>(reason), .rejoin_window_s = rejoin_window_s};
}

}  // namespace pinhole::wire
