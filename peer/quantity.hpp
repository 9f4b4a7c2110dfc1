// Amounts as words.
#pragma once

#include <cstdint>
#include <string>

#include "shared/base/time.hpp"

namespace pinhole::peer {

/// "512 bytes", "1.4 MiB": three digits say enough.
[[nodiscard]] std::string size_words(std::uint64_t bytes);
/// "7 s", "3 min 20 s", "2 h 5 min".
[[nodiscard]] std::string time_words(Duration duration);
/// "1 file", "12 files".
[[nodiscard]] std::string count_words(std::uint64_t count);

}  // namespace pinhole::peer
