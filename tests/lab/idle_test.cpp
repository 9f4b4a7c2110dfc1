// What a node costs that does nothing: each of its deadlines must have something to send.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/lab/town.hpp"

namespace pinhole::lab {
namespace {

/// Looking at the NAT and measuring how long its mappings live takes 42 s after the registration,
/// and the relay stays verified for 30 s after an upgrade.
constexpr Duration kSettling = 3min;
constexpr Duration kIdle = 10min;
constexpr auto kMinutes = static_cast<std::uint64_t>(kIdle / 1min);

/// Of a time without a word.
struct Cost {
    std::uint64_t wake_ups = 0;
    std::uint64_t datagrams = 0;
};

class Idle : public testing::TestWithParam<const char*> {
  protected:
    Cost cost_of(Peer& peer) {
        town.run_for(kSettling);
        const std::uint64_t wake_ups = peer.host().wake_ups();
        const std::uint64_t datagrams = peer.host().sent().datagrams;
        town.run_for(kIdle);
        const Cost cost{.wake_ups = peer.host().wake_ups() - wake_ups,
                        .datagrams = peer.host().sent().datagrams - datagrams};
        fmt::print("    {}: {:.1f} deadlines and {:.1f} datagrams a minute\n", GetParam(),
                   static_cast<double>(cost.wake_ups) / kMinutes,
                   static_cast<double>(cost.datagrams) / kMinutes);
        return cost;
    }

    Town town{1};
    Peer& alice{town.add_peer("alice", town.home("a", GetParam()))};
    Peer& bob{town.add_peer("bob", town.home("b", GetParam()))};
};

TEST_P(Idle, RegisteredPeerWakesForItsKeepalives) {
    ASSERT_TRUE(town.register_all());
    const Cost cost = cost_of(alice);
    // Where the server's IPv6 address leads nowhere, a question a minute dies on the machine.
    EXPECT_LE(cost.wake_ups, cost.datagrams + kMinutes) << "awake with nothing to send";
    EXPECT_LE(cost.datagrams, 4 * kMinutes) << "a keepalive each 20 s, a cookie each 90 s";
}

TEST_P(Idle, PairWakesForItsKeepalivesAndChecks) {
    ASSERT_TRUE(town.register_all());
    town.connect(alice, bob);
    ASSERT_TRUE(town.run_until([&] { return alice.is_direct() && bob.is_direct(); }, 10s));
    // ENet has had something in flight, and reliable messages both ways.
    ASSERT_TRUE(town.send(alice, "hello"));
    ASSERT_TRUE(town.run_until([&] { return !bob.received().empty(); }, 3s));
    ASSERT_TRUE(town.send(bob, "hello yourself"));
    ASSERT_TRUE(town.run_until([&] { return !alice.received().empty(); }, 3s));
    for (Peer* peer : {&alice, &bob}) {
        const Cost cost = cost_of(*peer);
        EXPECT_LE(cost.wake_ups, cost.datagrams + kMinutes) << "awake with nothing to send";
        EXPECT_LE(cost.datagrams, 8 * kMinutes) << "besides, a keepalive or check each 15 to 20 s";
    }
}

TEST_P(Idle, PairWithoutTheServerAsksForItEachFiveSeconds) {
    ASSERT_TRUE(town.register_all());
    town.connect(alice, bob);
    ASSERT_TRUE(town.run_until([&] { return alice.is_direct() && bob.is_direct(); }, 10s));
    town.kill_server();
    const Cost cost = cost_of(alice);
    EXPECT_LE(cost.wake_ups, 60 * kMinutes) << "two families, UDP and TCP";
}

INSTANTIATE_TEST_SUITE_P(Nats, Idle, testing::Values("open", "eim_apdf"),
                         [](const auto& test) { return std::string{test.param}; });

}  // namespace
}  // namespace pinhole::lab
