#include "shared/crypto/base32.hpp"

#include <cassert>
#include <optional>

namespace pinhole::crypto {
namespace {

constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";  // RFC 4648 6

/// The value of one digit, or nothing.
std::optional<std::uint32_t> value_of(char digit) {
    if (digit >= 'a' && digit <= 'z') return static_cast<std::uint32_t>(digit - 'a');
    if (digit >= 'A' && digit <= 'Z') return static_cast<std::uint32_t>(digit - 'A');
    if (digit >= '2' && digit <= '7') return static_cast<std::uint32_t>(digit - '2') + 26U;
    return std::nullopt;
}

}  // namespace

void encode_base32(Bytes bytes, MutableBytes out) {
    assert(out.size() == base32_size(bytes.size()));
    std::uint32_t pending = 0;
    unsigned pending_bits = 0;
    std::size_t used = 0;
    for (const std::byte octet : bytes) {
        pending = ((pending << 8U) | std::to_integer<std::uint32_t>(octet)) & 0xfffU;
        for (pending_bits += 8; pending_bits >= 5; pending_bits -= 5) {
            const std::uint32_t digit = (pending >> (pending_bits - 5)) & 31U;
            out[used++] = static_cast<std::byte>(kAlphabet[digit]);
        }
    }
    if (pending_bits > 0) {
        const std::uint32_t digit = (pending << (5 - pending_bits)) & 31U;
        out[used] = static_cast<std::byte>(kAlphabet[digit]);
    }
}

std::string to_base32(Bytes bytes) {
    std::string text(base32_size(bytes.size()), '\0');
    encode_base32(bytes, std::as_writable_bytes(std::span{text}));
    return text;
}

bool decode_base32(std::string_view text, MutableBytes out) {
    if (text.size() != base32_size(out.size())) return false;
    std::uint32_t pending = 0;
    unsigned pending_bits = 0;
    std::size_t used = 0;
    for (const char digit : text) {
        const std::optional<std::uint32_t> value = value_of(digit);
        if (!value) return false;
        pending = ((pending << 5U) | *value) & 0xfffU;
        pending_bits += 5;
        if (pending_bits >= 8) {
            pending_bits -= 8;
            out[used++] = static_cast<std::byte>(pending >> pending_bits);
        }
    }
    const std::uint32_t unused = pending & ((1U << pending_bits) - 1U);
    return unused == 0;
}

}  // namespace pinhole::crypto
