#include "rendezvous/relay.hpp"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::rendezvous {
namespace {

class RelayBudget : public testing::Test {
  protected:
    static constexpr ClientId kA{1};
    static constexpr ClientId kB{2};

    /// Sends `bytes` in full frames; how many bytes were taken (now or into the queue).
    std::uint64_t pour(ClientId from, RelayHandle handle, std::uint64_t bytes) {
        std::uint64_t taken = 0;
        const ByteVector message(1024, std::byte{8});
        for (std::uint64_t sent = 0; sent < bytes; sent += message.size()) {
            const auto out = relay.forward(now, from, {.handle = handle, .message = message});
            if (out) taken += message.size();
            if (out && *out) ++delivered;
        }
        return taken;
    }
    RelayHandle open(std::uint64_t pair) {
        const ClientId b{1000 + pair};
        const RelayHandle handle = relay.permit(now, {ClientId{100 + pair}, b});
        static_cast<void>(pour(b, handle, 1024));
        return handle;
    }

    Instant now{};
    pinhole::test::SeededRandom random{3};
    Metrics metrics;
    Relay relay{random, metrics};
    std::size_t delivered = 0;
};

TEST_F(RelayBudget, ServesItsPairAlone) {
    const RelayHandle handle = relay.permit(now, {kA, kB});
    const ByteVector message(100, std::byte{8});
    const auto to_b = relay.forward(now, kA, {.handle = handle, .message = message});
    ASSERT_TRUE(to_b.has_value() && to_b->has_value());
    EXPECT_EQ((*to_b)->to, kB);
    const auto stranger = relay.forward(now, ClientId{3}, {.handle = handle, .message = message});
    ASSERT_FALSE(stranger.has_value());
    EXPECT_EQ(stranger.error(), Drop::kUnexpected);
    const RelayHandle other{handle.value() + 1};
    EXPECT_FALSE(relay.forward(now, kA, {.handle = other, .message = message}).has_value());
}

TEST_F(RelayBudget, TheAskerAloneGetsFourKibibytes) {
    const RelayHandle handle = relay.permit(now, {kA, kB});
    EXPECT_EQ(pour(kA, handle, 64 * 1024), kRelayUnansweredBytes);
    EXPECT_EQ(pour(kB, handle, 1024), 1024U);
    EXPECT_GT(pour(kA, handle, 64 * 1024), kRelayFreeBytes);
}

TEST_F(RelayBudget, TheAnswererNeedsNobodysAnswer) {
    const RelayHandle handle = relay.permit(now, {kA, kB});
    EXPECT_EQ(pour(kB, handle, 12 * 1024), 12 * 1024U);
}

TEST_F(RelayBudget, ShapesBeyondTheFreeBytes) {
    const RelayHandle handle = open(0);
    EXPECT_EQ(relay.counting_pairs(), 0U);
    const std::uint64_t flood = 4 << 20U;
    const std::uint64_t at_once = pour(ClientId{100}, handle, flood);
    const std::uint64_t queue = kRelayPairBitsPerSecond / 8 / 10;  // 100 ms of it
    EXPECT_NEAR(static_cast<double>(at_once),
                static_cast<double>(kRelayFreeBytes + kRelayPairBurstBytes + queue), 3 * 1024);
    EXPECT_EQ(relay.counting_pairs(), 1U);
    // What queued leaves within 100 ms, in order of its time.
    now += kRelayQueueMax;
    std::size_t late = 0;
    while (relay.take_due(now)) ++late;
    EXPECT_NEAR(static_cast<double>(late), static_cast<double>(queue) / 1024, 2);
    EXPECT_FALSE(relay.take_due(now).has_value());
    // Then 1 Mbit/s flows on.
    std::uint64_t flowed = 0;
    for (int tick = 0; tick < 1000; ++tick) {
        now += 10ms;
        flowed += pour(ClientId{100}, handle, 4096);
        while (relay.take_due(now)) continue;
    }
    EXPECT_NEAR(static_cast<double>(flowed), 1'250'000.0, 20'000.0);
}

TEST_F(RelayBudget, AnIntroductionBringsNewFreeBytes) {
    const RelayHandle handle = open(0);
    static_cast<void>(pour(ClientId{100}, handle, 4 << 20U));
    EXPECT_EQ(pour(ClientId{100}, handle, 1024), 0U);
    EXPECT_EQ(relay.permit(now, {ClientId{1000}, ClientId{100}}), handle);
    EXPECT_EQ(pour(ClientId{100}, handle, 16 * 1024), 16 * 1024U);
}

TEST_F(RelayBudget, BoundsThePairsThatCount) {
    std::vector<RelayHandle> handles;
    for (std::uint64_t i = 0; i <= kRelayCountingPairs; ++i) {
        now += 10ms;  // below the bound on all pairs together
        handles.push_back(open(i));
        const std::uint64_t taken = pour(ClientId{100 + i}, handles.back(), 32 * 1024);
        if (i < kRelayCountingPairs) {
            EXPECT_EQ(taken, 32 * 1024U);
        } else {
            EXPECT_EQ(taken, kRelayFreeBytes - 1024);
        }
    }
    EXPECT_EQ(relay.counting_pairs(), kRelayCountingPairs);
    now += kRelayCountingIdle + 1s;
    EXPECT_EQ(pour(ClientId{100 + kRelayCountingPairs}, handles.back(), 1024), 1024U);
}

TEST_F(RelayBudget, BoundsAllRelayingTogether) {
    std::uint64_t taken = 0;
    for (std::uint64_t i = 0; i < 60; ++i) taken += pour(ClientId{100 + i}, open(i), 15 * 1024);
    const double bound = static_cast<double>(kRelayTotalBitsPerSecond) / 8 * 0.1;
    EXPECT_NEAR(static_cast<double>(taken), bound, 0.1 * bound);
}

TEST_F(RelayBudget, PermissionEndsWithDisuseAndWithEitherClient) {
    const RelayHandle idle = relay.permit(now, {kA, kB});
    static_cast<void>(relay.permit(now, {kA, ClientId{3}}));
    now += kRelayPermission - 1min;
    static_cast<void>(pour(kA, idle, 1024));
    now += 2min;
    relay.handle_timeout(now);
    EXPECT_EQ(relay.pairs(), 1U);
    EXPECT_TRUE(relay.handle_of(kB, kA).has_value());
    relay.forget(kB);
    EXPECT_EQ(relay.pairs(), 0U);
    EXPECT_FALSE(relay.handle_of(kA, kB).has_value());
}

TEST_F(RelayBudget, OneClientsPairsAreBoundedAndTheIdlestGoes) {
    const RelayHandle first = relay.permit(now, {kA, ClientId{5000}});
    for (std::uint64_t i = 1; i < kRelayPairsPerClient; ++i) {
        now += 1ms;
        static_cast<void>(relay.permit(now, {kA, ClientId{5000 + i}}));
    }
    now += 1ms;
    static_cast<void>(pour(kA, first, 1024));
    static_cast<void>(relay.permit(now, {kA, ClientId{9000}}));
    EXPECT_EQ(relay.pairs(), kRelayPairsPerClient);
    EXPECT_EQ(relay.handle_of(kA, ClientId{5000}), first);
    EXPECT_FALSE(relay.handle_of(kA, ClientId{5001}).has_value());
}

}  // namespace
}  // namespace pinhole::rendezvous
