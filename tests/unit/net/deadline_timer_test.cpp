#include "shared/net/deadline_timer.hpp"

#include <gtest/gtest.h>

#include "shared/net/clock.hpp"

namespace pinhole::net {
namespace {

constexpr std::chrono::seconds kPatience{10};

TEST(DeadlineTimer, ADeadlineInThePastIsDueAtOnce) {
    asio::io_context io;
    int due = 0;
    DeadlineTimer timer{io, [&] { ++due; }};
    timer.arm(Instant{} - 1h);
    io.run_for(kPatience);  // Ends as soon as nothing is armed.
    EXPECT_EQ(due, 1);
}

TEST(DeadlineTimer, IsNeverEarly) {
    asio::io_context io;
    const Instant deadline = now() + 3ms;
    Instant fired = kNever;
    DeadlineTimer timer{io, [&] { fired = now(); }};
    timer.arm(deadline);
    io.run_for(kPatience);
    EXPECT_GE(fired, deadline);
    EXPECT_NE(fired, kNever);
}

TEST(DeadlineTimer, ALaterDeadlineReplacesAnEarlierOne) {
    asio::io_context io;
    int due = 0;
    DeadlineTimer timer{io, [&] { ++due; }};
    timer.arm(now() + 1h);
    timer.arm(now() + 1ms);
    io.run_for(kPatience);
    EXPECT_EQ(due, 1);
}

TEST(DeadlineTimer, ADeadlineThatMovedAwayIsDueThenAndNotBefore) {
    asio::io_context io;
    int due = 0;
    Instant fired = kNever;
    DeadlineTimer timer{io, [&] {
                            ++due;
                            fired = now();
                        }};
    const Instant last = now() + 20ms;
    timer.arm(last - 19ms);
    timer.arm(last - 10ms);
    timer.arm(last);
    io.run_for(kPatience);
    EXPECT_EQ(due, 1);
    EXPECT_GE(fired, last);
    EXPECT_NE(fired, kNever);
}

TEST(DeadlineTimer, ADisarmedDeadlineIsNotDue) {
    asio::io_context io;
    int due = 0;
    int other_due = 0;
    DeadlineTimer timer{io, [&] { ++due; }};
    DeadlineTimer other{io, [&] { ++other_due; }};
    timer.arm(Instant{});
    timer.arm(kNever);
    other.arm(now() + 1ms);
    while (other_due == 0 && io.run_one_for(kPatience) > 0) {
    }
    EXPECT_EQ(other_due, 1);
    EXPECT_EQ(due, 0);
}

TEST(DeadlineTimer, CanBeArmedAgainFromItsOwnCallback) {
    asio::io_context io;
    int due = 0;
    DeadlineTimer* self = nullptr;
    DeadlineTimer timer{io, [&] {
                            if (++due < 3) self->arm(now());
                        }};
    self = &timer;
    timer.arm(now());
    io.run_for(kPatience);
    EXPECT_EQ(due, 3);
}

TEST(DeadlineTimer, CancelLetsTheLoopEnd) {
    asio::io_context io;
    DeadlineTimer timer{io, [] { FAIL() << "was cancelled"; }};
    timer.arm(now() + 1h);
    timer.cancel();
    io.run_for(kPatience);
    EXPECT_TRUE(io.stopped());
}

}  // namespace
}  // namespace pinhole::net
