#include "shared/node/backoff.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace pinhole::node {
namespace {

constexpr Instant kStart{1h};

TEST(Backoff, IsDueAtOnceAndThenAtDoublingGapsUpToItsCap) {
    Backoff backoff{50ms, 300ms};
    backoff.start(kStart);
    std::vector<Duration> due;
    for (Duration passed{0}; passed <= 1s; passed += 1ms) {
        if (backoff.take_due(kStart + passed)) due.push_back(passed);
    }
    EXPECT_EQ(due, (std::vector<Duration>{0ms, 50ms, 150ms, 350ms, 650ms, 950ms}));
}

TEST(Backoff, CountsItsGapsFromTheMomentWhenItWasTaken) {
    Backoff backoff{50ms, 1s};
    backoff.start(kStart);
    ASSERT_TRUE(backoff.take_due(kStart + 10s));
    EXPECT_EQ(backoff.at(), kStart + 10s + 50ms);
    EXPECT_FALSE(backoff.take_due(kStart + 10s + 49ms)) << "one late wake-up is one repetition";
}

TEST(Backoff, MayBeginLaterWhenTheFirstOneWentAnotherWay) {
    Backoff backoff{50ms, 1s};
    backoff.start(kStart + 180ms);
    EXPECT_FALSE(backoff.take_due(kStart + 179ms));
    ASSERT_TRUE(backoff.take_due(kStart + 180ms));
    EXPECT_EQ(backoff.at(), kStart + 230ms);
}

TEST(Backoff, IsNeverDueBeforeItsStartOrAfterItsStop) {
    Backoff backoff{50ms, 1s};
    EXPECT_FALSE(backoff.is_running());
    EXPECT_FALSE(backoff.take_due(kStart));
    backoff.start(kStart);
    EXPECT_TRUE(backoff.is_running());
    backoff.stop();
    EXPECT_FALSE(backoff.is_running());
    EXPECT_FALSE(backoff.take_due(kStart + 1h));
    EXPECT_EQ(backoff.at(), kNever);
}

TEST(Backoff, BeginsWithTheFirstGapAgainAfterANewStart) {
    Backoff backoff{50ms, 1s};
    backoff.start(kStart);
    for (Duration passed{0}; passed < 5s; passed += 10ms) {
        static_cast<void>(backoff.take_due(kStart + passed));
    }
    backoff.start(kStart + 5s);
    ASSERT_TRUE(backoff.take_due(kStart + 5s));
    EXPECT_EQ(backoff.at(), kStart + 5s + 50ms);
}

}  // namespace
}  // namespace pinhole::node
