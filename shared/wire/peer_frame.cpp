#include "shared/wire/peer_frame.hpp"

#include "shared/wire/frame_dispatch.hpp"

namespace pinhole::wire {
namespace {

Parsed<EnetFrame> parse_enet(Bytes body) {
    if (body.empty()) return dropped(Drop::kBadLength);
    return EnetFrame{.datagram = body};
}

Parsed<CandidatesFrame> parse_candidates(Bytes body) {
    Reader reader{body};
    auto candidates = read_candidates(reader);
    if (!candidates) return dropped(candidates.error());
    return CandidatesFrame{.candidates = *candidates};
}

Parsed<Part> parse_part(Bytes body) {
    Reader reader{body};
    Part frame;
    frame.id = reader.u16();
    frame.index = reader.u8();
    frame.count = reader.u8();
    frame.piece = reader.take_rest();
    if (!reader.ok() || frame.piece.empty()) return dropped(Drop::kBadLength);
    if (frame.count > kPartsMax || frame.index >= frame.count) return dropped(Drop::kBadField);
    return frame;
}

Parsed<NatBehaviorFrame> read_nat(Reader& reader) {
    NatBehaviorFrame frame;
    frame.behavior = read_nat_behavior(reader);
    const auto external = read_endpoint(reader);
    if (!external) return dropped(external.error());
    if (!reader.ok()) return dropped(Drop::kBadLength);
    frame.external = *external;
    return frame;
}

Parsed<NatBehaviorFrame> parse_nat_behavior(Bytes body) {
    Reader reader{body};
    return read_nat(reader);
}

Parsed<SprayOk> parse_spray_ok(Bytes body) {
    Reader reader{body};
    SprayOk frame{.datagrams = reader.u16()};
    const auto nat = read_nat(reader);
    if (!nat) return dropped(nat.error());
    frame.nat = *nat;
    return frame;
}

void write_nat(Writer& writer, const NatBehaviorFrame& frame) {
    write_nat_behavior(writer, frame.behavior);
    write_endpoint(writer, frame.external);
}

}  // namespace

std::size_t encode(const EnetFrame& frame, MutableBytes out) {
    assert(!frame.datagram.empty());
    Writer writer{out};
    write_tag(writer, FrameTag::kEnet);
    writer.bytes(frame.datagram);
    return writer.size();
}

void tag_enet_frame(MutableBytes frame) {
    static_assert(sizeof(FrameTag) == 1);
    assert(frame.size() > 1);
    frame.front() = static_cast<std::byte>(FrameTag::kEnet);
}

std::size_t encode(const CandidatesFrame& frame, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, FrameTag::kCandidates);
    write_candidates(writer, frame.candidates);
    return writer.size();
}

std::size_t encode(const Part& frame, MutableBytes out) {
    assert(frame.count <= kPartsMax);
    assert(frame.index < frame.count);
    assert(!frame.piece.empty());
    Writer writer{out};
    write_tag(writer, FrameTag::kPart);
    writer.u16(frame.id).u8(frame.index).u8(frame.count).bytes(frame.piece);
    return writer.size();
}

std::size_t encode(const SprayOk& frame, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, FrameTag::kSprayOk);
    writer.u16(frame.datagrams);
    write_nat(writer, frame.nat);
    return writer.size();
}

std::size_t encode(const NatBehaviorFrame& frame, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, FrameTag::kNatBehavior);
    write_nat(writer, frame);
    return writer.size();
}

Parsed<PeerFrame> parse_peer_frame(Bytes frame) {
    if (frame.empty()) return dropped(Drop::kRunt);
    const Bytes body = frame.subspan(1);
    switch (static_cast<FrameTag>(frame.front())) {
        case FrameTag::kKeepalive: return as_alternative<PeerFrame>(parse_keepalive(body));
        case FrameTag::kChallenge: return as_alternative<PeerFrame>(parse_challenge(body));
        case FrameTag::kResponse: return as_alternative<PeerFrame>(parse_response_frame(body));
        case FrameTag::kRekey: return as_alternative<PeerFrame>(parse_rekey(body));
        case FrameTag::kClose: return as_alternative<PeerFrame>(parse_close(body));
        case FrameTag::kEnet: return as_alternative<PeerFrame>(parse_enet(body));
        case FrameTag::kCandidates: return as_alternative<PeerFrame>(parse_candidates(body));
        case FrameTag::kPart: return as_alternative<PeerFrame>(parse_part(body));
        case FrameTag::kSprayOk: return as_alternative<PeerFrame>(parse_spray_ok(body));
        case FrameTag::kNatBehavior: return as_alternative<PeerFrame>(parse_nat_behavior(body));
        case FrameTag::kRegister:
        case FrameTag::kRegistered:
        case FrameTag::kConnect:
        case FrameTag::kIntroduced:
        case FrameTag::kIntroduction:
        case FrameTag::kAccept:
        case FrameTag::kRefuse:
        case FrameTag::kTrickle:
        case FrameTag::kRelay:
        case FrameTag::kJoin:
        case FrameTag::kLeave:
        case FrameTag::kMembers:
        case FrameTag::kRelease:
        case FrameTag::kError: break;
    }
    return dropped(Drop::kUnknownFrame);
}

}  // namespace pinhole::wire
