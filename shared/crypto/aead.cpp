#include "shared/crypto/aead.hpp"

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

void Aead::seal(const FixedBytes<kAeadNonceSize>& nonce, Bytes associated_data, Bytes text,
                MutableBytes text_and_tag) const {
    assert(text_and_tag.size() == text.size() + kTagSize);
    const MutableBytes out = text_and_tag.first(text.size());
    const MutableBytes tag = text_and_tag.last(kTagSize);
    if (aes_) {
        crypto_aead_aes256gcm_encrypt_detached_afternm(
            octets(out), octets(tag), nullptr, octets(text), text.size(), octets(associated_data),
            associated_data.size(), nullptr, octets(Bytes{nonce}), &aes_->state);
    } else {
        crypto_aead_chacha20poly1305_ietf_encrypt_detached(
            octets(out), octets(tag), nullptr, octets(text), text.size(), octets(associated_data),
            associated_data.size(), nullptr, octets(Bytes{nonce}), octets(chacha_key_.bytes()));
    }
}

bool Aead::open(const FixedBytes<kAeadNonceSize>& nonce, Bytes associated_data, Bytes text_and_tag,
                MutableBytes text) const {
    if (text_and_tag.size() < kTagSize) return false;
    assert(text.size() == text_and_tag.size() - kTagSize);
    const Bytes in = text_and_tag.first(text.size());
    const Bytes tag = text_and_tag.last(kTagSize);
    if (aes_) {
        return crypto_aead_aes256gcm_decrypt_detached_afternm(
                   octets(text), nullptr, octets(in), in.size(), octets(tag),
                   octets(associated_data), associated_data.size(), octets(Bytes{nonce}),
                   &aes_->state) == 0;
    }
    return crypto_aead_chacha20poly1305_ietf_decrypt_detached(
               octets(text), nullptr, octets(in), in.size(), octets(tag), octets(associated_data),
               associated_data.size(), octets(Bytes{nonce}), octets(chacha_key_.bytes())) == 0;
}

}  // namespace pinhole::crypto
