#include "shared/crypto/sodium.hpp"

#include <sodium.h>

#include "shared/crypto/octets.hpp"

namespace pinhole::crypto {

void initialize() {
    const int outcome = sodium_init();  // 0 = done now, 1 = done before
    assert(outcome >= 0);
}

void wipe(MutableBytes secret) {
    sodium_memzero(secret.data(), secret.size());
}

bool equal_in_constant_time(Bytes a, Bytes b) {
    return a.size() == b.size() && sodium_memcmp(octets(a), octets(b), a.size()) == 0;
}

void SystemRandom::fill(MutableBytes out) {
    randombytes_buf(out.data(), out.size());
}

}  // namespace pinhole::crypto
