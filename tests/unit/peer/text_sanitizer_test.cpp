#include "peer/text_sanitizer.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>
#include <utf8proc.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::peer {
namespace {

struct Row {
    std::string input;
    std::string shown;
};

TEST(TextSanitizer, EscapesWhatCouldFoolATerminalOrTheEye) {
    for (const Row& row : {
             Row{"plain text, 100% ~", "plain text, 100% ~"},
             Row{"Grüße, мир, 世界, 🙂", "Grüße, мир, 世界, 🙂"},
             Row{"e\u0301", "e\u0301"},     // a combining accent belongs to the text
             Row{"❤\uFE0F", "❤\uFE0F"},     // emoji presentation
             Row{"\x1b[2J", "\\u{1b}[2J"},  // clears the screen
             Row{"a\r\nb\tc\bd", "a\\u{d}\\u{a}b\\u{9}c\\u{8}d"},
             Row{std::string(1, '\0'), "\\u{0}"},
             Row{"\x7f", "\\u{7f}"},
             Row{"\u009b31m", "\\u{9b}31m"},            // C1: CSI in one character
             Row{"\u202Etxt.exe", "\\u{202e}txt.exe"},  // reversed
             Row{"\u2066a\u2069", "\\u{2066}a\\u{2069}"},
             Row{"\u061C\u200E\u200F", "\\u{61c}\\u{200e}\\u{200f}"},
             Row{"a\u200Bb\u200Dc\uFEFF", "a\\u{200b}b\\u{200d}c\\u{feff}"},
             Row{"a\u00ADb", "a\\u{ad}b"},  // soft hyphen
             Row{"\u2028\u2029", "\\u{2028}\\u{2029}"},
             Row{"\u3164\u115F", "\\u{3164}\\u{115f}"},  // Hangul fillers look like nothing
             Row{"\uFE00", "\\u{fe00}"},
             Row{"\U000E0041", "\\u{e0041}"},  // tag characters
             Row{"\uE000", "\\u{e000}"},       // private use
             Row{"\U0001FFFE", "\\u{1fffe}"},  // no character
             Row{"a\xff\xfe", "a\\u{fffd}\\u{fffd}"},
             Row{"\xc3", "\\u{fffd}"},                            // cut
             Row{"\xc0\xaf", "\\u{fffd}\\u{fffd}"},               // overlong
             Row{"\xed\xa0\x80", "\\u{fffd}\\u{fffd}\\u{fffd}"},  // a surrogate
         }) {
        EXPECT_EQ(sanitized(row.input), row.shown);
    }
}

TEST(TextSanitizer, ResultIsAlwaysOneHarmlessLineAndAFixedPoint) {
    constexpr std::uint64_t kSeed = 8;
    SCOPED_TRACE(kSeed);
    test::SeededRandom random{kSeed};
    for (int round = 0; round < 5'000; ++round) {
        ByteVector bytes(random.below(64));
        random.fill(bytes);
        const std::string shown = sanitized(as_text(bytes));
        for (const char octet : shown) {
            const auto value = static_cast<unsigned char>(octet);
            ASSERT_TRUE(value >= 0x20 && value != 0x7f) << shown;
        }
        ASSERT_EQ(sanitized(shown), shown);
    }
}

TEST(TextSanitizer, EveryCharacterPassesOrIsNamed) {
    for (utf8proc_int32_t c = 0; c < 0x110000; ++c) {
        if (c >= 0xD800 && c < 0xE000) continue;
        std::array<utf8proc_uint8_t, 4> raw{};
        const auto size = utf8proc_encode_char(c, raw.data());
        const std::string text{reinterpret_cast<const char*>(raw.data()),
                               static_cast<std::size_t>(size)};
        const std::string shown = sanitized(text);
        const bool is_bidi_or_hidden =
            (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
            (c >= 0x2060 && c <= 0x206F) || c < 0x20 || (c >= 0x7f && c < 0xa0);
        if (is_bidi_or_hidden) {
            ASSERT_TRUE(shown.starts_with("\\u{")) << c;
        }
        if (shown != text) {
            ASSERT_TRUE(shown.starts_with("\\u{") && shown.ends_with("}")) << c;
        }
    }
}

TEST(TextSanitizer, CutsBetweenCharacters) {
    EXPECT_EQ(whole_characters("abc", 5), 3U);
    EXPECT_EQ(whole_characters("abcdef", 4), 4U);
    EXPECT_EQ(whole_characters("ab世界", 4), 2U);
    EXPECT_EQ(whole_characters("ab世界", 5), 5U);
    EXPECT_EQ(whole_characters("🙂🙂", 4), 4U);
    EXPECT_EQ(whole_characters("\x80\x80\x80\x80\x80\x80", 4), 4U) << "no UTF-8, cut anywhere";
}

TEST(TextSanitizer, MeasuresColumns) {
    EXPECT_EQ(display_width("bob> "), 5U);
    EXPECT_EQ(display_width("ü世🙂"), 5U);
    EXPECT_EQ(display_width("e\u0301"), 1U);
}

TEST(RowsBelow, CountsRowsAsATerminalFillsThem) {
    EXPECT_EQ(rows_below("", 10), 0U);
    EXPECT_EQ(rows_below("123456789", 10), 0U);
    EXPECT_EQ(rows_below("1234567890", 10), 1U) << "the cursor waits in the next row";
    EXPECT_EQ(rows_below(std::string(35, 'x'), 10), 3U);
    EXPECT_EQ(rows_below("123456789漢", 10), 1U);
    EXPECT_EQ(rows_below("漢字漢字漢", 9), 1U) << "the fifth does not fit into its row";
    EXPECT_EQ(rows_below("123456789漢12345678", 10), 2U);
    EXPECT_EQ(rows_below("e\u0301e\u0301e\u0301", 4), 0U) << "a combining mark has no width";
}

}  // namespace
}  // namespace pinhole::peer
