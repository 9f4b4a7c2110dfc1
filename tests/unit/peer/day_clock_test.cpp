#include "peer/day_clock.hpp"

#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

namespace pinhole::peer {
namespace {

/// 2026-11-23 21:59:30 UTC, which is 23:59:30 two hours to the east.
constexpr WallTime kEvening{std::chrono::seconds{1'795'471'170}};

class DayClockTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (const char* zone = std::getenv("TZ")) before_ = zone;
        ::setenv("TZ", "EET-2", 1);
        ::tzset();
    }
    void TearDown() override {
        before_ ? ::setenv("TZ", before_->c_str(), 1) : ::unsetenv("TZ");
        ::tzset();
    }

  private:
    std::optional<std::string> before_;
};

TEST_F(DayClockTest, TellsTheLocalTime) {
    EXPECT_EQ(DayClock::time_of_day(kEvening), "23:59");
    EXPECT_EQ(DayClock::time_of_day(kEvening + std::chrono::minutes{5}), "00:04");
}

TEST_F(DayClockTest, TellsALocalDayOnceAndNotTheFirst) {
    DayClock clock{kEvening};
    EXPECT_EQ(clock.take_new_day(kEvening + std::chrono::seconds{1}), std::nullopt);
    EXPECT_EQ(clock.take_new_day(kEvening + std::chrono::minutes{1}), "2026-11-24");
    EXPECT_EQ(clock.take_new_day(kEvening + std::chrono::minutes{2}), std::nullopt);
    EXPECT_EQ(clock.take_new_day(kEvening + std::chrono::hours{48}), "2026-11-25");
}

}  // namespace
}  // namespace pinhole::peer
