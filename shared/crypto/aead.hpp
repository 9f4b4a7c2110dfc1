// The two AEADs under a 12-byte nonce that the caller chooses: RFC 8439 and AES-256-GCM.
//
// libsodium's at first, and the fastest there is (OpenSSL's, `VectorGcm`) after `hasten`: small for
// keys that see little use. Owns the key in whatever forms it needs and wipes them. Knows nothing
// about counters: `Cipher` makes nonces of them, and is what everybody but the tests should use.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>

#include "shared/base/bytes.hpp"
#include "shared/crypto/bulk_aead.hpp"
#include "shared/crypto/sodium.hpp"

namespace pinhole::crypto {

enum class CipherSuite : std::uint8_t { kChaCha20Poly1305 = 1, kAes256Gcm = 2 };

/// The bytes that sealing adds, in both suites.
inline constexpr std::size_t kTagSize = 16;
/// Both suites take 96-bit nonces (RFC 8439 2.8; NIST SP 800-38D 8.2).
inline constexpr std::size_t kAeadNonceSize = 12;

/// True when this CPU has the AES and carry-less multiplication instructions that libsodium needs.
[[nodiscard]] bool is_aes256gcm_available();

/// Once moved from, an `Aead` has no key left and must not be used.
class Aead {
  public:
    /// AES needs `is_aes256gcm_available()`; asserts. It allocates its expanded key (about 500
    /// bytes); ChaCha allocates nothing before `hasten`.
    Aead(CipherSuite suite, const SecretBytes<32>& key);
    ~Aead();
    Aead(Aead&& other) noexcept;
    Aead& operator=(Aead&& other) noexcept;
    Aead(const Aead&) = delete;
    Aead& operator=(const Aead&) = delete;

    [[nodiscard]] CipherSuite suite() const;

    /// Much will be sealed, or opened, under this key, and from now on not the other of the two.
    /// Allocates. Changes nothing where neither OpenSSL nor `VectorGcm` has the suite.
    void hasten(BulkAead::Direction direction);
    [[nodiscard]] bool is_hastened() const;

    /// Encrypts `text` into `text_and_tag`, which is `kTagSize` bytes longer and ends with the tag.
    /// It may begin where `text` does, else the two must not overlap.
    void seal(const FixedBytes<kAeadNonceSize>& nonce, Bytes associated_data, Bytes text,
              MutableBytes text_and_tag) const;

    /// Verifies the tag at the end of `text_and_tag` and decrypts what is before it into `text`,
    /// which is `kTagSize` bytes shorter and stands as in `seal`. False when the tag is missing or
    /// does not verify; what `text` held is then destroyed.
    [[nodiscard]] bool open(const FixedBytes<kAeadNonceSize>& nonce, Bytes associated_data,
                            Bytes text_and_tag, MutableBytes text) const;

    /// As `seal`, where the text stands: all but the last `kTagSize` bytes of `text_and_tag`, which
    /// must be there.
    void seal_in_place(const FixedBytes<kAeadNonceSize>& nonce, Bytes associated_data,
                       MutableBytes text_and_tag) const {
        assert(text_and_tag.size() >= kTagSize);
        seal(nonce, associated_data, text_and_tag.first(text_and_tag.size() - kTagSize),
             text_and_tag);
    }
    /// As `open`, where the text stands.
    [[nodiscard]] bool open_in_place(const FixedBytes<kAeadNonceSize>& nonce, Bytes associated_data,
                                     MutableBytes text_and_tag) const {
        if (text_and_tag.size() < kTagSize) return false;
        return open(nonce, associated_data, text_and_tag,
                    text_and_tag.first(text_and_tag.size() - kTagSize));
    }

  private:
    struct Expanded;

    SecretBytes<32> key_;
    /// Null for ChaCha until it is hastened.
    std::unique_ptr<Expanded> expanded_;
};

}  // namespace pinhole::crypto
