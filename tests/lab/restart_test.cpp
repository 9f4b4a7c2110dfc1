// A process that dies without a word and comes back is another one: nothing that was said to the
// first reaches the second, whoever calls.
#include <gtest/gtest.h>

#include "tests/lab/chatter.hpp"

namespace pinhole::lab {
namespace {

enum class Who : std::uint8_t { kAlice, kBob, kBoth };

std::string_view name_of(Who who) {
    switch (who) {
        case Who::kAlice: return "Alice";
        case Who::kBob: return "Bob";
        case Who::kBoth: return "Both";
    }
    return "?";
}

bool includes(Who who, Who one) {
    return who == one || who == Who::kBoth;
}

struct Restart {
    Who restarts;
    Who calls;
    std::string_view nat;
};

class RestartOrders : public testing::TestWithParam<Restart> {};

std::string name_of(const testing::TestParamInfo<Restart>& info) {
    const std::string order =
        fmt::format("{}Restarts{}Calls", name_of(info.param.restarts), name_of(info.param.calls));
    return order + (info.param.nat == "eim_apdf" ? "Direct" : "Relayed");
}

std::size_t restarts_heard(const Peer& peer) {
    return static_cast<std::size_t>(std::ranges::count(
        peer.closed(), node::CloseReason::kPeerRestarted, &Peer::Closed::reason));
}

TEST_P(RestartOrders, MeetsTheNewProcessAsANewConnection) {
    const auto& [restarts, calls, nat] = GetParam();
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        Town town{seed};
        Peer& alice = town.add_peer("alice", town.home("a", nat));
        Peer& bob = town.add_peer("bob", town.home("b", nat));
        SCOPED_TRACE(town.where());
        vary_delays(town, {&alice, &bob});
        ASSERT_TRUE(town.register_all());
        // The one who restarts forgets that it called; the other one must not call by itself.
        town.connect(restarts == Who::kBob ? bob : alice, restarts == Who::kBob ? alice : bob);
        Talk talk{town, alice, bob, 15ms};
        talk.start();
        ASSERT_TRUE(town.run_until([&] { return talk.there.said() > 200; }, 20s));
        const std::size_t old_connections = alice.connections();

        const Duration pause = 10ms * static_cast<int>(seed);
        if (includes(restarts, Who::kAlice)) town.restart(alice);
        town.run_for(pause);
        if (includes(restarts, Who::kBob)) town.restart(bob);
        town.run_for(pause);
        if (includes(calls, Who::kAlice)) town.connect(alice, bob);
        town.run_for(pause);
        if (includes(calls, Who::kBob)) town.connect(bob, alice);

        const auto is_anew = [&] {
            return alice.is_connected() && bob.is_connected() &&
                   alice.connections() > old_connections && bob.connections() > old_connections;
        };
        ASSERT_TRUE(town.run_until(is_anew, 30s))
            << alice.connections() << " and " << bob.connections() << " connections";
        town.run_for(20s);
        talk.stop();
        EXPECT_TRUE(town.run_until([&] { return talk.is_heard(); }, 10s));
        EXPECT_EQ(talk.flaw(), "");
        EXPECT_GT(talk.there.said_now(), 500U) << "the new connection is not the last one";
        EXPECT_GT(talk.back.said_now(), 500U) << "the new connection is not the last one";
        EXPECT_EQ(restarts_heard(alice), restarts == Who::kBob ? 1U : 0U);
        EXPECT_EQ(restarts_heard(bob), restarts == Who::kAlice ? 1U : 0U);
        EXPECT_EQ(alice.connections(), old_connections + 1);
        EXPECT_EQ(bob.connections(), old_connections + 1);
    }
}

std::vector<Restart> all_orders() {
    std::vector<Restart> out;
    for (const Who restarts : {Who::kAlice, Who::kBob, Who::kBoth}) {
        for (const Who calls : {Who::kAlice, Who::kBob, Who::kBoth}) {
            for (const std::string_view nat : {"eim_apdf", "apdm_apdf_r"}) {
                out.push_back({restarts, calls, nat});
            }
        }
    }
    return out;
}

INSTANTIATE_TEST_SUITE_P(Restart, RestartOrders, testing::ValuesIn(all_orders()),
                         [](const auto& order) { return name_of(order); });

TEST(Restart, OfThePeerIsMetOverAndOver) {
    Town town{7};
    Peer& alice = town.add_peer("alice", town.home("a", "eim_apdf"));
    Peer& bob = town.add_peer("bob", town.home("b", "eim_apdf"));
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    town.connect(alice, bob);
    Talk talk{town, alice, bob, 20ms};
    talk.start();
    for (std::size_t round = 1; round <= 5; ++round) {
        ASSERT_TRUE(
            town.run_until([&] { return alice.connections() == round && bob.is_connected(); }, 30s))
            << "round " << round;
        // Long enough apart not to count as two processes that fight for the id.
        town.run_for(25s);
        town.restart(bob);
    }
    town.run_for(30s);
    EXPECT_EQ(restarts_heard(alice), 5U);
    EXPECT_EQ(talk.flaw(), "");
}

bool has_trouble(const Peer& peer, node::ServerTrouble trouble) {
    return std::ranges::count(peer.troubles(), trouble, &node::ServerLost::trouble) > 0;
}

TEST(TwoProcessesWithOneKey, TheNewerOneHoldsTheId) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Town town{seed};
        Peer& bob = town.add_peer("bob", town.home("b", "eim_apdf"));
        Peer& first = town.add_peer("alice", town.home("a", "eim_apdf"));
        SCOPED_TRACE(town.where());
        ASSERT_TRUE(town.register_all());
        Peer& second = town.add_peer("alice", town.home("c", "eim_apdf"));
        town.start(second);
        ASSERT_TRUE(
            town.run_until([&] { return has_trouble(first, node::ServerTrouble::kReplaced); }, 5s));
        town.run_for(10min);
        EXPECT_EQ(first.registrations(), 1U);
        EXPECT_FALSE(first.node().is_registered());
        EXPECT_TRUE(second.node().is_registered());
        EXPECT_TRUE(second.troubles().empty());
        town.connect(bob, second);
        ASSERT_TRUE(
            town.run_until([&] { return bob.is_connected() && second.is_connected(); }, 5s));
        EXPECT_FALSE(first.is_connected());
    }
}

