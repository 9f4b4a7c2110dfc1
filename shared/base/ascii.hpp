// Letters of names, for which the case says nothing (RFC 4343), without asking the locale.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace pinhole {

/// `c`, or the small letter of a capital one of ASCII.
[[nodiscard]] constexpr char small_letter(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] inline std::string in_small_letters(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), small_letter);
    return out;
}

}  // namespace pinhole
