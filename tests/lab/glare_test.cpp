// Calls that cross: two who call each other at the same time, and three in a ring.
#include <gtest/gtest.h>

#include "tests/lab/chatter.hpp"

namespace pinhole::lab {
namespace {

/// Who has pinned the other's key, so that message 1 crosses in `connect`.
enum class Pins : std::uint8_t { kNone, kAlice, kBob, kBoth };

using NatAndPins = std::tuple<std::string_view, Pins>;

class Glare : public testing::TestWithParam<NatAndPins> {};

std::string name_of(const testing::TestParamInfo<NatAndPins>& info) {
    const auto& [nat, pins] = info.param;
    switch (pins) {
        case Pins::kNone: return std::string{nat};
        case Pins::kAlice: return fmt::format("{}_alice_pins", nat);
        case Pins::kBob: return fmt::format("{}_bob_pins", nat);
        case Pins::kBoth: return fmt::format("{}_both_pin", nat);
    }
    return "?";
}

TEST_P(Glare, YieldsExactlyOneConnection) {
    const auto& [nat, pins] = GetParam();
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Town town{seed};
        Peer& alice = town.add_peer("alice", town.home("a", nat));
        Peer& bob = town.add_peer("bob", town.home("b", nat));
        SCOPED_TRACE(town.where());
        vary_delays(town, {&alice, &bob});
        ASSERT_TRUE(town.register_all());
        const bool both = pins == Pins::kBoth;
        if (both || pins == Pins::kAlice) town.trust(alice, "bob", bob.key());
        if (both || pins == Pins::kBob) town.trust(bob, "alice", alice.key());
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

INSTANTIATE_TEST_SUITE_P(Connect, Glare,
                         testing::Combine(testing::Values("eim_apdf", "apdm_apdf_r", "open"),
                                          testing::Values(Pins::kNone, Pins::kAlice, Pins::kBob,
                                                          Pins::kBoth)),
                         [](const auto& param) { return name_of(param); });

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
