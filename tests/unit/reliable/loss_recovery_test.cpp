// How soon a lost message is there after all, between two hosts.

#include "shared/reliable/loss_recovery.hpp"

#include <gtest/gtest.h>

#include "tests/unit/reliable/wire.hpp"

namespace pinhole::reliable {
namespace {

using test::numbered_message;
using test::Wire;

void send(Wire& wire, std::uint8_t channel, std::size_t size) {
    ASSERT_TRUE(wire.a().host.send(wire.now(), wire.a().other, channel, numbered_message(1, size),
                                   Delivery::kReliable));
    wire.drain();
}

// A connection that knows its path: 50 ms there and back.
void warm_up(Wire& wire) {
    ASSERT_TRUE(wire.establish());
    for (int i = 0; i < 20; ++i) {
        send(wire, 1, 100);
        wire.run_for(100ms);
    }
    ASSERT_EQ(wire.b().received.size(), 20U);
    wire.b().received.clear();
}

TEST(LossRecovery, RepeatsWhatWasOvertakenAfterAboutOneRoundTrip) {
    Wire wire{1, {.delay = 25ms}};
    warm_up(wire);
    wire.lose_next(1);
    const Instant begin = wire.now();
    send(wire, 1, 100);
    for (int i = 0; i < 10; ++i) {
        wire.run_for(1ms);
        send(wire, 2, 100);
    }
    ASSERT_TRUE(wire.run_until([&] { return wire.b().received.size() == 11; }, 10s));
    // One round trip, the quarter that reordering gets, and the way there.
    EXPECT_LE(wire.now() - begin, Duration{95ms});
}

TEST(LossRecovery, RepeatsTheTailAfterOneAndAHalfRoundTrips) {
    Wire wire{1, {.delay = 25ms}};
    warm_up(wire);
    wire.lose_next(1);
    const Instant begin = wire.now();
    send(wire, 1, 100);
    ASSERT_TRUE(wire.run_until([&] { return !wire.b().received.empty(); }, 10s));
    EXPECT_LE(wire.now() - begin, Duration{75ms + 2ms + 25ms});
    EXPECT_GE(wire.now() - begin, Duration{75ms + 25ms});
}

TEST(LossRecovery, RepeatsNothingOnACleanPath) {
    Wire wire{1, {.delay = 25ms}};
    warm_up(wire);
    const std::size_t before = wire.datagrams_sent();
    send(wire, 2, 500'000);
    ASSERT_TRUE(wire.run_until([&] { return !wire.b().received.empty(); }, 10s));
    wire.run_for(1s);
    // 442 fragments of 1132 bytes, and one acknowledgement each.
    EXPECT_EQ(wire.datagrams_sent() - before, 2 * 442U);
}

TEST(LossRecovery, LearnsThatThePathReorders) {
    Wire wire{1, {.delay = 25ms, .jitter = 20ms}};
    warm_up(wire);
    send(wire, 2, 1'000'000);
    ASSERT_TRUE(wire.run_until([&] { return !wire.b().received.empty(); }, 10s));
    const std::size_t before = wire.datagrams_sent();
    send(wire, 2, 1'000'000);
    ASSERT_TRUE(wire.run_until([&] { return wire.b().received.size() == 2; }, 10s));
    wire.run_for(1s);
    // 884 fragments and their acknowledgements, and few that were repeated in vain.
    EXPECT_LE(wire.datagrams_sent() - before, 2 * 884 * 102 / 100U);
}

TEST(LossRecovery, UnreliableMessagesLeaveAtOnceBesideBulk) {
    Wire wire{1, {.delay = 25ms}};
    warm_up(wire);
    send(wire, 2, 1'000'000);
    ASSERT_TRUE(
        wire.a().host.send(wire.now(), wire.a().other, 3, as_bytes("now"), Delivery::kUnreliable));
    wire.drain();
    wire.run_for(25ms);
    ASSERT_EQ(wire.b().received.size(), 1U);
    EXPECT_EQ(wire.b().received[0].channel, 3);
}

TEST(LossRecovery, ASmallMessageOvertakesTheRestOfALargeOne) {
    Wire wire{1, {.delay = 25ms}};
    warm_up(wire);
    send(wire, 2, 1'000'000);
    wire.run_for(10ms);
    const Instant begin = wire.now();
    send(wire, 1, 100);
    ASSERT_TRUE(wire.run_until([&] { return !wire.b().received.empty(); }, 10s));
    EXPECT_EQ(wire.b().received[0].channel, 1);
    EXPECT_LE(wire.now() - begin, Duration{2 * 50ms});
}

}  // namespace
}  // namespace pinhole::reliable
