// One direction's key of an epoch: an AEAD whose nonce is a 64-bit message counter.
//
// The nonce is 4 zero bytes and the counter, little-endian for ChaCha20-Poly1305 and big-endian for
// AES-256-GCM (Noise specification, section 12). Never sealing two texts under one counter is the
// caller's promise; replay windows and limits live with it.
#pragma once

#include <cassert>
#include <cstdint>

#include "shared/base/bytes.hpp"
#include "shared/crypto/aead.hpp"
#include "shared/crypto/sodium.hpp"

namespace pinhole::crypto {

/// Whether a key takes its fast form, which is more than a kilobyte large, once it is busy. The
/// sessions of a server stay small: keepalives alone add up to any number within the day that their
/// keys live, and there are a million of them.
enum class KeyForm : std::uint8_t { kFastWhenBusy, kAlwaysSmall };

/// Movable and small (40 bytes): a server holds two for each of a million sessions.
template <KeyForm kForm>
class BasicCipher {
  public:
    /// AES needs `is_aes256gcm_available()`; asserts.
    BasicCipher(CipherSuite suite, const SecretBytes<32>& key) : aead_(suite, key) {}

    [[nodiscard]] CipherSuite suite() const { return aead_.suite(); }

    /// A key under which so many messages passed is worth the fast form. Between peers keepalives
    /// alone take hours for that, and a rekey comes first.
    static constexpr std::uint64_t kBusyFrom = 1024;

    /// As `Aead::seal` and `Aead::open`, under the nonce of `counter`. One of the two is called,
    /// ever.
    void seal(std::uint64_t counter, Bytes associated_data, Bytes text, MutableBytes text_and_tag);
    [[nodiscard]] bool open(std::uint64_t counter, Bytes associated_data, Bytes text_and_tag,
                            MutableBytes text);

    /// Encrypts all but the last `kTagSize` bytes of `text_and_tag` in place; those receive the
    /// tag.
    void seal_in_place(std::uint64_t counter, Bytes associated_data, MutableBytes text_and_tag) {
        assert(text_and_tag.size() >= kTagSize);
        seal(counter, associated_data, text_and_tag.first(text_and_tag.size() - kTagSize),
             text_and_tag);
    }

    /// Verifies and decrypts in place; the text is `text_and_tag` without its last `kTagSize`
    /// bytes. False when too short or forged; the text is then destroyed.
    [[nodiscard]] bool open_in_place(std::uint64_t counter, Bytes associated_data,
                                     MutableBytes text_and_tag) {
        if (text_and_tag.size() < kTagSize) return false;
        return open(counter, associated_data, text_and_tag,
                    text_and_tag.first(text_and_tag.size() - kTagSize));
    }

  private:
    // Again after as many messages where it was lost, or OpenSSL could not.
    [[nodiscard]] bool is_time_to_hasten(std::uint64_t counter) const {
        return kForm == KeyForm::kFastWhenBusy && counter != 0 && counter % kBusyFrom == 0 &&
               !aead_.is_hastened();
    }

    Aead aead_;
};

using Cipher = BasicCipher<KeyForm::kFastWhenBusy>;
using SmallCipher = BasicCipher<KeyForm::kAlwaysSmall>;

extern template class BasicCipher<KeyForm::kFastWhenBusy>;
extern template class BasicCipher<KeyForm::kAlwaysSmall>;

}  // namespace pinhole::crypto
