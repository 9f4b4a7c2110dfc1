#include "shared/crypto/digest.hpp"

#include <sodium.h>

#include "shared/crypto/octets.hpp"

namespace pinhole::crypto {

FixedBytes<32> blake2b(std::string_view personal, Bytes key, Bytes data) {
    FixedBytes<crypto_generichash_blake2b_PERSONALBYTES> padded{};
    assert(personal.size() <= padded.size());
    assert(key.size() <= crypto_generichash_blake2b_KEYBYTES_MAX);
    std::ranges::copy(as_bytes(personal), padded.begin());
    FixedBytes<32> out;
    const int outcome = crypto_generichash_blake2b_salt_personal(
        octets(MutableBytes{out}), out.size(), octets(data), data.size(), octets(key), key.size(),
        nullptr, octets(Bytes{padded}));
    assert(outcome == 0);
    return out;
}

}  // namespace pinhole::crypto
