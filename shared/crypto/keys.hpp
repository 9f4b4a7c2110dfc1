// X25519 keys: who somebody is (`PublicKey`), the secret behind it, and what two of them share.
//
// Owns the text form of public keys ("pk:" or "rv:" and 52 characters). Refuses shared secrets to
// which the other side contributed nothing (RFC 7748 6.1). Files are the business of `net/`.
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "shared/base/bytes.hpp"
#include "shared/base/random.hpp"
#include "shared/base/result.hpp"
#include "shared/crypto/sodium.hpp"

namespace pinhole::crypto {

/// RFC 7748: every X25519 key and shared secret.
inline constexpr std::size_t kKeySize = 32;

/// Text prefixes that tell a peer's key from a rendezvous server's.
inline constexpr std::string_view kPeerKeyPrefix = "pk";
inline constexpr std::string_view kServerKeyPrefix = "rv";

/// The identity of a peer or a server. Ordered as its bytes are (memcmp): the smaller key wins a
/// glare. Any 32 bytes may stand here; a useless point shows in `diffie_hellman`.
struct PublicKey {
    FixedBytes<kKeySize> raw{};

    /// Copies `bytes`, of which there must be exactly `kKeySize`.
    [[nodiscard]] static PublicKey from_bytes(Bytes bytes) { return {to_fixed<kKeySize>(bytes)}; }

    /// Reads the form that `to_string` writes with the same prefix; upper case is accepted.
    [[nodiscard]] static std::optional<PublicKey> parse(std::string_view text,
                                                        std::string_view prefix = kPeerKeyPrefix);

    /// "pk:" and 52 characters of base32.
    [[nodiscard]] std::string to_string(std::string_view prefix = kPeerKeyPrefix) const;
    /// The first 8 characters after the prefix: enough to recognise a key, never to trust one.
    [[nodiscard]] std::string short_string() const;

    [[nodiscard]] Bytes bytes() const { return raw; }

    friend auto operator<=>(const PublicKey&, const PublicKey&) = default;
};

/// An X25519 private key as random bytes; clamping happens when it is used.
using SecretKey = SecretBytes<kKeySize>;

/// A private key with its public one.
struct KeyPair {
    PublicKey public_key;
    SecretKey secret;

    [[nodiscard]] static KeyPair generate(Random& random);
    [[nodiscard]] static KeyPair from_secret(SecretKey secret);

    /// The deliberate copy.
    [[nodiscard]] KeyPair clone() const { return {public_key, secret.clone()}; }
};

/// The X25519 shared secret. `Drop::kBadKey` when it is all zero, which means that `theirs` is a
/// point of small order.
[[nodiscard]] Parsed<SecretBytes<kKeySize>> diffie_hellman(const SecretKey& ours,
                                                           const PublicKey& theirs);

}  // namespace pinhole::crypto

/// Spreads honest keys. Whoever lets strangers choose the keys of a table bounds its size.
template <>
struct std::hash<pinhole::crypto::PublicKey> {
    std::size_t operator()(const pinhole::crypto::PublicKey& key) const noexcept;
};

template <>
struct fmt::formatter<pinhole::crypto::PublicKey> : fmt::formatter<std::string> {
    auto format(const pinhole::crypto::PublicKey& key, fmt::format_context& context) const {
        return fmt::formatter<std::string>::format(key.to_string(), context);
    }
};
