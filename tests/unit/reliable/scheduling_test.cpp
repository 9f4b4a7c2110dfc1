// Who sends next and when: the scheduler of channels and the pacer.

#include <gtest/gtest.h>

#include "shared/reliable/channel_scheduler.hpp"
#include "shared/reliable/pacer.hpp"

namespace pinhole::reliable {
namespace {

constexpr Instant kStart{1s};
constexpr auto kAny = [](std::uint8_t /*channel*/, std::size_t /*size*/) { return true; };

PacketHandle packet(std::size_t size) {
    return PacketHandle{enet_packet_create(nullptr, size, 0)};
}

/// The channels of the next `count` messages.
std::vector<int> order(ChannelScheduler& scheduler, int count) {
    std::vector<int> out;
    for (int i = 0; i < count; ++i) {
        std::uint8_t channel = 0;
        if (!scheduler.pop(channel, kAny)) break;
        out.push_back(channel);
    }
    return out;
}

TEST(ChannelScheduler, KeepsTheOrderWithinAChannel) {
    ChannelScheduler scheduler;
    for (std::size_t size = 1; size <= 5; ++size) scheduler.push(3, packet(size));
    EXPECT_EQ(scheduler.bytes(), 15U);
    for (std::size_t size = 1; size <= 5; ++size) {
        std::uint8_t channel = 0;
        EXPECT_EQ(scheduler.pop(channel, kAny)->dataLength, size);
        EXPECT_EQ(channel, 3);
    }
    EXPECT_TRUE(scheduler.is_empty());
    EXPECT_EQ(scheduler.bytes(), 0U);
}

TEST(ChannelScheduler, ServesAChannelThatHadNothingFirst) {
    ChannelScheduler scheduler;
    for (int i = 0; i < 100; ++i) scheduler.push(2, packet(16'384));
    EXPECT_EQ(order(scheduler, 3), (std::vector{2, 2, 2}));
    scheduler.push(1, packet(64));
    EXPECT_EQ(order(scheduler, 2), (std::vector{1, 2}));
}

TEST(ChannelScheduler, SharesByBytesAndNotByMessages) {
    ChannelScheduler scheduler;
    for (int i = 0; i < 40; ++i) scheduler.push(1, packet(64 * 1024));
    for (int i = 0; i < 4000; ++i) scheduler.push(2, packet(1024));
    std::size_t first = 0;
    std::size_t second = 0;
    for (int i = 0; i < 1000; ++i) {
        std::uint8_t channel = 0;
        const PacketHandle next = scheduler.pop(channel, kAny);
        (channel == 1 ? first : second) += next->dataLength;
    }
    EXPECT_NEAR(static_cast<double>(first), static_cast<double>(second), 2 * 64 * 1024);
}

TEST(ChannelScheduler, SkipsChannelsThatMayNotSend) {
    ChannelScheduler scheduler;
    scheduler.push(1, packet(10));
    scheduler.push(2, packet(10));
    std::uint8_t channel = 0;
    EXPECT_FALSE(scheduler.pop(channel, [](std::uint8_t, std::size_t) { return false; }));
    EXPECT_TRUE(scheduler.pop(channel, [](std::uint8_t one, std::size_t) { return one == 1; }));
    EXPECT_EQ(channel, 1);
    EXPECT_FALSE(scheduler.pop(channel, [](std::uint8_t one, std::size_t) { return one == 1; }));
}

TEST(Pacer, SpreadsBulkOverTime) {
    Pacer pacer;
    pacer.set_rate(kStart, 10'000'000, 1160);
    constexpr std::size_t kBulk = 1'000'000;
    // What was saved up leaves at once.
    const std::size_t saved = pacer.budget(kStart, kBulk);
    EXPECT_LE(saved, 30'000U);
    pacer.on_sent(saved);
    EXPECT_EQ(pacer.budget(kStart, kBulk), 0U);
    // Then a train of datagrams each millisecond.
    std::size_t sent = 0;
    Instant now = kStart;
    while (now < kStart + 100ms) {
        now = pacer.ready_at(kBulk);
        const std::size_t train = pacer.budget(now, kBulk);
        ASSERT_GE(train, 10'000U);
        EXPECT_LE(train, 10'100U);
        pacer.on_sent(train);
        sent += train;
    }
    EXPECT_NEAR(static_cast<double>(sent), 1'000'000, 11'000);
}

TEST(Pacer, LetsALoneSmallMessageGoWithoutWaitingForATrain) {
    Pacer pacer;
    pacer.set_rate(kStart, 10'000'000, 1160);
    pacer.on_sent(pacer.budget(kStart, 1'000'000));
    EXPECT_EQ(pacer.budget(kStart + 100us, 1'000'000), 0U);
    EXPECT_GE(pacer.budget(kStart + 100us, 64), 64U);
}

TEST(Pacer, WaitsAtASlowRateUntilOneWholeDatagramMayLeave) {
    Pacer pacer;
    constexpr std::size_t kJumbo = 4065;
    pacer.set_rate(kStart, 100'000, kJumbo);
    pacer.on_sent(pacer.budget(kStart, 1'000'000));
    const Instant ready = pacer.ready_at(1'000'000);
    EXPECT_EQ(pacer.budget(ready - 1us, 1'000'000), 0U);
    EXPECT_GE(pacer.budget(ready, 1'000'000), kJumbo);
}

TEST(Pacer, SavesNoMoreThanABurstWhileIdle) {
    Pacer pacer;
    pacer.set_rate(kStart, 10'000'000, 1160);
    EXPECT_LE(pacer.budget(kStart + 1h, 100'000'000), 30'000U);
}

}  // namespace
}  // namespace pinhole::reliable
