#include "shared/crypto/aead.hpp"

#include <cassert>

#include <sodium.h>

#include "shared/crypto/octets.hpp"

namespace pinhole::crypto {

static_assert(kTagSize == crypto_aead_chacha20poly1305_ietf_ABYTES);
static_assert(kTagSize == crypto_aead_aes256gcm_ABYTES);
static_assert(kAeadNonceSize == crypto_aead_chacha20poly1305_ietf_NPUBBYTES);
static_assert(kAeadNonceSize == crypto_aead_aes256gcm_NPUBBYTES);

struct Aead::ExpandedAesKey {
    explicit ExpandedAesKey(const SecretBytes<32>& key) {
        crypto_aead_aes256gcm_beforenm(&state, octets(key.bytes()));
    }
    ~ExpandedAesKey() { sodium_memzero(&state, sizeof state); }
    ExpandedAesKey(const ExpandedAesKey&) = delete;
    ExpandedAesKey& operator=(const ExpandedAesKey&) = delete;

    crypto_aead_aes256gcm_state state;
};

bool is_aes256gcm_available() {
    initialize();  // libsodium looks at the CPU there
    return crypto_aead_aes256gcm_is_available() == 1;
}

Aead::Aead(CipherSuite suite, const SecretBytes<32>& key) {
    switch (suite) {
        case CipherSuite::kChaCha20Poly1305: chacha_key_ = key.clone(); return;
        case CipherSuite::kAes256Gcm:
            assert(is_aes256gcm_available());
            aes_ = std::make_unique<ExpandedAesKey>(key);
            return;
    }
    assert(false);  // no such suite
}

Aead::~Aead() = default;
Aead::Aead(Aead&& other) noexcept = default;
Aead& Aead::operator=(Aead&& other) noexcept = default;

CipherSuite Aead::suite() const {
    return aes_ ? CipherSuite::kAes256Gcm : CipherSuite::kChaCha20Poly1305;
}

void Aead::seal_in_place(const FixedBytes<kAeadNonceSize>& nonce, Bytes associated_data,
                         MutableBytes text_and_tag) const {
    assert(text_and_tag.size() >= kTagSize);
    const MutableBytes text = text_and_tag.first(text_and_tag.size() - kTagSize);
    const MutableBytes tag = text_and_tag.last(kTagSize);
    if (aes_) {
        crypto_aead_aes256gcm_encrypt_detached_afternm(
            octets(text), octets(tag), nullptr, octets(Bytes{text}), text.size(),
            octets(associated_data), associated_data.size(), nullptr, octets(Bytes{nonce}),
            &aes_->state);
    } else {
        crypto_aead_chacha20poly1305_ietf_encrypt_detached(
            octets(text), octets(tag), nullptr, octets(Bytes{text}), text.size(),
            octets(associated_data), associated_data.size(), nullptr, octets(Bytes{nonce}),
            octets(chacha_key_.bytes()));
    }
}

bool Aead::open_in_place(const FixedBytes<kAeadNonceSize>& nonce, Bytes associated_data,
                         MutableBytes text_and_tag) const {
    if (text_and_tag.size() < kTagSize) return false;
    const MutableBytes text = text_and_tag.first(text_and_tag.size() - kTagSize);
    const Bytes tag = text_and_tag.last(kTagSize);
    if (aes_) {
        return crypto_aead_aes256gcm_decrypt_detached_afternm(
                   octets(text), nullptr, octets(Bytes{text}), text.size(), octets(tag),
                   octets(associated_data), associated_data.size(), octets(Bytes{nonce}),
                   &aes_->state) == 0;
    }
    return crypto_aead_chacha20poly1305_ietf_decrypt_detached(
               octets(text), nullptr, octets(Bytes{text}), text.size(), octets(tag),
               octets(associated_data), associated_data.size(), octets(Bytes{nonce}),
               octets(chacha_key_.bytes())) == 0;
}

}  // namespace pinhole::crypto
