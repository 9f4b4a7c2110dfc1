#include "shared/crypto/key_text.hpp"

#include "shared/base/cursor.hpp"
#include "shared/crypto/base32.hpp"
#include "shared/crypto/digest.hpp"

namespace pinhole::crypto {
namespace {

constexpr std::string_view kIdentityLine = "pinhole-identity-key 1";
constexpr std::string_view kGroupLine = "pinhole-group-key 1";
constexpr std::size_t kChecksumSize = 5;
constexpr std::size_t kSecretSize = 32;

using Checksum = FixedBytes<kChecksumSize>;

Checksum checksum_of(std::string_view first_line, const SecretBytes<kSecretSize>& secret) {
    SecretBytes<64> input;
    Writer writer{input.mutable_bytes()};
    writer.bytes(as_bytes(first_line)).bytes(secret.bytes());
    return to_fixed<kChecksumSize>(
        Bytes{blake2b("pinhole key file", {}, writer.written())}.first<kChecksumSize>());
}

/// Takes the first line off `text`, without the spaces and line ends around it.
std::string_view take_line(std::string_view& text) {
    constexpr std::string_view kBlank = " \t\r\n";
    text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size());
    line = line.substr(0, line.find_last_not_of(kBlank) + 1);
    return line;
}

/// The kind of key that a first line announces: all of it but the version.
std::string_view kind_of(std::string_view first_line) {
    return first_line.substr(0, first_line.find(' '));
}

Result<SecretBytes<kSecretSize>, KeyTextError> decode(std::string_view text,
                                                      std::string_view wanted) {
    const std::string_view first_line = take_line(text);
    if (first_line != wanted) {
        const std::string_view kind = kind_of(first_line);
        if (kind == kind_of(wanted)) return failure(KeyTextError::kUnknownVersion);
        const bool is_other_kind = kind == kind_of(kIdentityLine) || kind == kind_of(kGroupLine);
        return failure(is_other_kind ? KeyTextError::kWrongKind : KeyTextError::kNotAKeyFile);
    }
    SecretBytes<kSecretSize> secret;
    Checksum checksum{};
    if (!decode_base32(take_line(text), secret.mutable_bytes())) {
        return failure(KeyTextError::kDamaged);
    }
    if (!decode_base32(take_line(text), checksum)) return failure(KeyTextError::kDamaged);
    if (!take_line(text).empty()) return failure(KeyTextError::kDamaged);
    if (!equal_in_constant_time(checksum, checksum_of(first_line, secret))) {
        return failure(KeyTextError::kDamaged);
    }
    return secret;
}

}  // namespace

std::string_view describe(KeyTextError error) {
    switch (error) {
        case KeyTextError::kNotAKeyFile: return "is not a key file";
        case KeyTextError::kWrongKind: return "holds a key of another kind";
        case KeyTextError::kUnknownVersion: return "was written by a later version";
        case KeyTextError::kDamaged: return "is damaged";
    }
    return "?";
}

KeyText::KeyText(std::string_view first_line, const SecretBytes<32>& secret) {
    Writer writer{storage_.mutable_bytes()};
    writer.bytes(as_bytes(first_line)).bytes(as_bytes("\n"));
    encode_base32(secret.bytes(), writer.claim(base32_size(kSecretSize)));
    writer.bytes(as_bytes("\n"));
    encode_base32(checksum_of(first_line, secret), writer.claim(base32_size(kChecksumSize)));
    writer.bytes(as_bytes("\n"));
    size_ = writer.size();
}

KeyText encode_identity(const SecretKey& secret) {
    return KeyText{kIdentityLine, secret};
}

Result<SecretKey, KeyTextError> decode_identity(std::string_view text) {
    return decode(text, kIdentityLine);
}

KeyText encode_psk(const Psk& psk) {
    return KeyText{kGroupLine, psk};
}

Result<Psk, KeyTextError> decode_psk(std::string_view text) {
    return decode(text, kGroupLine);
}

}  // namespace pinhole::crypto
