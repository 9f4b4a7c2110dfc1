#include "shared/crypto/noise.hpp"

#include <cassert>

#include "shared/base/cursor.hpp"
#include "shared/crypto/aead.hpp"

namespace pinhole::crypto {
namespace {

constexpr std::string_view kProtocolName = "Noise_IKpsk2_25519_ChaChaPoly_SHA256";
constexpr std::size_t kSealedKeySize = kKeySize + kTagSize;
constexpr std::size_t kMessageSizeMax = 65535;  // Noise specification, section 3

static_assert(kMessage1Overhead == kKeySize + kSealedKeySize + kTagSize);
static_assert(kMessage2Overhead == kKeySize + kTagSize);

/// The token "e". A pattern with a PSK also mixes the ephemeral into the key (section 9.2).
void mix_ephemeral(SymmetricState& state, const PublicKey& ephemeral) {
    state.mix_hash(ephemeral.bytes());
    state.mix_key(ephemeral.bytes());
}

/// The tokens "es", "ss", "ee", "se": false when the result is all zero.
bool mix_shared_secret(SymmetricState& state, const SecretKey& ours, const PublicKey& theirs) {
    const auto shared = diffie_hellman(ours, theirs);
    if (!shared) return false;
    state.mix_key(shared->bytes());
    return true;
}

/// The payload at the end of a message that is being written.
void seal_payload(SymmetricState& state, Bytes payload, Writer& message) {
    state.encrypt_and_hash(payload, message.claim(payload.size() + state.overhead()));
}

bool has_usable_size(Bytes message, std::size_t overhead, MutableBytes payload_out) {
    return message.size() >= overhead && message.size() <= kMessageSizeMax &&
           message.size() - overhead <= payload_out.size();
}

}  // namespace

Parsed<PublicKey> ephemeral_of_message_1(Bytes message) {
    if (message.size() < kMessage1Overhead) return dropped(Drop::kBadLength);
    return PublicKey::from_bytes(message.first(kKeySize));
}

NoiseHandshake NoiseHandshake::initiator(const HandshakeTerms& terms, const PublicKey& remote,
                                         KeyPair ephemeral) {
    NoiseHandshake handshake{Side::kInitiator, terms, std::move(ephemeral), remote};
    handshake.remote_static_ = remote;
    return handshake;
}

NoiseHandshake NoiseHandshake::responder(const HandshakeTerms& terms, KeyPair ephemeral) {
    return {Side::kResponder, terms, std::move(ephemeral), terms.local.public_key};
}

NoiseHandshake::NoiseHandshake(Side side, const HandshakeTerms& terms, KeyPair ephemeral,
                               const PublicKey& responder_static)
    : side_(side),
      symmetric_(kProtocolName),
      local_(terms.local.clone()),
      ephemeral_(std::move(ephemeral)),
      psk_(terms.psk.clone()) {
    symmetric_.mix_hash(terms.prologue);
    symmetric_.mix_hash(responder_static.bytes());
}

Parsed<std::size_t> NoiseHandshake::write_message_1(Bytes payload, MutableBytes out) {
    expect(Side::kInitiator, Stage::kMessage1);
    assert(payload.size() + kMessage1Overhead <= kMessageSizeMax);
    SymmetricState state = symmetric_.clone();
    Writer message{out};
    message.bytes(ephemeral_.public_key.bytes());
    mix_ephemeral(state, ephemeral_.public_key);
    if (!mix_shared_secret(state, ephemeral_.secret, *remote_static_)) {
        return dropped(Drop::kBadKey);
    }
    state.encrypt_and_hash(local_.public_key.bytes(), message.claim(kSealedKeySize));
    if (!mix_shared_secret(state, local_.secret, *remote_static_)) return dropped(Drop::kBadKey);
    seal_payload(state, payload, message);
    symmetric_ = std::move(state);
    stage_ = Stage::kMessage2;
    return message.size();
}

Parsed<std::size_t> NoiseHandshake::read_message_1(Bytes message, MutableBytes payload_out) {
    expect(Side::kResponder, Stage::kMessage1);
    if (!has_usable_size(message, kMessage1Overhead, payload_out)) {
        return dropped(Drop::kBadLength);
    }
    SymmetricState state = symmetric_.clone();
    Reader reader{message};
    const PublicKey ephemeral{reader.fixed<kKeySize>()};
    mix_ephemeral(state, ephemeral);
    if (!mix_shared_secret(state, local_.secret, ephemeral)) return dropped(Drop::kBadKey);
    PublicKey claimed;
    if (!state.decrypt_and_hash(reader.take(kSealedKeySize), claimed.raw)) {
        return dropped(Drop::kBadTag);
    }
    if (!mix_shared_secret(state, local_.secret, claimed)) return dropped(Drop::kBadKey);
    const std::size_t payload_size = message.size() - kMessage1Overhead;
    if (!state.decrypt_and_hash(reader.take_rest(), payload_out.first(payload_size))) {
        return dropped(Drop::kBadTag);
    }
    symmetric_ = std::move(state);
    remote_static_ = claimed;
    remote_ephemeral_ = ephemeral;
    stage_ = Stage::kMessage2;
    return payload_size;
}

Parsed<std::size_t> NoiseHandshake::write_message_2(Bytes payload, MutableBytes out, Bytes bound) {
    expect(Side::kResponder, Stage::kMessage2);
    assert(payload.size() + kMessage2Overhead <= kMessageSizeMax);
    SymmetricState state = symmetric_.clone();
    if (!bound.empty()) state.mix_hash(bound);
    Writer message{out};
    message.bytes(ephemeral_.public_key.bytes());
    mix_ephemeral(state, ephemeral_.public_key);
    if (!mix_shared_secret(state, ephemeral_.secret, *remote_ephemeral_) ||
        !mix_shared_secret(state, ephemeral_.secret, *remote_static_)) {
        return dropped(Drop::kBadKey);
    }
    state.mix_key_and_hash(psk_.bytes());
    seal_payload(state, payload, message);
    symmetric_ = std::move(state);
    stage_ = Stage::kComplete;
    return message.size();
}

Parsed<std::size_t> NoiseHandshake::read_message_2(Bytes message, MutableBytes payload_out,
                                                   Bytes bound) {
    expect(Side::kInitiator, Stage::kMessage2);
    if (!has_usable_size(message, kMessage2Overhead, payload_out)) {
        return dropped(Drop::kBadLength);
    }
    SymmetricState state = symmetric_.clone();
    if (!bound.empty()) state.mix_hash(bound);
    Reader reader{message};
    const PublicKey ephemeral{reader.fixed<kKeySize>()};
    mix_ephemeral(state, ephemeral);
    if (!mix_shared_secret(state, ephemeral_.secret, ephemeral) ||
        !mix_shared_secret(state, local_.secret, ephemeral)) {
        return dropped(Drop::kBadKey);
    }
    state.mix_key_and_hash(psk_.bytes());
    const std::size_t payload_size = message.size() - kMessage2Overhead;
    if (!state.decrypt_and_hash(reader.take_rest(), payload_out.first(payload_size))) {
        return dropped(Drop::kBadTag);
    }
    symmetric_ = std::move(state);
    remote_ephemeral_ = ephemeral;
    stage_ = Stage::kComplete;
    return payload_size;
}

TransportKeys NoiseHandshake::split() const {
    assert(is_complete());
    auto [from_initiator, from_responder] = symmetric_.split();
    if (side_ == Side::kInitiator) {
        return {std::move(from_initiator), std::move(from_responder), symmetric_.hash()};
    }
    return {std::move(from_responder), std::move(from_initiator), symmetric_.hash()};
}

const PublicKey& NoiseHandshake::remote_static() const {
    assert(remote_static_);
    return *remote_static_;
}

const PublicKey& NoiseHandshake::remote_ephemeral() const {
    assert(remote_ephemeral_);
    return *remote_ephemeral_;
}

void NoiseHandshake::expect([[maybe_unused]] Side side, [[maybe_unused]] Stage stage) const {
    assert(side_ == side);
    assert(stage_ == stage);
}

}  // namespace pinhole::crypto
