// BLAKE2b-256 with a personalisation: the one hash of everything here that is not Noise.
#pragma once

#include <string_view>

#include "shared/base/bytes.hpp"

namespace pinhole::crypto {

/// BLAKE2b (RFC 7693) with 32 bytes of output. `personal` (at most 16 characters, padded with
/// zeros) separates one use from another; `key` holds 0 to 64 bytes.
[[nodiscard]] FixedBytes<32> blake2b(std::string_view personal, Bytes key, Bytes data);

}  // namespace pinhole::crypto
