#include "shared/crypto/symmetric_state.hpp"

#include <algorithm>
#include <cassert>

#include <sodium.h>

#include "shared/crypto/aead.hpp"
#include "shared/crypto/octets.hpp"

namespace pinhole::crypto {
namespace {

/// Noise 12.3: 4 zero bytes and the counter, little-endian.
FixedBytes<kAeadNonceSize> chacha_nonce(std::uint64_t counter) {
    FixedBytes<kAeadNonceSize> nonce{};
    for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::byte>(counter >> (8 * i));
    return nonce;
}

}  // namespace

SymmetricState::SymmetricState(std::string_view protocol_name) {
    if (protocol_name.size() <= kHashSize) {
        std::ranges::copy(as_bytes(protocol_name), hash_.begin());
    } else {
        crypto_hash_sha256(octets(MutableBytes{hash_}), octets(as_bytes(protocol_name)),
                           protocol_name.size());
    }
    chaining_key_ = SecretBytes<kHashSize>{hash_};
}

SymmetricState SymmetricState::clone() const {
    SymmetricState copy;
    copy.chaining_key_ = chaining_key_.clone();
    copy.key_ = key_.clone();
    copy.hash_ = hash_;
    copy.counter_ = counter_;
    copy.has_key_ = has_key_;
    return copy;
}

void SymmetricState::mix_key(Bytes input_key_material) {
    auto [chaining_key, key] = hkdf<2>(chaining_key_.bytes(), input_key_material);
    chaining_key_ = std::move(chaining_key);
    set_key(std::move(key));
}

void SymmetricState::mix_hash(Bytes data) {
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, octets(Bytes{hash_}), hash_.size());
    crypto_hash_sha256_update(&state, octets(data), data.size());
    crypto_hash_sha256_final(&state, octets(MutableBytes{hash_}));
}

void SymmetricState::mix_key_and_hash(Bytes input_key_material) {
    auto [chaining_key, hashed, key] = hkdf<3>(chaining_key_.bytes(), input_key_material);
    chaining_key_ = std::move(chaining_key);
    mix_hash(hashed.bytes());
    set_key(std::move(key));
}

std::size_t SymmetricState::overhead() const {
    return has_key_ ? kTagSize : 0;
}

void SymmetricState::encrypt_and_hash(Bytes text, MutableBytes out) {
    assert(out.size() == text.size() + overhead());
    if (has_key_) {
        const auto nonce = chacha_nonce(counter_++);
        crypto_aead_chacha20poly1305_ietf_encrypt(octets(out), nullptr, octets(text), text.size(),
                                                  octets(Bytes{hash_}), hash_.size(), nullptr,
                                                  octets(Bytes{nonce}), octets(key_.bytes()));
    } else {
        std::ranges::copy(text, out.begin());
    }
    mix_hash(out);
}

bool SymmetricState::decrypt_and_hash(Bytes ciphertext, MutableBytes out) {
    assert(ciphertext.size() == out.size() + overhead());
    if (has_key_) {
        const auto nonce = chacha_nonce(counter_++);
        const int outcome = crypto_aead_chacha20poly1305_ietf_decrypt(
            octets(out), nullptr, nullptr, octets(ciphertext), ciphertext.size(),
            octets(Bytes{hash_}), hash_.size(), octets(Bytes{nonce}), octets(key_.bytes()));
        if (outcome != 0) return false;
    } else {
        std::ranges::copy(ciphertext, out.begin());
    }
    mix_hash(ciphertext);
    return true;
}

std::pair<SecretBytes<32>, SecretBytes<32>> SymmetricState::split() const {
    auto [first, second] = hkdf<2>(chaining_key_.bytes(), {});
    return {std::move(first), std::move(second)};
}

void SymmetricState::set_key(SecretBytes<32> key) {
    key_ = std::move(key);
    counter_ = 0;
    has_key_ = true;
}

}  // namespace pinhole::crypto
