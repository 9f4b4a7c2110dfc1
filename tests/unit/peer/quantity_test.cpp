#include "peer/quantity.hpp"

#include <gtest/gtest.h>

namespace pinhole::peer {
namespace {

constexpr std::uint64_t kMiB = 1 << 20U;

TEST(Quantity, SizesHaveThreeDigitsAndIecUnits) {
    EXPECT_EQ(size_words(0), "0 bytes");
    EXPECT_EQ(size_words(1), "1 byte");
    EXPECT_EQ(size_words(1'023), "1023 bytes");
    EXPECT_EQ(size_words(1'024), "1.0 KiB");
    EXPECT_EQ(size_words(1'536), "1.5 KiB");
    EXPECT_EQ(size_words(100 * 1'024), "100 KiB");
    EXPECT_EQ(size_words(kMiB - 1), "1.0 MiB");
    EXPECT_EQ(size_words(2'048 * kMiB), "2.0 GiB");
    EXPECT_EQ(size_words(std::uint64_t{10} << 40U), "10.0 TiB");
}

TEST(Quantity, TimesAreRounded) {
    EXPECT_EQ(time_words(400ms), "0 s");
    EXPECT_EQ(time_words(59'600ms), "1 min 0 s");
    EXPECT_EQ(time_words(3min + 20s), "3 min 20 s");
    EXPECT_EQ(time_words(2h + 5min), "2 h 5 min");
}

}  // namespace
}  // namespace pinhole::peer
