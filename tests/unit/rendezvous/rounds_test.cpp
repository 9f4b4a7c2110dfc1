#include "rendezvous/rounds.hpp"

#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::rendezvous {
namespace {

constexpr Instant kStart{1h};

class RoundsTest : public testing::Test {
  protected:
    /// Lets everything happen that is due until `until`.
    void walk(Instant until) {
        while (rounds.next_timeout() <= until) {
            now = rounds.next_timeout();
            std::size_t looks = 0;
            while (const auto slot = rounds.take(now, end)) {
                looked[*slot].push_back(now);
                ++looks;
            }
            most_at_once = std::max(most_at_once, looks);
            ++wakes;
        }
        now = until;
    }
    void grow(Rounds::Slot to) {
        end = to;
        rounds.note_end(now, end);
    }

    Rounds rounds;
    Rounds::Slot end = 0;
    Instant now = kStart;
    std::map<Rounds::Slot, std::vector<Instant>> looked;
    std::size_t most_at_once = 0;
    std::size_t wakes = 0;
};

TEST_F(RoundsTest, PassEverySlotOnceInEachRound) {
    grow(100'000);
    walk(kStart + 3 * kRoundTime);
    ASSERT_EQ(looked.size(), 100'000U);
    for (const auto& [slot, at] : looked) ASSERT_EQ(at.size(), 3U) << slot;
}

TEST_F(RoundsTest, TakeSmallStepsPastVeryMany) {
    grow(1'000'000);
    walk(kStart + 2 * kRoundTime);
    EXPECT_LE(most_at_once, 2 * kRoundStep);
}

TEST_F(RoundsTest, WakeOnceInARoundForAFew) {
    grow(10);
    walk(kStart + 10 * kRoundTime);
    EXPECT_EQ(wakes, 10U);
    EXPECT_EQ(looked.size(), 10U);
}

TEST_F(RoundsTest, KeepNobodyWaitingForTwoRoundsWhileOthersCome) {
    pinhole::test::SeededRandom random{1};
    std::map<Rounds::Slot, Instant> came;
    while (now < kStart + 10 * kRoundTime) {
        for (Rounds::Slot slot = end; slot < end + 400; ++slot) came[slot] = now;
        grow(end + 400);
        walk(now + random.jitter(1s));
    }
    for (const auto& [slot, since] : came) {
        Instant last = since;
        for (const Instant at : looked[slot]) {
            ASSERT_LT(at - last, 2 * kRoundTime) << slot;
            last = at;
        }
        ASSERT_LT(now - last, 2 * kRoundTime) << slot;
    }
    // The first ones came when a single step was a whole round.
    EXPECT_LE(most_at_once, 4 * kRoundStep);
}

TEST_F(RoundsTest, RestWhileNobodyIsThere) {
    EXPECT_EQ(rounds.next_timeout(), kNever);
    grow(5);
    EXPECT_NE(rounds.next_timeout(), kNever);
    rounds.stop();
    EXPECT_EQ(rounds.next_timeout(), kNever);
    EXPECT_EQ(rounds.take(now + 1h, end), std::nullopt);
    grow(5);
    EXPECT_EQ(rounds.next_timeout(), now + kRoundTime);
}

TEST_F(RoundsTest, DoNotMakeUpForThoseThatTheMachineSleptThrough) {
    grow(10);
    now += 1h;
    std::size_t looks = 0;
    for (int wake = 0; wake < 10 && rounds.next_timeout() <= now; ++wake) {
        while (rounds.take(now, end)) ++looks;
    }
    EXPECT_GT(rounds.next_timeout(), now);
    EXPECT_LE(looks, 2 * end);
}

}  // namespace
}  // namespace pinhole::rendezvous
