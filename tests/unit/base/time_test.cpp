#include "shared/base/time.hpp"

#include <gtest/gtest.h>

namespace pinhole {
namespace {

enum class Timer : std::uint8_t { kFirst, kSecond, kCount };

constexpr Instant kStart{};

TEST(TimerTable, IsNeverUntilSet) {
    const TimerTable<Timer> timers;
    EXPECT_EQ(timers.next(), kNever);
    EXPECT_FALSE(timers.is_set(Timer::kFirst));
}

TEST(TimerTable, ExpiresOnceAndOnlyOnce) {
    TimerTable<Timer> timers;
    timers.set(Timer::kFirst, kStart + 5ms);
    EXPECT_FALSE(timers.take_expired(Timer::kFirst, kStart + 4ms));
    EXPECT_TRUE(timers.take_expired(Timer::kFirst, kStart + 5ms));
    EXPECT_FALSE(timers.take_expired(Timer::kFirst, kStart + 6ms));
}

TEST(TimerTable, NextIsTheEarliestAndPullInNeverPostpones) {
    TimerTable<Timer> timers;
    timers.set(Timer::kFirst, kStart + 5ms);
    timers.set(Timer::kSecond, kStart + 3ms);
    EXPECT_EQ(timers.next(), kStart + 3ms);
    timers.pull_in(Timer::kSecond, kStart + 9ms);
    EXPECT_EQ(timers.at(Timer::kSecond), kStart + 3ms);
    timers.pull_in(Timer::kFirst, kStart + 1ms);
    EXPECT_EQ(timers.next(), kStart + 1ms);
}

}  // namespace
}  // namespace pinhole
