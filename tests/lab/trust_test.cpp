// Who may talk to whom: group keys, and calls that are not taken; and how a connection begins and
// ends between two who may. (Pins have a file of their own.)
#include <gtest/gtest.h>

#include "tests/lab/chatter.hpp"
#include "tests/lab/pair.hpp"

namespace pinhole::lab {
namespace {

crypto::Psk psk_of(std::uint8_t fill) {
    FixedBytes<32> raw{};
    raw.fill(std::byte{fill});
    return crypto::Psk{raw};
}

// ---- group keys

TEST(GroupKey, LetsItsMembersConnect) {
    Pair pair{1, {.psk = psk_of(7)}, {.psk = psk_of(7)}};
    SCOPED_TRACE(pair.town.where());
    ASSERT_TRUE(pair.town.register_all());
    EXPECT_TRUE(pair.connect());
}

TEST(GroupKey, KeepsOthersOutAndSaysWhy) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Pair pair{seed, {.psk = psk_of(7)}, {.psk = psk_of(8)}};
        SCOPED_TRACE(pair.town.where());
        ASSERT_TRUE(pair.town.register_all());
        pair.town.connect(pair.alice, pair.bob, false);
        ASSERT_TRUE(pair.town.run_until([&] { return !pair.alice.failures().empty(); }, 15s));
        EXPECT_EQ(failures_for(pair.alice, node::CloseReason::kGroupKey), 1U);
        EXPECT_FALSE(pair.alice.failures().front().retrying);
        pair.town.run_for(30s);
        EXPECT_EQ(pair.alice.connections() + pair.bob.connections(), 0U);
        EXPECT_TRUE(pair.alice.node().peers().empty());
        EXPECT_TRUE(pair.bob.node().peers().empty()) << "the caller that failed is remembered";
    }
}

TEST(GroupKey, KeepsThoseWithoutOneOut) {
    Pair pair{1, {.psk = psk_of(7)}, {}};
    SCOPED_TRACE(pair.town.where());
    ASSERT_TRUE(pair.town.register_all());
    EXPECT_FALSE(pair.connect(15s));
    EXPECT_GE(failures_for(pair.alice, node::CloseReason::kGroupKey), 1U);
}

// ---- calls that are not taken

class Stranger : public testing::TestWithParam<node::AcceptPolicy> {};

/// One datagram that came back, since the call.
struct Arrival {
    Duration at;
    std::size_t size;

    friend bool operator==(const Arrival&, const Arrival&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Arrival& one) {
        return out << one.size << " bytes after " << one.at.count() << " us";
    }
};

/// What the caller saw of its call: events, and everything that came back.
struct Experience {
    std::vector<node::ConnectFailed> failures;
    std::vector<Arrival> arrivals;
};

Experience call(std::uint64_t seed, node::AcceptPolicy policy, bool is_online) {
    Pair pair{seed, {}, {.accept = policy}};
    EXPECT_TRUE(pair.town.register_all());
    pair.town.run_for(1s);
    if (!is_online) {
        pair.bob.host().mutate([&](Instant now) { pair.bob.node().shutdown(now); });
    }
    pair.town.run_for(1s);
    Experience seen;
    const Instant called = pair.town.lab().now();
    pair.town.lab().trace().observe([&](const TraceEvent& event) {
        if (event.fate != Fate::kDelivered || event.where != pair.alice.host().name()) return;
        seen.arrivals.push_back({event.at - called, event.packet.payload.size()});
    });
    pair.town.connect(pair.alice, pair.bob, false);
    pair.town.run_for(10s);
    EXPECT_EQ(pair.alice.connections() + pair.bob.connections(), 0U);
    EXPECT_FALSE(pair.alice.introduced_at());
    EXPECT_EQ(pair.bob.refused().size(), is_online ? 1U : 0U);
    EXPECT_TRUE(pair.bob.node().peers().empty());
    EXPECT_EQ(pair.bob.host().sent_to(pair.town.nat("a").wan()).datagrams, 0U);
    seen.failures = pair.alice.failures();
    return seen;
}

