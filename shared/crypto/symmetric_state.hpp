// The SymmetricState of the Noise specification (section 5.2) for 25519, ChaChaPoly and SHA256.
//
// Chaining key, handshake hash and the key of the moment. It knows no pattern: `NoiseHandshake`
// feeds it the tokens of the one that we use.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "shared/base/bytes.hpp"
#include "shared/crypto/hkdf.hpp"
#include "shared/crypto/sodium.hpp"

namespace pinhole::crypto {

class SymmetricState {
  public:
    /// InitializeSymmetric: `protocol_name` as in "Noise_IKpsk2_25519_ChaChaPoly_SHA256".
    explicit SymmetricState(std::string_view protocol_name);

    /// The deliberate copy: a message is read on it, so that a forged one changes nothing.
    [[nodiscard]] SymmetricState clone() const;

    void mix_key(Bytes input_key_material);
    void mix_hash(Bytes data);
    void mix_key_and_hash(Bytes input_key_material);

    /// What encryption adds at this moment: `kTagSize` once a key is set, 0 before.
    [[nodiscard]] std::size_t overhead() const;

    /// EncryptAndHash. `out` must hold exactly `text.size() + overhead()`.
    void encrypt_and_hash(Bytes text, MutableBytes out);

    /// DecryptAndHash. `out` must hold exactly `ciphertext.size() - overhead()`. False when forged:
    /// this state is then spent.
    [[nodiscard]] bool decrypt_and_hash(Bytes ciphertext, MutableBytes out);

    /// The keys of the two directions, the initiator's sending key first.
    [[nodiscard]] std::pair<SecretBytes<32>, SecretBytes<32>> split() const;

    /// `h`: after the last message it names the whole handshake.
    [[nodiscard]] const FixedBytes<kHashSize>& hash() const { return hash_; }

  private:
    SymmetricState() = default;

    void set_key(SecretBytes<32> key);

    SecretBytes<kHashSize> chaining_key_;
    SecretBytes<32> key_;
    FixedBytes<kHashSize> hash_{};
    std::uint64_t counter_ = 0;
    bool has_key_ = false;
};

}  // namespace pinhole::crypto
