// The text of key files: a peer's or server's secret key, and a group's pre-shared key.
//
//     pinhole-identity-key 1              (or: pinhole-group-key 1)
//     <secret: 52 characters of base32>
//     <checksum: 8 characters of base32>
//
// The checksum is the first 5 bytes of BLAKE2b-256 (personal "pinhole key file") over the first
// line and the secret, so a damaged or cut file is told from a valid one. Opening files, their
// permissions and locks belong to `net/`.
#pragma once

#include <cstdint>
#include <string_view>

#include "shared/base/result.hpp"
#include "shared/crypto/keys.hpp"
#include "shared/crypto/sodium.hpp"

namespace pinhole::crypto {

/// A group's pre-shared key: exactly 32 random bytes. Zeros mean "no group".
using Psk = SecretBytes<32>;

/// Why a text is not a usable key file.
enum class KeyTextError : std::uint8_t {
    kNotAKeyFile,     ///< the first line names no key of ours
    kWrongKind,       ///< a group key where an identity was wanted, or the other way round
    kUnknownVersion,  ///< written by a later version
    kDamaged,         ///< lines missing, a character wrong, or the checksum does not fit
};

/// What to tell the user, as the end of a sentence that began with the file's name.
[[nodiscard]] std::string_view describe(KeyTextError error);

/// The content of a key file, wiped when it dies.
class KeyText {
  public:
    [[nodiscard]] Bytes bytes() const { return storage_.bytes().first(size_); }
    /// Borrowed until the text moves or dies.
    [[nodiscard]] std::string_view view() const { return as_text(bytes()); }

  private:
    KeyText(std::string_view first_line, const SecretBytes<32>& secret);
    friend KeyText encode_identity(const SecretKey& secret);
    friend KeyText encode_psk(const Psk& psk);

    SecretBytes<128> storage_;
    std::size_t size_ = 0;
};

/// Writes the file of an identity.
[[nodiscard]] KeyText encode_identity(const SecretKey& secret);
/// Reads the file of an identity. Spaces and line ends around lines do not matter.
[[nodiscard]] Result<SecretKey, KeyTextError> decode_identity(std::string_view text);

/// Writes the file of a group's pre-shared key.
[[nodiscard]] KeyText encode_psk(const Psk& psk);
/// Reads the file of a group's pre-shared key.
[[nodiscard]] Result<Psk, KeyTextError> decode_psk(std::string_view text);

}  // namespace pinhole::crypto