TEST_P(Stranger, LearnsNothing) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        SCOPED_TRACE(seed);
        const Experience refused = call(seed, GetParam(), true);
        const Experience absent = call(seed, GetParam(), false);
        ASSERT_EQ(refused.failures.size(), 1U);
        ASSERT_EQ(absent.failures.size(), 1U);
        EXPECT_EQ(refused.failures.front().reason, node::CloseReason::kUnknownPeer);
        EXPECT_EQ(absent.failures.front().reason, node::CloseReason::kUnknownPeer);
        EXPECT_FALSE(refused.failures.front().retrying || absent.failures.front().retrying);
        // The cables have no jitter: number, sizes and times are the same to the microsecond.
        ASSERT_FALSE(refused.arrivals.empty());
        EXPECT_EQ(refused.arrivals, absent.arrivals);
    }
}

INSTANTIATE_TEST_SUITE_P(Accept, Stranger,
                         testing::Values(node::AcceptPolicy::kKnown, node::AcceptPolicy::kNone),
                         [](const auto& policy) {
                             return policy.param == node::AcceptPolicy::kKnown ? "Known" : "None";
                         });

TEST(AcceptKnown, TakesTheCallsOfThosePinned) {
    Pair pair{1, {}, {.accept = node::AcceptPolicy::kKnown}};
    SCOPED_TRACE(pair.town.where());
    ASSERT_TRUE(pair.town.register_all());
    pair.town.trust(pair.bob, "alice", pair.alice.key());
    EXPECT_TRUE(pair.connect());
    EXPECT_TRUE(pair.bob.refused().empty());
}

TEST(AcceptKnown, IsReachedFromAfarAtTheSecondTry) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Pair pair{seed, {}, {.accept = node::AcceptPolicy::kKnown}};
        SCOPED_TRACE(pair.town.where());
        // A round trip of more than 600 ms: the answer comes after the caller heard of nobody.
        pair.bob.host().cable().set_quality({.delay = 300ms});
        ASSERT_TRUE(pair.town.register_all());
        pair.town.trust(pair.bob, "alice", pair.alice.key());
        EXPECT_TRUE(pair.connect(15s));
        EXPECT_EQ(failures_for(pair.alice, node::CloseReason::kUnknownPeer), 1U);
        EXPECT_TRUE(pair.bob.refused().empty());
    }
}

TEST(AcceptNone, StillCallsOthersItself) {
    Pair pair{1, {.accept = node::AcceptPolicy::kNone}, {}};
    SCOPED_TRACE(pair.town.where());
    ASSERT_TRUE(pair.town.register_all());
    EXPECT_TRUE(pair.connect());
}

TEST(AcceptNone, MeetsAnotherOneThatCallsItToo) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Pair pair{
            seed, {.accept = node::AcceptPolicy::kNone}, {.accept = node::AcceptPolicy::kNone}};
        SCOPED_TRACE(pair.town.where());
        ASSERT_TRUE(pair.town.register_all());
        pair.town.connect(pair.bob, pair.alice);
        pair.town.run_for(2s);
        EXPECT_FALSE(pair.bob.is_connected());
        EXPECT_TRUE(pair.connect(15s));
    }
}

// ---- connecting

TEST(Connect, ToAnUnknownIdFailsOnceAndEnds) {
    Town town{1};
    Peer& alice = town.add_peer("alice", town.home("a", "eim_apdf"));
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    Peer& nobody = town.add_peer("nobody", town.home("n", "eim_apdf"));
    town.connect(alice, nobody, false);
    ASSERT_TRUE(town.run_until([&] { return !alice.failures().empty(); }, 3s));
    EXPECT_EQ(alice.failures().front().reason, node::CloseReason::kUnknownPeer);
    EXPECT_FALSE(alice.failures().front().retrying);
    EXPECT_TRUE(alice.node().peers().empty());
    town.run_for(1min);
    EXPECT_EQ(alice.failures().size(), 1U);
}

