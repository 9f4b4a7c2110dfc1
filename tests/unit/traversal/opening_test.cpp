#include "shared/traversal/opening.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace pinhole::traversal {
namespace {

TEST(CheckSchedule, SpacesRoundsFrom20MillisecondsToASecond) {
    CheckSchedule schedule;
    const Instant start{10s};
    schedule.start(start);
    std::vector<Duration> rounds;
    while (true) {
        const Instant at = schedule.next();
        if (schedule.take_end(at)) {
            EXPECT_EQ(at - start, kChecksFor);
            break;
        }
        ASSERT_TRUE(schedule.take_round(at));
        rounds.push_back(at - start);
    }
    EXPECT_EQ(rounds, (std::vector<Duration>{0ms, 20ms, 70ms, 170ms, 370ms, 770ms, 1570ms, 2570ms,
                                             3570ms, 4570ms, 5570ms}));
    EXPECT_FALSE(schedule.is_running());
    EXPECT_EQ(schedule.next(), kNever);
}

TEST(CheckSchedule, WaitsForItsStart) {
    CheckSchedule schedule;
    schedule.start(Instant{1s});
    EXPECT_FALSE(schedule.take_round(Instant{999ms}));
    EXPECT_TRUE(schedule.take_round(Instant{1s}));
    EXPECT_FALSE(schedule.take_round(Instant{1s}));
}

TEST(CheckSchedule, PullsInALaterRoundButNeverTheFirst) {
    CheckSchedule schedule;
    schedule.start(Instant{1s});
    schedule.pull_in(Instant{500ms});
    EXPECT_EQ(schedule.next(), Instant{1s});
    for (Instant at = schedule.next(); at < Instant{4s}; at = schedule.next()) {
        ASSERT_TRUE(schedule.take_round(at));
    }
    const Instant later = schedule.next();
    schedule.pull_in(later - 500ms);
    EXPECT_EQ(schedule.next(), later - 500ms);
    ASSERT_TRUE(schedule.take_round(later - 500ms));
    // A flood of reasons is worth no more than a round every 20 ms.
    schedule.pull_in(later - 499ms);
    EXPECT_EQ(schedule.next(), later - 480ms);
}

}  // namespace
}  // namespace pinhole::traversal
