#include "shared/crypto/base32.hpp"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::crypto {
namespace {

struct Sample {
    std::string_view plain;
    std::string_view text;
};

// RFC 4648 10, in lower case and without padding.
constexpr Sample kSamples[] = {{"", ""},
                               {"f", "my"},
                               {"fo", "mzxq"},
                               {"foo", "mzxw6"},
                               {"foob", "mzxw6yq"},
                               {"fooba", "mzxw6ytb"},
                               {"foobar", "mzxw6ytboi"}};

TEST(Base32, MatchesRfc4648) {
    for (const Sample& sample : kSamples) {
        EXPECT_EQ(to_base32(as_bytes(sample.plain)), sample.text);
        ByteVector decoded(sample.plain.size());
        EXPECT_TRUE(decode_base32(sample.text, decoded)) << sample.text;
        EXPECT_EQ(as_text(decoded), sample.plain);
    }
}

TEST(Base32, AcceptsUpperCase) {
    FixedBytes<6> out;
    ASSERT_TRUE(decode_base32("MZXW6YTBOI", out));
    EXPECT_EQ(as_text(out), "foobar");
}

TEST(Base32, RefusesOtherLengths) {
    FixedBytes<6> out;
    EXPECT_FALSE(decode_base32("mzxw6ytbo", out));
    EXPECT_FALSE(decode_base32("mzxw6ytboia", out));
    EXPECT_FALSE(decode_base32("", out));
}

TEST(Base32, RefusesOtherCharacters) {
    FixedBytes<6> out;
    for (const char wrong : {'0', '1', '8', '9', '=', ' ', '-', '\0', '@', '[', '`', '{'}) {
        std::string text = "mzxw6ytboi";
        text[4] = wrong;
        EXPECT_FALSE(decode_base32(text, out)) << wrong;
    }
}

TEST(Base32, RefusesBitsThatNobodyWrote) {
    FixedBytes<1> out;
    EXPECT_TRUE(decode_base32("my", out));
    EXPECT_FALSE(decode_base32("mz", out));
}

TEST(Base32, RoundTripsEveryLength) {
    pinhole::test::SeededRandom random{7};
    for (std::size_t size = 0; size < 64; ++size) {
        ByteVector bytes(size);
        random.fill(bytes);
        ByteVector decoded(size);
        ASSERT_TRUE(decode_base32(to_base32(bytes), decoded)) << size;
        EXPECT_EQ(decoded, bytes);
    }
}

}  // namespace
}  // namespace pinhole::crypto
