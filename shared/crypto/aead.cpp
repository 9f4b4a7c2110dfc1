#include "shared/crypto/aead.hpp"

#include <sodium.h>

#include "shared/crypto/octets.hpp"
#include "shared/crypto/vector_gcm.hpp"

namespace pinhole::crypto {

static_assert(kTagSize == crypto_aead_chacha20poly1305_ietf_ABYTES);
static_assert(kTagSize == crypto_aead_aes256gcm_ABYTES);
static_assert(kAeadNonceSize == crypto_aead_chacha20poly1305_ietf_NPUBBYTES);
static_assert(kAeadNonceSize == crypto_aead_aes256gcm_NPUBBYTES);

/// What is larger than the key itself.
struct Aead::Expanded {
    explicit Expanded(CipherSuite of) : suite(of) {}
    ~Expanded() { sodium_memzero(&aes, sizeof aes); }
    Expanded(const Expanded&) = delete;
    Expanded& operator=(const Expanded&) = delete;

    CipherSuite suite;
    std::unique_ptr<BulkAead> bulk;
    /// In its place, for AES on a CPU that can.
    std::unique_ptr<VectorGcm> vector;
    /// For AES; else unused.
    crypto_aead_aes256gcm_state aes{};
};

bool is_aes256gcm_available() {
    initialize();  // libsodium looks at the CPU there
    return crypto_aead_aes256gcm_is_available() == 1;
}

Aead::Aead(CipherSuite suite, const SecretBytes<32>& key) : key_(key.clone()) {
    switch (suite) {
        case CipherSuite::kChaCha20Poly1305: return;
        case CipherSuite::kAes256Gcm:
            assert(is_aes256gcm_available());
            expanded_ = std::make_unique<Expanded>(suite);
            crypto_aead_aes256gcm_beforenm(&expanded_->aes, octets(key.bytes()));
            return;
    }
    assert(false);  // no such suite
}

Aead::~Aead() = default;
Aead::Aead(Aead&& other) noexcept = default;
Aead& Aead::operator=(Aead&& other) noexcept = default;

CipherSuite Aead::suite() const {
    return expanded_ ? expanded_->suite : CipherSuite::kChaCha20Poly1305;
}

void Aead::hasten(BulkAead::Direction direction) {
    const auto suite = this->suite() == CipherSuite::kAes256Gcm
                           ? BulkAead::Suite::kAes256Gcm
                           : BulkAead::Suite::kChaCha20Poly1305;
    if (!expanded_) expanded_ = std::make_unique<Expanded>(CipherSuite::kChaCha20Poly1305);
    if (suite == BulkAead::Suite::kAes256Gcm) expanded_->vector = VectorGcm::make(key_.bytes());
    if (expanded_->vector) return;
    expanded_->bulk = BulkAead::make(suite, direction, key_.bytes());
}

bool Aead::is_hastened() const {
    return expanded_ && (expanded_->bulk || expanded_->vector);
}

void Aead::seal(const FixedBytes<kAeadNonceSize>& nonce, Bytes associated_data, Bytes text,
                MutableBytes text_and_tag) const {
    assert(text_and_tag.size() == text.size() + kTagSize);
    const MutableBytes out = text_and_tag.first(text.size());
    const MutableBytes tag = text_and_tag.last(kTagSize);
    if (expanded_ && expanded_->vector) {
        expanded_->vector->seal(nonce, associated_data, text, out, tag);
    } else if (is_hastened()) {
        expanded_->bulk->seal(nonce, associated_data, text, out, tag);
    } else if (suite() == CipherSuite::kAes256Gcm) {
        crypto_aead_aes256gcm_encrypt_detached_afternm(
            octets(out), octets(tag), nullptr, octets(text), text.size(), octets(associated_data),
            associated_data.size(), nullptr, octets(Bytes{nonce}), &expanded_->aes);
    } else {
        crypto_aead_chacha20poly1305_ietf_encrypt_detached(
            octets(out), octets(tag), nullptr, octets(text), text.size(), octets(associated_data),
            associated_data.size(), nullptr, octets(Bytes{nonce}), octets(key_.bytes()));
    }
}

bool Aead::open(const FixedBytes<kAeadNonceSize>& nonce, Bytes associated_data, Bytes text_and_tag,
                MutableBytes text) const {
    if (text_and_tag.size() < kTagSize) return false;
    assert(text.size() == text_and_tag.size() - kTagSize);
    const Bytes in = text_and_tag.first(text.size());
    const Bytes tag = text_and_tag.last(kTagSize);
    if (expanded_ && expanded_->vector) {
        return expanded_->vector->open(nonce, associated_data, in, tag, text);
    }
    if (is_hastened()) return expanded_->bulk->open(nonce, associated_data, in, tag, text);
    if (suite() == CipherSuite::kAes256Gcm) {
        return crypto_aead_aes256gcm_decrypt_detached_afternm(
                   octets(text), nullptr, octets(in), in.size(), octets(tag),
                   octets(associated_data), associated_data.size(), octets(Bytes{nonce}),
                   &expanded_->aes) == 0;
    }
    return crypto_aead_chacha20poly1305_ietf_decrypt_detached(
               octets(text), nullptr, octets(in), in.size(), octets(tag), octets(associated_data),
               associated_data.size(), octets(Bytes{nonce}), octets(key_.bytes())) == 0;
}

}  // namespace pinhole::crypto
