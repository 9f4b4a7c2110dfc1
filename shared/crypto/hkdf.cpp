#include "shared/crypto/hkdf.hpp"

#include <utility>

#include <sodium.h>

#include "shared/crypto/octets.hpp"

namespace pinhole::crypto {

static_assert(kHashSize == crypto_auth_hmacsha256_BYTES);

SecretBytes<kHashSize> hmac_sha256(Bytes key, Bytes data) {
    SecretBytes<kHashSize> out;
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, octets(key), key.size());
    crypto_auth_hmacsha256_update(&state, octets(data), data.size());
    crypto_auth_hmacsha256_final(&state, octets(out.mutable_bytes()));
    sodium_memzero(&state, sizeof state);
    return out;
}

template <std::size_t Outputs>
std::array<SecretBytes<kHashSize>, Outputs> hkdf(Bytes chaining_key, Bytes input_key_material) {
    const SecretBytes<kHashSize> extracted = hmac_sha256(chaining_key, input_key_material);
    std::array<SecretBytes<kHashSize>, Outputs> outputs;
    // Each block is HMAC(extracted, block before || its number); the first has none before it.
    SecretBytes<kHashSize + 1> input;
    std::size_t before = 0;
    for (std::size_t i = 0; i < Outputs; ++i) {
        input.mutable_bytes()[before] = static_cast<std::byte>(i + 1);
        outputs[i] = hmac_sha256(extracted.bytes(), input.bytes().first(before + 1));
        std::ranges::copy(outputs[i].bytes(), input.mutable_bytes().begin());
        before = kHashSize;
    }
    return outputs;
}

template std::array<SecretBytes<kHashSize>, 2> hkdf<2>(Bytes, Bytes);
template std::array<SecretBytes<kHashSize>, 3> hkdf<3>(Bytes, Bytes);

SecretBytes<32> derive_transport_key(const SecretBytes<32>& noise_key, std::string_view label) {
    return std::move(hkdf<2>(as_bytes(label), noise_key.bytes())[0]);
}

}  // namespace pinhole::crypto
