#include "shared/traversal/retry.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace pinhole::traversal {
namespace {

std::vector<Duration> next_tries(Retry& retry, Instant start, int count) {
    std::vector<Duration> tries;
    for (int i = 0; i < count; ++i) {
        const Instant at = retry.next();
        EXPECT_FALSE(retry.take_due(at - 1us));
        EXPECT_TRUE(retry.take_due(at));
        tries.push_back(at - start);
    }
    return tries;
}

TEST(Retry, ClimbsTheLadderAndStaysOnItsLastStep) {
    Retry retry;
    const Instant start{100s};
    retry.arm(start);
    EXPECT_EQ(next_tries(retry, start, 6), (std::vector<Duration>{5s, 15s, 30s, 60s, 120s, 180s}));
}

TEST(Retry, ArmingAgainDoesNotStartOver) {
    Retry retry;
    const Instant start{100s};
    retry.arm(start);
    retry.arm(start + 4s);
    EXPECT_EQ(next_tries(retry, start, 2), (std::vector<Duration>{5s, 15s}));
}

TEST(Retry, HopeMeansNowAndTheLadderFromThere) {
    Retry retry;
    const Instant start{100s};
    retry.at_once(start);
    EXPECT_EQ(next_tries(retry, start, 3), (std::vector<Duration>{0s, 5s, 15s}));
}

TEST(Retry, HopeIsWorthOneTryASecond) {
    Retry retry;
    const Instant start{100s};
    retry.at_once(start);
    ASSERT_TRUE(retry.take_due(start));
    retry.at_once(start + 1ms);
    EXPECT_EQ(retry.next(), start + kRetrySpacing);
}

TEST(Retry, StopsUntilArmedAgain) {
    Retry retry;
    retry.arm(Instant{1s});
    retry.stop();
    EXPECT_EQ(retry.next(), kNever);
    EXPECT_FALSE(retry.take_due(Instant{1h}));
}

}  // namespace
}  // namespace pinhole::traversal