TEST(TwoProcessesWithOneKey, BackOffForAMinuteWhenTheyFlap) {
    Town town{1};
    Peer& first = town.add_peer("alice", town.home("a", "eim_apdf"));
    Peer& second = town.add_peer("alice", town.home("c", "eim_apdf"));
    SCOPED_TRACE(town.where());
    town.start(first);
    town.run_for(1s);
    town.start(second);  // the first flip
    for (int flip = 2; flip <= 4; ++flip) {
        town.run_for(5s);
        town.start(flip % 2 == 0 ? first : second);
    }
    // The fourth within a minute is one too many: both hear of it, and neither holds the id.
    const auto both_know = [&] {
        return has_trouble(first, node::ServerTrouble::kFlapping) &&
               has_trouble(second, node::ServerTrouble::kFlapping);
    };
    ASSERT_TRUE(town.run_until(both_know, 3s));
    EXPECT_EQ(town.server().registered(), 0U);
    EXPECT_FALSE(first.node().is_registered());
    EXPECT_FALSE(second.node().is_registered());
    town.run_for(50s);
    EXPECT_EQ(town.server().registered(), 0U);
    // After the minute one of them gets it, and keeps it.
    town.run_for(60s);
    EXPECT_EQ(town.server().registered(), 1U);
    const std::size_t registrations = first.registrations() + second.registrations();
    town.run_for(10min);
    EXPECT_EQ(first.registrations() + second.registrations(), registrations);
    EXPECT_NE(first.node().is_registered(), second.node().is_registered());
}

}  // namespace
}  // namespace pinhole::lab
