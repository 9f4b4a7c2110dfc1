// Calls that cross: two who call each other at the same time, and three in a ring.
#include <gtest/gtest.h>

#include "tests/lab/chatter.hpp"

namespace pinhole::lab {
namespace {

class Glare : public testing::TestWithParam<std::string_view> {};

TEST_P(Glare, YieldsExactlyOneConnection) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Town town{seed};
        Peer& alice = town.add_peer("alice", town.home("a", GetParam()));
        Peer& bob = town.add_peer("bob", town.home("b", GetParam()));
        SCOPED_TRACE(town.where());
        vary_delays(town, {&alice, &bob});
        ASSERT_TRUE(town.register_all());
        town.connect(alice, bob);
        // From the same moment to a whole handshake later.
        town.run_for(Duration{3ms} * static_cast<int>(seed - 1));
        town.connect(bob, alice);
        Talk talk{town, alice, bob, 10ms};
        talk.start();
        ASSERT_TRUE(town.run_until([&] { return alice.is_connected() && bob.is_connected(); }, 4s));
        town.run_for(8s);
        talk.stop();
        ASSERT_TRUE(town.run_until([&] { return talk.is_heard(); }, 3s));
        EXPECT_EQ(talk.flaw(), "");
        EXPECT_EQ(alice.connections(), 1U);
        EXPECT_EQ(bob.connections(), 1U);
        EXPECT_TRUE(alice.closed().empty() && bob.closed().empty());
        EXPECT_TRUE(alice.failures().empty() && bob.failures().empty());
    }
}

INSTANTIATE_TEST_SUITE_P(Connect, Glare, testing::Values("eim_apdf", "apdm_apdf_r", "open"),
                         [](const auto& nat) { return std::string{nat.param}; });

TEST(Mesh, OfThreeTalksInAllDirections) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        Town town{seed};
        Peer& alice = town.add_peer("alice", town.home("a", "eim_apdf"));
        Peer& bob = town.add_peer("bob", town.home("b", "apdm_apdf_r"));
        Peer& carol = town.add_peer("carol", town.home("c", "apdm_apdf_r"));
        SCOPED_TRACE(town.where());
        vary_delays(town, {&alice, &bob, &carol});
        ASSERT_TRUE(town.register_all());
        Talk first{town, alice, bob, 20ms};
        Talk second{town, bob, carol, 20ms};
        Talk third{town, carol, alice, 20ms};
        for (Talk* talk : {&first, &second, &third}) {
            talk->start();
            town.connect(talk->a, talk->b);
        }
        const auto all_met = [&] {
            return alice.connections() == 2 && bob.connections() == 2 && carol.connections() == 2;
        };
        ASSERT_TRUE(town.run_until(all_met, 5s));
        town.run_for(20s);
        for (Talk* talk : {&first, &second, &third}) talk->stop();
        ASSERT_TRUE(town.run_until(
            [&] { return first.is_heard() && second.is_heard() && third.is_heard(); }, 5s));
        for (const Talk* talk : {&first, &second, &third}) EXPECT_EQ(talk->flaw(), "");
        EXPECT_TRUE(all_met());
        EXPECT_TRUE(alice.closed().empty() && bob.closed().empty() && carol.closed().empty());
    }
}

}  // namespace
}  // namespace pinhole::lab
