#include "shared/crypto/keys.hpp"

#include <cstring>
#include <utility>

#include <sodium.h>

#include "shared/crypto/base32.hpp"
#include "shared/crypto/octets.hpp"

namespace pinhole::crypto {

static_assert(kKeySize == crypto_scalarmult_SCALARBYTES && kKeySize == crypto_scalarmult_BYTES);

std::optional<PublicKey> PublicKey::parse(std::string_view text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return std::nullopt;
    text.remove_prefix(prefix.size());
    if (!text.starts_with(':')) return std::nullopt;
    text.remove_prefix(1);
    PublicKey key;
    if (!decode_base32(text, key.raw)) return std::nullopt;
    return key;
}

std::string PublicKey::to_string(std::string_view prefix) const {
    return fmt::format("{}:{}", prefix, to_base32(raw));
}

std::string PublicKey::short_string() const {
    return to_base32(bytes().first<5>());
}

KeyPair KeyPair::generate(Random& random) {
    return from_secret(SecretKey::random(random));
}

KeyPair KeyPair::from_secret(SecretKey secret) {
    PublicKey public_key;
    crypto_scalarmult_base(octets(MutableBytes{public_key.raw}), octets(secret.bytes()));
    return {public_key, std::move(secret)};
}

Parsed<SecretBytes<kKeySize>> diffie_hellman(const SecretKey& ours, const PublicKey& theirs) {
    SecretBytes<kKeySize> shared;
    const int outcome = crypto_scalarmult(octets(shared.mutable_bytes()), octets(ours.bytes()),
                                          octets(theirs.bytes()));
    if (outcome != 0) return dropped(Drop::kBadKey);
    return shared;
}

}  // namespace pinhole::crypto

std::size_t std::hash<pinhole::crypto::PublicKey>::operator()(
    const pinhole::crypto::PublicKey& key) const noexcept {
    std::size_t value = 0;
    std::memcpy(&value, key.raw.data(), sizeof value);
    return value;
}
