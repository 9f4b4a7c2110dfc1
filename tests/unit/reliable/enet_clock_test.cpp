#include "shared/reliable/enet_clock.hpp"

#include <gtest/gtest.h>

namespace pinhole::reliable {
namespace {

constexpr Instant kStart{Duration{123'456'789}};

TEST(EnetClock, BeginsAtOneBecauseZeroMeansNotYet) {
    EnetClock clock;
    EXPECT_EQ(clock.milliseconds(), 1U);
    clock.advance(kStart);
    EXPECT_EQ(clock.milliseconds(), 1U);
}

TEST(EnetClock, CountsMillisecondsAndKeepsTheRest) {
    EnetClock clock;
    clock.advance(kStart);
    clock.advance(kStart + 700us);
    clock.advance(kStart + 1400us);
    EXPECT_EQ(clock.milliseconds(), 2U);
    clock.advance(kStart + 250ms);
    EXPECT_EQ(clock.milliseconds(), 251U);
}

TEST(EnetClock, StepsByAtMostASecondPerCall) {
    EnetClock clock;
    clock.advance(kStart);
    clock.advance(kStart + 1h);
    EXPECT_EQ(clock.milliseconds(), 1001U);
    clock.advance(kStart + 1h + 10ms);
    EXPECT_EQ(clock.milliseconds(), 1011U);
}

TEST(EnetClock, NeverGoesBack) {
    EnetClock clock;
    clock.advance(kStart);
    clock.advance(kStart + 10ms);
    clock.advance(kStart);
    EXPECT_EQ(clock.milliseconds(), 11U);
    clock.advance(kStart + 10ms);
    EXPECT_EQ(clock.milliseconds(), 11U);
    EXPECT_EQ(clock.now(), kStart + 10ms);
}

TEST(EnetClock, NamesTheInstantAtWhichItWillShowANumber) {
    EnetClock clock;
    clock.advance(kStart);
    clock.advance(kStart + 2700us);
    ASSERT_EQ(clock.milliseconds(), 3U);
    const Instant at = clock.instant_of(8);
    EXPECT_EQ(at, kStart + 7ms);
    EnetClock before = clock;
    before.advance(at - 1us);
    EXPECT_EQ(before.milliseconds(), 7U);
    clock.advance(at);
    EXPECT_EQ(clock.milliseconds(), 8U);
}

TEST(EnetClock, SkipsZeroWhenItWraps) {
    EnetClock clock;
    Instant now = kStart;
    clock.advance(now);
    // 2^32 milliseconds in steps of a second.
    for (std::uint32_t i = 0; i < 4'294'967; ++i) clock.advance(now += 1s);
    clock.advance(now += 294ms);
    EXPECT_EQ(clock.milliseconds(), 0xffffffffU);
    const Instant wrapped = clock.instant_of(1);
    clock.advance(now += 1ms);
    EXPECT_EQ(clock.milliseconds(), 1U);
    EXPECT_GT(wrapped, now - 2ms);
    clock.advance(now += 2ms);
    EXPECT_EQ(clock.milliseconds(), 2U);
}

}  // namespace
}  // namespace pinhole::reliable
