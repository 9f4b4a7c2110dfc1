// The parsers of rendezvous frames; their encoders stand in rendezvous_frame.cpp.
#include "shared/wire/frame_dispatch.hpp"
#include "shared/wire/rendezvous_frame.hpp"
#include "shared/wire/rendezvous_rules.hpp"

namespace pinhole::wire {
namespace {

constexpr std::uint8_t kAcceptModeMax = static_cast<std::uint8_t>(AcceptMode::kAsk);
constexpr std::uint8_t kTechniqueMax = static_cast<std::uint8_t>(Technique::kListen);
constexpr std::uint8_t kErrorCodeMin = static_cast<std::uint8_t>(ErrorCode::kIdTaken);
constexpr std::uint8_t kErrorCodeMax = static_cast<std::uint8_t>(ErrorCode::kRoomFull);

/// An initiation behind its length, or nothing for length 0.
Parsed<Bytes> read_handshake(Reader& reader) {
    const std::uint16_t size = reader.u16();
    const Bytes handshake = reader.take(size);
    if (!reader.ok()) return dropped(Drop::kBadLength);
    if (size == 0) return Bytes{};
    if (!is_initiation_sized(size)) return dropped(Drop::kBadLength);
    if (static_cast<Kind>(handshake.front()) != Kind::kHandshakeInitiation) {
        return dropped(Drop::kBadField);
    }
    return handshake;
}

/// An id, or the empty one for length 0.
Parsed<Id> read_optional_id(Reader& reader) {
    Reader ahead = reader;
    if (ahead.u8() == 0) {
        reader = ahead;
        return Id{};
    }
    return Id::read(reader);
}

Parsed<Register> parse_register(Bytes body) {
    Reader reader{body};
    Register frame;
    frame.request = reader.u16();
    const std::uint8_t accept = reader.u8();
    const auto id = Id::read(reader);
    if (!id) return dropped(id.error());
    if (accept > kAcceptModeMax) return dropped(Drop::kBadField);
    frame.accept = static_cast<AcceptMode>(accept);
    frame.id = *id;
    // An older client does not tell it.
    if (reader.remaining() >= kNatBehaviorSize) frame.behavior = read_nat_behavior(reader);
    return frame;
}

Parsed<Connect> parse_connect(Bytes body) {
    Reader reader{body};
    Connect frame;
    frame.nonce = reader.fixed<16>();
    frame.resume = (reader.u8() & kConnectResumeFlag) != 0;
    const auto target = Id::read(reader);
    if (!target) return dropped(target.error());
    const auto candidates = read_candidates(reader);
    if (!candidates) return dropped(candidates.error());
    const auto handshake = read_handshake(reader);
    if (!handshake) return dropped(handshake.error());
    frame.target = *target;
    frame.candidates = *candidates;
    frame.handshake = *handshake;
    return frame;
}

/// `accept` and `trickle` have the same body.
template <class Frame>
Parsed<Frame> parse_nonce_and_candidates(Bytes body) {
    Reader reader{body};
    Frame frame;
    frame.nonce = reader.fixed<16>();
    const auto candidates = read_candidates(reader);
    if (!candidates) return dropped(candidates.error());
    frame.candidates = *candidates;
    return frame;
}

/// The body of `leave` and `release`.
template <class Frame>
Parsed<Frame> parse_id_alone(Bytes body) {
    Reader reader{body};
    const auto id = Id::read(reader);
    if (!id) return dropped(id.error());
    return Frame{*id};
}

Parsed<Join> parse_join(Bytes body) {
    Reader reader{body};
    const auto room = Id::read(reader);
    if (!room) return dropped(room.error());
    const Join frame{.room = *room, .version = reader.u32()};
    if (!reader.ok()) return dropped(Drop::kBadLength);
    return frame;
}

Parsed<Refuse> parse_refuse(Bytes body) {
    Reader reader{body};
    const Refuse frame{.nonce = reader.fixed<16>()};
    if (!reader.ok()) return dropped(Drop::kBadLength);
    return frame;
}

Parsed<Relay> parse_relay(Bytes body) {
    Reader reader{body};
    Relay frame;
    frame.handle = RelayHandle{reader.u32()};
    frame.message = reader.take_rest();
    if (!reader.ok() || frame.message.empty()) return dropped(Drop::kBadLength);
    if (!is_relayable(frame.message)) return dropped(Drop::kBadField);
    return frame;
}

Parsed<Registered> parse_registered(Bytes body) {
    Reader reader{body};
    Registered frame;
    frame.request = reader.u16();
    const auto observed = read_endpoint(reader);
    if (!observed) return dropped(observed.error());
    frame.observed = *observed;
    frame.gone_token = reader.fixed<16>();
    frame.rejoin_window_s = reader.u16();
    if (!reader.ok()) return dropped(Drop::kBadLength);
    return frame;
}

Parsed<Introduction> parse_introduction(Role role, Bytes body) {
    Reader reader{body};
    Introduction frame;
    frame.role = role;
    frame.nonce = reader.fixed<16>();
    const std::uint8_t flags = reader.u8();
    frame.resume = (flags & kIntroductionResumeFlag) != 0;
    frame.answer_first = (flags & kIntroductionAnswerFirstFlag) != 0;
    const auto id = Id::read(reader);
    if (!id) return dropped(id.error());
    frame.id = *id;
    frame.key = reader.fixed<32>();
    frame.handle = RelayHandle{reader.u32()};
    const std::uint8_t technique = reader.u8();
    if (technique > kTechniqueMax) return dropped(Drop::kBadField);
    frame.technique = static_cast<Technique>(technique);
    frame.fire_in_us = reader.u32();
    const auto candidates = read_candidates(reader);
    if (!candidates) return dropped(candidates.error());
    frame.candidates = *candidates;
    const auto handshake = read_handshake(reader);
    if (!handshake) return dropped(handshake.error());
    frame.handshake = *handshake;
    return frame;
}

Parsed<Members> parse_members(Bytes body) {
    Reader reader{body};
    Members frame;
    const auto room = Id::read(reader);
    if (!room) return dropped(room.error());
    frame.room = *room;
    frame.version = reader.u32();
    const std::uint8_t count = reader.u8();
    if (!reader.ok()) return dropped(Drop::kBadLength);
    if (count > Members::kMembersMax) return dropped(Drop::kBadField);
    if (frame.version == 0 && count > 0) return dropped(Drop::kBadField);
    for (std::uint8_t i = 0; i < count; ++i) {
        const auto id = Id::read(reader);
        if (!id) return dropped(id.error());
        frame.members.push_back({.id = *id, .key = reader.fixed<32>()});
        if (!reader.ok()) return dropped(Drop::kBadLength);
    }
    return frame;
}

Parsed<Error> parse_error(Bytes body) {
    Reader reader{body};
    const std::uint8_t code = reader.u8();
    Error frame;
    frame.request = reader.u16();
    frame.nonce = reader.fixed<16>();
    if (!reader.ok()) return dropped(Drop::kBadLength);
    if (code < kErrorCodeMin || code > kErrorCodeMax) return dropped(Drop::kBadField);
    frame.code = static_cast<ErrorCode>(code);
    // An older server knows no rooms.
    if (reader.remaining() == 0) return frame;
    const auto room = read_optional_id(reader);
    if (!room) return dropped(room.error());
    frame.room = *room;
    return frame;
}

}  // namespace

Parsed<ClientFrame> parse_client_frame(Bytes frame) {
    if (frame.empty()) return dropped(Drop::kRunt);
    const Bytes body = frame.subspan(1);
    using Any = ClientFrame;
    switch (static_cast<FrameTag>(frame.front())) {
        case FrameTag::kKeepalive: return as_alternative<Any>(parse_keepalive(body));
        case FrameTag::kChallenge: return as_alternative<Any>(parse_challenge(body));
        case FrameTag::kResponse: return as_alternative<Any>(parse_response_frame(body));
        case FrameTag::kRekey: return as_alternative<Any>(parse_rekey(body));
        case FrameTag::kClose: return as_alternative<Any>(parse_close(body));
        case FrameTag::kRegister: return as_alternative<Any>(parse_register(body));
        case FrameTag::kConnect: return as_alternative<Any>(parse_connect(body));
        case FrameTag::kAccept:
            return as_alternative<Any>(parse_nonce_and_candidates<Accept>(body));
        case FrameTag::kRefuse: return as_alternative<Any>(parse_refuse(body));
        case FrameTag::kTrickle:
            return as_alternative<Any>(parse_nonce_and_candidates<Trickle>(body));
        case FrameTag::kRelay: return as_alternative<Any>(parse_relay(body));
        case FrameTag::kJoin: return as_alternative<Any>(parse_join(body));
        case FrameTag::kLeave: return as_alternative<Any>(parse_id_alone<Leave>(body));
        case FrameTag::kRelease: return as_alternative<Any>(parse_id_alone<Release>(body));
        case FrameTag::kEnet:
        case FrameTag::kCandidates:
        case FrameTag::kPart:
        case FrameTag::kSprayOk:
        case FrameTag::kNatBehavior:
        case FrameTag::kRegistered:
        case FrameTag::kIntroduced:
        case FrameTag::kIntroduction:
        case FrameTag::kMembers:
        case FrameTag::kError: break;
    }
    return dropped(Drop::kUnknownFrame);
}

Parsed<ServerFrame> parse_server_frame(Bytes frame) {
    if (frame.empty()) return dropped(Drop::kRunt);
    const Bytes body = frame.subspan(1);
    using Any = ServerFrame;
    switch (static_cast<FrameTag>(frame.front())) {
        case FrameTag::kKeepalive: return as_alternative<Any>(parse_keepalive(body));
        case FrameTag::kChallenge: return as_alternative<Any>(parse_challenge(body));
        case FrameTag::kResponse: return as_alternative<Any>(parse_response_frame(body));
        case FrameTag::kRekey: return as_alternative<Any>(parse_rekey(body));
        case FrameTag::kClose: return as_alternative<Any>(parse_close(body));
        case FrameTag::kRegistered: return as_alternative<Any>(parse_registered(body));
        case FrameTag::kIntroduced:
            return as_alternative<Any>(parse_introduction(Role::kAsker, body));
        case FrameTag::kIntroduction:
            return as_alternative<Any>(parse_introduction(Role::kAnswerer, body));
        case FrameTag::kTrickle:
            return as_alternative<Any>(parse_nonce_and_candidates<Trickle>(body));
        case FrameTag::kRelay: return as_alternative<Any>(parse_relay(body));
        case FrameTag::kMembers: return as_alternative<Any>(parse_members(body));
        case FrameTag::kError: return as_alternative<Any>(parse_error(body));
        case FrameTag::kEnet:
        case FrameTag::kCandidates:
        case FrameTag::kPart:
        case FrameTag::kSprayOk:
        case FrameTag::kNatBehavior:
        case FrameTag::kRegister:
        case FrameTag::kConnect:
        case FrameTag::kAccept:
        case FrameTag::kRefuse:
        case FrameTag::kJoin:
        case FrameTag::kLeave:
        case FrameTag::kRelease: break;
    }
    return dropped(Drop::kUnknownFrame);
}

}  // namespace pinhole::wire
