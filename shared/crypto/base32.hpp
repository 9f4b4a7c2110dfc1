// Base32 of RFC 4648, lower case and without padding: keys as people read them aloud and type them.
//
// Decoding is strict where it matters: only the canonical form of each byte string is accepted
// (unused bits are zero), so a key has one text. Upper case is accepted.
#pragma once

#include <string>
#include <string_view>

#include "shared/base/bytes.hpp"

namespace pinhole::crypto {

/// How many characters `size` bytes take.
[[nodiscard]] constexpr std::size_t base32_size(std::size_t size) {
    return (size * 8 + 4) / 5;
}

/// Writes the text of `bytes` to `out`, which must hold exactly `base32_size(bytes.size())`.
void encode_base32(Bytes bytes, MutableBytes out);

/// The text of `bytes`. Not for secrets: nobody wipes the string.
[[nodiscard]] std::string to_base32(Bytes bytes);

/// Reads exactly `out.size()` bytes from `text`. False when the length, a character or an unused
/// bit is wrong; `out` then holds nothing of use.
[[nodiscard]] bool decode_base32(std::string_view text, MutableBytes out);

}  // namespace pinhole::crypto
