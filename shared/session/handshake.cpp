#include "shared/session/handshake.hpp"

#include <utility>

namespace pinhole::session {
namespace {

/// `prologue` must outlive the terms.
crypto::HandshakeTerms noise_terms(const LocalSide& local, const Prologue& prologue) {
    return {.local = local.keys, .prologue = prologue.bytes(), .psk = local.psk};
}

/// What message 2 vouches for beside itself: both indexes of its header.
FixedBytes<8> bound_indices(SessionIndex sender, SessionIndex receiver) {
    FixedBytes<8> out;
    Writer{out}.u32(sender.value()).u32(receiver.value());
    return out;
}

Parsed<RemoteSide> read_payload(Bytes payload) {
    const auto parsed = wire::parse_handshake_payload(payload);
    if (!parsed) return dropped(parsed.error());
    RemoteSide remote{.features = parsed->features, .incarnation = parsed->incarnation, .enet = {}};
    remote.enet.assign(parsed->enet);
    return remote;
}

/// Writes mac1 behind the `covered` bytes that `message` holds.
void append_mac1(const crypto::PublicKey& receiver, std::size_t covered, HandshakeBuffer& message) {
    const auto mac = crypto::mac16(crypto::mac1_key(receiver), message.storage().first(covered));
    Writer{message.storage().subspan(covered)}.bytes(mac);
    message.resize(covered + mac.size());
}

bool is_mac1_valid(const crypto::PublicKey& receiver, Bytes covered, const crypto::Mac16& mac1) {
    return crypto::equal_in_constant_time(crypto::mac16(crypto::mac1_key(receiver), covered), mac1);
}

}  // namespace

crypto::CipherSuite suite_for(std::uint32_t chosen_features) {
    const bool aes = (chosen_features & static_cast<std::uint32_t>(wire::Feature::kAes256Gcm)) != 0;
    return aes ? crypto::CipherSuite::kAes256Gcm : crypto::CipherSuite::kChaCha20Poly1305;
}

Parsed<Attempt> Attempt::start(Instant now, const LocalSide& local, const AttemptTerms& terms,
                               Random& random) {
    const Prologue prologue = prologue_of_attempt(terms.prologue, terms.sender);
    auto noise = crypto::NoiseHandshake::initiator(noise_terms(local, prologue), terms.remote,
                                                   crypto::KeyPair::generate(random));
    ByteBuffer<wire::kHandshakePayloadMax> payload;
    payload.resize(wire::encode(
        wire::HandshakePayload{
            .features = local.features, .incarnation = local.incarnation, .enet = terms.enet},
        payload.storage()));
    ByteBuffer<wire::kHandshakePayloadMax + wire::kNoiseMessage1Overhead> message;
    const auto size = noise.write_message_1(payload.bytes(), message.storage());
    if (!size) return dropped(size.error());
    message.resize(*size);

    Attempt attempt{now, local, terms, std::move(noise)};
    const std::size_t covered = wire::encode_covered(
        wire::HandshakeInitiation{
            .sender = terms.sender, .nonce_tag = terms.nonce_tag, .noise = message.bytes()},
        attempt.message_1_.storage());
    append_mac1(terms.remote, covered, attempt.message_1_);
    return attempt;
}

Attempt::Attempt(Instant now, const LocalSide& local, const AttemptTerms& terms,
                 crypto::NoiseHandshake noise)
    : noise_(std::move(noise)),
      remote_(terms.remote),
      local_(local.keys.public_key),
      sender_(terms.sender),
      offered_(local.features),
      started_(now) {}

HandshakeBuffer Attempt::initiation(const Cookie& cookie) const {
    HandshakeBuffer out{message_1_.bytes()};
    Writer{out.storage().subspan(out.size())}.bytes(cookie);
    out.resize(out.size() + cookie.size());
    return out;
}

Parsed<Attempt::Finished> Attempt::handle_response(const wire::HandshakeResponse& message) {
    if (noise_.is_complete()) return dropped(Drop::kStale);
    if (!is_mac1_valid(local_, message.covered, message.mac1)) return dropped(Drop::kBadMac);
    ByteBuffer<wire::kHandshakePayloadMax> payload;
    const auto bound = bound_indices(message.sender, message.receiver);
    const auto size = noise_.read_message_2(message.noise, payload.storage(), bound);
    if (!size) return dropped(size.error());
    payload.resize(*size);
    auto remote = read_payload(payload.bytes());
    if (!remote) return dropped(remote.error());
    if ((remote->features & ~offered_) != 0) return dropped(Drop::kBadField);
    return Finished{
        .keys = make_epoch_keys(noise_, suite_for(remote->features),
                                {.local = sender_, .remote = message.sender}),
        .remote = *std::move(remote),
    };
}

Parsed<void> verify_mac1(const crypto::PublicKey& responder,
                         const wire::HandshakeInitiation& message) {
    if (!is_mac1_valid(responder, message.covered, message.mac1)) return dropped(Drop::kBadMac);
    return {};
}

Parsed<Responder> Responder::read(const LocalSide& local, const Prologue& prologue,
                                  const wire::HandshakeInitiation& message, Random& random) {
    const Prologue bound_prologue = prologue_of_attempt(prologue, message.sender);
    auto noise = crypto::NoiseHandshake::responder(noise_terms(local, bound_prologue),
                                                   crypto::KeyPair::generate(random));
    ByteBuffer<wire::kHandshakePayloadMax> payload;
    const auto size = noise.read_message_1(message.noise, payload.storage());
    if (!size) return dropped(size.error());
    payload.resize(*size);
    auto remote = read_payload(payload.bytes());
    if (!remote) return dropped(remote.error());
    return Responder{std::move(noise), message.sender, *std::move(remote)};
}

Parsed<Responder::Answer> Responder::answer(const LocalSide& local, SessionIndex sender,
                                            Bytes enet) {
    const std::uint32_t chosen = remote_.features & local.features;
    ByteBuffer<wire::kHandshakePayloadMax> payload;
    payload.resize(wire::encode(
        wire::HandshakePayload{.features = chosen, .incarnation = local.incarnation, .enet = enet},
        payload.storage()));
    ByteBuffer<wire::kHandshakePayloadMax + wire::kNoiseMessage2Overhead> message;
    const auto bound = bound_indices(sender, initiator_);
    const auto size = noise_.write_message_2(payload.bytes(), message.storage(), bound);
    if (!size) return dropped(size.error());
    message.resize(*size);

    Answer out{
        .keys = make_epoch_keys(noise_, suite_for(chosen), {.local = sender, .remote = initiator_}),
        .message_2 = {}};
    const std::size_t covered = wire::encode_covered(
        wire::HandshakeResponse{.sender = sender, .receiver = initiator_, .noise = message.bytes()},
        out.message_2.storage());
    append_mac1(noise_.remote_static(), covered, out.message_2);
    return out;
}

}  // namespace pinhole::session