TEST(Connect, KeepsTryingUntilThePeerAppears) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Town town{seed};
        Peer& alice = town.add_peer("alice", town.home("a", "eim_apdf"));
        SCOPED_TRACE(town.where());
        ASSERT_TRUE(town.register_all());
        Peer& bob = town.add_peer("bob", town.home("b", "eim_apdf"));
        town.connect(alice, bob);
        town.run_for(3min);
        EXPECT_GE(failures_for(alice, node::CloseReason::kUnknownPeer), 10U);
        EXPECT_TRUE(alice.failures().back().retrying);
        town.start(bob);
        ASSERT_TRUE(
            town.run_until([&] { return alice.is_connected() && bob.is_connected(); }, 15s));
    }
}

TEST(Connect, BeforeRegisteringWaitsForIt) {
    Pair pair{1};
    SCOPED_TRACE(pair.town.where());
    pair.town.start(pair.bob);
    pair.town.start(pair.alice);
    EXPECT_TRUE(pair.connect());
    EXPECT_TRUE(pair.alice.failures().empty());
}

// ---- disconnecting

TEST(Disconnect, DeliversWhatWasSentAndTellsBothSides) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        for (const bool caller_leaves : {true, false}) {
            Pair pair{seed};
            SCOPED_TRACE(pair.town.where());
            ASSERT_TRUE(pair.town.register_all());
            ASSERT_TRUE(pair.connect());
            Peer& leaver = caller_leaves ? pair.alice : pair.bob;
            Peer& other = caller_leaves ? pair.bob : pair.alice;
            for (int i = 0; i < 300; ++i) {
                ASSERT_TRUE(pair.town.send(leaver, other, fmt::format("{:0900}", i)));
            }
            pair.town.disconnect(leaver, other);
            ASSERT_TRUE(pair.town.run_until(
                [&] { return leaver.closed().size() == 1 && other.closed().size() == 1; }, 15s))
                << leaver.closed().size() << " " << other.closed().size();
            ASSERT_EQ(other.received().size(), 300U);
            for (std::size_t i = 0; i < 300; ++i) {
                ASSERT_EQ(other.received().at(i).text, fmt::format("{:0900}", i));
            }
            EXPECT_EQ(leaver.closed().front().reason, node::CloseReason::kLocal);
            EXPECT_EQ(other.closed().front().reason, node::CloseReason::kDone);
            EXPECT_TRUE(leaver.node().peers().empty());
            EXPECT_TRUE(other.node().peers().empty());
        }
    }
}

TEST(Disconnect, IsFinalUntilSomebodyConnectsAgain) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Pair pair{seed};
        SCOPED_TRACE(pair.town.where());
        ASSERT_TRUE(pair.town.register_all());
        Talk talk{pair.town, pair.alice, pair.bob, 20ms};
        talk.start();
        for (std::size_t round = 1; round <= 4; ++round) {
            Peer& caller = round % 2 == 0 ? pair.bob : pair.alice;
            Peer& called = round % 2 == 0 ? pair.alice : pair.bob;
            pair.town.connect(caller, called);
            ASSERT_TRUE(pair.town.run_until(
                [&] {
                    return pair.alice.connections() == round && pair.bob.connections() == round;
                },
                10s))
                << "round " << round;
            pair.town.run_for(3s);
            pair.town.disconnect(pair.alice, pair.bob);
            ASSERT_TRUE(pair.town.run_until(
                [&] { return !pair.alice.is_connected() && !pair.bob.is_connected(); }, 10s))
                << "round " << round;
            pair.town.run_for(round == 4 ? 60s : 1s);
        }
        EXPECT_EQ(pair.alice.connections() + pair.bob.connections(), 8U);
        EXPECT_EQ(talk.flaw(), "");
    }
}

TEST(Shutdown, IsSeenAsLeaving) {
    Pair pair{1};
    SCOPED_TRACE(pair.town.where());
    ASSERT_TRUE(pair.town.register_all());
    ASSERT_TRUE(pair.connect());
    pair.bob.host().mutate([&](Instant now) { pair.bob.node().shutdown(now); });
    pair.town.kill(pair.bob);
    ASSERT_TRUE(pair.town.run_until([&] { return !pair.alice.closed().empty(); }, 2s));
    EXPECT_EQ(pair.alice.closed().front().reason, node::CloseReason::kDone);
    EXPECT_EQ(pair.town.server().registered(), 1U);
}

}  // namespace
}  // namespace pinhole::lab
