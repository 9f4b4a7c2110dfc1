// Amounts as words.
#pragma once

#include <cstdint>
#include <string>

namespace pinhole::peer {

/// "512 bytes", "1.4 MiB": three digits say enough.
[[nodiscard]] std::string size_words(std::uint64_t bytes);

}  // namespace pinhole::peer
