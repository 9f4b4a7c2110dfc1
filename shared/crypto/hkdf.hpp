// HMAC-SHA-256 (RFC 2104) and HKDF (RFC 5869) in the form that Noise uses.
#pragma once

#include <array>
#include <string_view>

#include "shared/base/bytes.hpp"
#include "shared/crypto/sodium.hpp"

namespace pinhole::crypto {

/// The output of SHA-256 and of HMAC over it.
inline constexpr std::size_t kHashSize = 32;

/// HMAC-SHA-256 under a key of any length.
[[nodiscard]] SecretBytes<kHashSize> hmac_sha256(Bytes key, Bytes data);

/// HKDF of the Noise specification, section 4.3: RFC 5869 with `chaining_key` as salt and an empty
/// info. Two or three outputs.
template <std::size_t Outputs>
[[nodiscard]] std::array<SecretBytes<kHashSize>, Outputs> hkdf(Bytes chaining_key,
                                                               Bytes input_key_material);

extern template std::array<SecretBytes<kHashSize>, 2> hkdf<2>(Bytes, Bytes);
extern template std::array<SecretBytes<kHashSize>, 3> hkdf<3>(Bytes, Bytes);

/// A key for another use than the one `noise_key` was made for: HKDF with `label` as salt. The
/// AES-256-GCM transport takes its keys from here, so no key serves two ciphers.
[[nodiscard]] SecretBytes<32> derive_transport_key(const SecretBytes<32>& noise_key,
                                                   std::string_view label);

}  // namespace pinhole::crypto
