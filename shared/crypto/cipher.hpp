// One direction's key of an epoch: an AEAD whose nonce is a 64-bit message counter.
//
// The nonce is 4 zero bytes and the counter, little-endian for ChaCha20-Poly1305 and big-endian for
// AES-256-GCM (Noise specification, section 12). Never sealing two texts under one counter is the
// caller's promise; replay windows and limits live with it.
#pragma once

#include <cstdint>

#include "shared/base/bytes.hpp"
#include "shared/crypto/aead.hpp"
#include "shared/crypto/sodium.hpp"

namespace pinhole::crypto {

/// Movable and small (40 bytes): a server holds two for each of a million sessions.
class Cipher {
  public:
    /// AES needs `is_aes256gcm_available()`; asserts.
    Cipher(CipherSuite suite, const SecretBytes<32>& key) : aead_(suite, key) {}

    [[nodiscard]] CipherSuite suite() const { return aead_.suite(); }

    /// As `Aead::seal` and `Aead::open`, under the nonce of `counter`.
    void seal(std::uint64_t counter, Bytes associated_data, Bytes text,
              MutableBytes text_and_tag) const;
    [[nodiscard]] bool open(std::uint64_t counter, Bytes associated_data, Bytes text_and_tag,
                            MutableBytes text) const;

    /// Encrypts all but the last `kTagSize` bytes of `text_and_tag` in place; those receive the
    /// tag.
    void seal_in_place(std::uint64_t counter, Bytes associated_data,
                       MutableBytes text_and_tag) const;

    /// Verifies and decrypts in place; the text is `text_and_tag` without its last `kTagSize`
    /// bytes. False when too short or forged; the text is then destroyed.
    [[nodiscard]] bool open_in_place(std::uint64_t counter, Bytes associated_data,
                                     MutableBytes text_and_tag) const;

  private:
    Aead aead_;
};

}  // namespace pinhole::crypto
