#include "shared/base/segments.hpp"

#include <gtest/gtest.h>

namespace pinhole {
namespace {

using Small = Segments<int, 4>;

TEST(Segments, HoldsWhatWasPutIn) {
    Small numbers;
    EXPECT_TRUE(numbers.empty());
    for (int i = 0; i < 100; ++i) numbers.push_back(i);
    ASSERT_EQ(numbers.size(), 100U);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(numbers[static_cast<std::size_t>(i)], i);
}

TEST(Segments, NeverMovesAnElement) {
    Small numbers;
    numbers.push_back(7);
    const int* const first = &numbers[0];
    for (int i = 0; i < 1000; ++i) numbers.push_back(i);
    EXPECT_EQ(&numbers[0], first);
    EXPECT_EQ(*first, 7);
}

TEST(Segments, GivesBackTheLastOneFirst) {
    Small numbers;
    for (int i = 0; i < 10; ++i) numbers.push_back(i);
    for (int i = 9; i >= 0; --i) EXPECT_EQ(numbers.take_back(), i);
    EXPECT_TRUE(numbers.empty());
}

TEST(Segments, CanGoUpAndDownAcrossABlocksEnd) {
    Small numbers;
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < 9; ++i) numbers.push_back(10 * round + i);
        for (int i = 8; i >= 0; --i) EXPECT_EQ(numbers.take_back(), 10 * round + i);
    }
    numbers.push_back(1);
    EXPECT_EQ(numbers[0], 1);
    EXPECT_EQ(numbers.size(), 1U);
}

}  // namespace
}  // namespace pinhole
