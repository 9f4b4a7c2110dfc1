// Our byte spans as the `unsigned char*` that libsodium's functions take. For `crypto/` only.
#pragma once

#include "shared/base/bytes.hpp"

namespace pinhole::crypto {

/// Never null, not even for an empty span: libsodium declares some of its inputs so.
[[nodiscard]] inline const unsigned char* octets(Bytes bytes) {
    static constexpr unsigned char kNothing = 0;
    if (bytes.empty()) return &kNothing;
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

[[nodiscard]] inline unsigned char* octets(MutableBytes bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace pinhole::crypto
