#include "shared/wire/rendezvous_frame.hpp"

#include "shared/wire/frame_dispatch.hpp"
#include "shared/wire/rendezvous_rules.hpp"

namespace pinhole::wire {
namespace {

void write_id(Writer& writer, const Id& id) {
    assert(!id.empty());
    id.write(writer);
}

void write_handshake(Writer& writer, Bytes handshake) {
    assert(handshake.empty() || is_initiation_sized(handshake.size()));
    writer.u16(static_cast<std::uint16_t>(handshake.size())).bytes(handshake);
}

std::size_t encode_nonce_and_candidates(FrameTag tag, const IntroductionNonce& nonce,
                                        const CandidateList& candidates, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, tag);
    writer.bytes(nonce);
    write_candidates(writer, candidates);
    return writer.size();
}

std::size_t encode_id_alone(FrameTag tag, const Id& id, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, tag);
    write_id(writer, id);
    return writer.size();
}

}  // namespace

std::size_t encode(const Register& frame, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, FrameTag::kRegister);
    writer.u16(frame.request).u8(static_cast<std::uint8_t>(frame.accept));
    write_id(writer, frame.id);
    write_nat_behavior(writer, frame.behavior);
    return writer.size();
}

std::size_t encode(const Connect& frame, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, FrameTag::kConnect);
    writer.bytes(frame.nonce).u8(frame.resume ? kConnectResumeFlag : 0);
    write_id(writer, frame.target);
    write_candidates(writer, frame.candidates);
    write_handshake(writer, frame.handshake);
    return writer.size();
}

std::size_t encode(const Accept& frame, MutableBytes out) {
    return encode_nonce_and_candidates(FrameTag::kAccept, frame.nonce, frame.candidates, out);
}

std::size_t encode(const Refuse& frame, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, FrameTag::kRefuse);
    writer.bytes(frame.nonce);
    return writer.size();
}

std::size_t encode(const Trickle& frame, MutableBytes out) {
    return encode_nonce_and_candidates(FrameTag::kTrickle, frame.nonce, frame.candidates, out);
}

std::size_t encode(const Relay& frame, MutableBytes out) {
    assert(is_relayable(frame.message));
    Writer writer{out};
    write_tag(writer, FrameTag::kRelay);
    writer.u32(frame.handle.value()).bytes(frame.message);
    return writer.size();
}

std::size_t encode(const Join& frame, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, FrameTag::kJoin);
    write_id(writer, frame.room);
    writer.u32(frame.version);
    return writer.size();
}

std::size_t encode(const Leave& frame, MutableBytes out) {
    return encode_id_alone(FrameTag::kLeave, frame.room, out);
}

std::size_t encode(const Release& frame, MutableBytes out) {
    return encode_id_alone(FrameTag::kRelease, frame.id, out);
}

std::size_t encode(const Registered& frame, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, FrameTag::kRegistered);
    writer.u16(frame.request);
    write_endpoint(writer, frame.observed);
    writer.bytes(frame.gone_token).u16(frame.rejoin_window_s);
    return writer.size();
}

std::size_t encode(const Introduction& frame, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, frame.role == Role::kAsker ? FrameTag::kIntroduced : FrameTag::kIntroduction);
    writer.bytes(frame.nonce)
        .u8(static_cast<std::uint8_t>((frame.resume ? kIntroductionResumeFlag : 0) |
                                      (frame.answer_first ? kIntroductionAnswerFirstFlag : 0)));
    write_id(writer, frame.id);
    writer.bytes(frame.key)
        .u32(frame.handle.value())
        .u8(static_cast<std::uint8_t>(frame.technique))
        .u32(frame.fire_in_us);
    write_candidates(writer, frame.candidates);
    write_handshake(writer, frame.handshake);
    return writer.size();
}

std::size_t encode(const Members& frame, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, FrameTag::kMembers);
    write_id(writer, frame.room);
    assert(frame.version != 0 || frame.members.empty());
    writer.u32(frame.version).u8(static_cast<std::uint8_t>(frame.members.size()));
    for (const Members::Member& member : frame.members) {
        write_id(writer, member.id);
        writer.bytes(member.key);
    }
    return writer.size();
}

std::size_t encode(const Error& frame, MutableBytes out) {
    Writer writer{out};
    write_tag(writer, FrameTag::kError);
    writer.u8(static_cast<std::uint8_t>(frame.code)).u16(frame.request).bytes(frame.nonce);
    frame.room.write(writer);
    return writer.size();
}

}  // namespace pinhole::wire
