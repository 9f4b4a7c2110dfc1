#include "peer/text_sanitizer.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>
#include <utf8proc.h>

namespace pinhole::peer {
namespace {

struct Character {
    utf8proc_int32_t code_point;  ///< negative: the byte is no UTF-8
    std::size_t size;
};

Character first_character(std::string_view text) {
    utf8proc_int32_t code_point = -1;
    const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &code_point);
    if (size <= 0) return {.code_point = -1, .size = 1};
    return {.code_point = code_point, .size = static_cast<std::size_t>(size)};
}

/// Characters that utf8proc's categories call harmless and that still cannot be seen.
bool is_invisible(utf8proc_int32_t c) {
    return c == 0x034F                      // combining grapheme joiner
           || c == 0x115F || c == 0x1160    // Hangul fillers
           || c == 0x17B4 || c == 0x17B5    // Khmer inherent vowels
           || (c >= 0x180B && c <= 0x180F)  // Mongolian variation selectors and separator
           || c == 0x2800                   // blank Braille pattern
           || c == 0x3164 || c == 0xFFA0    // Hangul fillers
           || (c >= 0xFE00 && c <= 0xFE0E)  // variation selectors but the emoji one
           || (c >= 0xE0100 && c <= 0xE01EF);
}

/// Controls, bidirectional and zero-width characters and tags (CF), surrogates, private and
/// unassigned characters, line and paragraph separators.
constexpr std::array<utf8proc_category_t, 7> kHarmful{
    UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CF, UTF8PROC_CATEGORY_CS, UTF8PROC_CATEGORY_CO,
    UTF8PROC_CATEGORY_CN, UTF8PROC_CATEGORY_ZL, UTF8PROC_CATEGORY_ZP};

bool is_harmless(utf8proc_int32_t c) {
    return std::ranges::find(kHarmful, utf8proc_category(c)) == kHarmful.end() && !is_invisible(c);
}

}  // namespace

std::string sanitized(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const Character next = first_character(text);
        if (next.code_point < 0) {
            out += "\\u{fffd}";
        } else if (is_harmless(next.code_point)) {
            out += text.substr(0, next.size);
        } else {
            out += fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(next.code_point));
        }
        text.remove_prefix(next.size);
    }
    return out;
}

std::size_t whole_characters(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text.size();
    constexpr std::size_t kSequenceMax = 4;
    // Back over at most one sequence; bytes that are no UTF-8 may be cut anywhere.
    for (std::size_t back = 0; back < std::min(kSequenceMax, bytes_max); ++back) {
        const auto octet = static_cast<unsigned char>(text[bytes_max - back]);
        if ((octet & 0xC0U) != 0x80U) return bytes_max - back;
    }
    return bytes_max;
}

std::size_t rows_below(std::string_view text, std::size_t columns) {
    std::size_t rows = 0;
    std::size_t column = 0;
    while (!text.empty()) {
        const std::size_t size = first_character(text).size;
        const std::size_t width = display_width(text.substr(0, size));
        if (column + width > columns) {
            ++rows;
            column = 0;
        }
        column += width;
        if (column >= columns) {
            ++rows;
            column = 0;
        }
        text.remove_prefix(size);
    }
    return rows;
}

std::size_t display_width(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        const Character next = first_character(text);
        if (next.code_point >= 0) {
            columns += static_cast<std::size_t>(std::max(0, utf8proc_charwidth(next.code_point)));
        }
        text.remove_prefix(next.size);
    }
    return columns;
}

}  // namespace pinhole::peer
