// Noise_IKpsk2_25519_ChaChaPoly_SHA256: the one handshake that everything here uses.
//
//     <- s                       the initiator knows the responder's static key
//     ...
//     -> e, es, s, ss            message 1: 32 + 48 + (payload + 16)
//     <- e, ee, se, psk          message 2: 32 +      (payload + 16)
//
// Owns copies of the keys it was given and wipes them. Ephemerals are handed in, so a handshake
// repeats byte for byte from a seed. A message that fails leaves the state as it was: a forged
// message 2 does not keep the genuine one from being read. Calls in an order that the pattern does
// not have are our own bug and assert.
#pragma once

#include <cstdint>
#include <optional>

#include "shared/base/bytes.hpp"
#include "shared/base/result.hpp"
#include "shared/crypto/hkdf.hpp"
#include "shared/crypto/key_text.hpp"
#include "shared/crypto/keys.hpp"
#include "shared/crypto/sodium.hpp"
#include "shared/crypto/symmetric_state.hpp"

namespace pinhole::crypto {

/// What message 1 is longer than its payload: ephemeral 32, sealed static 48, tag 16.
inline constexpr std::size_t kMessage1Overhead = 96;
/// What message 2 is longer than its payload: ephemeral 32, tag 16.
inline constexpr std::size_t kMessage2Overhead = 48;

/// What a finished handshake leaves behind, as this side sees it.
struct TransportKeys {
    SecretBytes<32> send;
    SecretBytes<32> receive;
    /// Names this handshake on both sides; the prologue of the next rekey.
    FixedBytes<kHashSize> handshake_hash;
};

/// What both sides must agree upon, and who this side is. Borrowed for the length of the call.
struct HandshakeTerms {
    const KeyPair& local;
    Bytes prologue;
    /// Zeros when there is no group.
    const Psk& psk;
};

/// The ephemeral that a message 1 starts with, read before any Diffie-Hellman: it names the
/// attempt. `Drop::kBadLength` when the message is shorter than `kMessage1Overhead`.
[[nodiscard]] Parsed<PublicKey> ephemeral_of_message_1(Bytes message);

/// In all four message calls the payload and the message must not overlap. After a failed read the
/// payload buffer holds nothing of use.
///
/// `bound` of message 2 is what travels beside it in the open and must be as the responder wrote it
/// (the prologue does that for message 1): it enters the hash before the message. Nothing there is
/// plain Noise.
class NoiseHandshake {
  public:
    /// Starts a handshake with the holder of `remote`. `ephemeral` must be fresh.
    [[nodiscard]] static NoiseHandshake initiator(const HandshakeTerms& terms,
                                                  const PublicKey& remote, KeyPair ephemeral);
    /// Waits for a message 1. `ephemeral` must be fresh; it is first used by `write_message_2`.
    [[nodiscard]] static NoiseHandshake responder(const HandshakeTerms& terms, KeyPair ephemeral);

    /// Initiator, once. Writes `payload.size() + kMessage1Overhead` bytes, which `out` must hold,
    /// and returns how many. `Drop::kBadKey` when the remote key is of small order.
    [[nodiscard]] Parsed<std::size_t> write_message_1(Bytes payload, MutableBytes out);

    /// Responder, until one succeeds. Writes the payload to `payload_out` and returns its length.
    /// `Drop::kBadLength` when the message is too short or its payload does not fit, `kBadKey` when
    /// a key in it is of small order, `kBadTag` when it is not meant for us or forged.
    [[nodiscard]] Parsed<std::size_t> read_message_1(Bytes message, MutableBytes payload_out);

    /// Responder, once, after `read_message_1`. Writes `payload.size() + kMessage2Overhead` bytes,
    /// which `out` must hold, and returns how many. `Drop::kBadKey` as above.
    [[nodiscard]] Parsed<std::size_t> write_message_2(Bytes payload, MutableBytes out,
                                                      Bytes bound = {});

    /// Initiator, until one succeeds. As `read_message_1`; `kBadTag` also when the PSKs differ.
    [[nodiscard]] Parsed<std::size_t> read_message_2(Bytes message, MutableBytes payload_out,
                                                     Bytes bound = {});

    /// Both messages are through: `split` may be called.
    [[nodiscard]] bool is_complete() const { return stage_ == Stage::kComplete; }
    [[nodiscard]] TransportKeys split() const;

    /// The other side's static key; the responder knows it after `read_message_1`.
    [[nodiscard]] const PublicKey& remote_static() const;
    /// The other side's ephemeral, known after the first message of it was read.
    [[nodiscard]] const PublicKey& remote_ephemeral() const;
    /// Our own ephemeral's public half: what names this attempt to the other side.
    [[nodiscard]] const PublicKey& local_ephemeral() const { return ephemeral_.public_key; }

  private:
    enum class Side : std::uint8_t { kInitiator, kResponder };
    /// kMessage1 -> kMessage2 -> kComplete; nothing else.
    enum class Stage : std::uint8_t { kMessage1, kMessage2, kComplete };

    NoiseHandshake(Side side, const HandshakeTerms& terms, KeyPair ephemeral,
                   const PublicKey& responder_static);

    void expect(Side side, Stage stage) const;

    Side side_;
    Stage stage_ = Stage::kMessage1;
    SymmetricState symmetric_;
    KeyPair local_;
    KeyPair ephemeral_;
    Psk psk_;
    std::optional<PublicKey> remote_static_;
    std::optional<PublicKey> remote_ephemeral_;
};

}  // namespace pinhole::crypto
