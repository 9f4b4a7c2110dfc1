#include <gtest/gtest.h>

#include "tests/unit/traversal/pair_network.hpp"

namespace pinhole::traversal {
namespace {

using test::Behavior;
using test::PairNetwork;

constexpr int kA = PairNetwork::kA;
constexpr int kB = PairNetwork::kB;

TEST(AgentPair, UpgradesFromRelayToDirect) {
    PairNetwork net;
    net.introduce();
    net.run(3s);
    EXPECT_EQ(net.state(kA), PathState::kDirect);
    EXPECT_EQ(net.state(kB), PathState::kDirect);
    EXPECT_EQ(net.reason(kA), Reason::kSelected);
    EXPECT_EQ(net.agent(kA).rtt(), 2 * net.delay);
    // Direct within 10 one-way delays: 4d to message 2, 3 round trips, and the peer's word.
    for (const int side : {kA, kB}) {
        EXPECT_LE(net.host(side).changes.back().at - Instant{1s}, 16 * net.delay) << side;
    }
}

TEST(AgentPair, CarriesDataFromTheFirstMessage2On) {
    PairNetwork net;
    net.introduce();
    net.run(2 * net.delay + 1ms);
    ASSERT_TRUE(net.send_data(kA, 7));
    const Routes routes = net.agent(kA).routes(net.now());
    EXPECT_TRUE(routes.primary->is_direct());
    EXPECT_EQ(routes.duplicate, Route::relay());
    net.run(net.delay);
    EXPECT_TRUE(net.host(kB).received.contains(7));
}

TEST(AgentPair, OpensAtLowTtlBeforeAnythingElse) {
    PairNetwork net;
    net.introduce();
    net.run(1ms);
    const auto& openers = net.host(kB).openers;
    ASSERT_GE(openers.size(), 3U);
    EXPECT_EQ(openers[0].second.ttl, kOpenerTtl);
    EXPECT_EQ(openers[1].second.ttl, kOpenerTtl);
    EXPECT_EQ(openers[2].second.ttl, std::nullopt);
}

TEST(AgentPair, NeverSelectsAOneWayPath) {
    PairNetwork net;
    // Nothing of B's arrives directly; A's datagrams do.
    net.passes = [](const PairNetwork::Passage& p) { return p.is_relayed || p.from == kA; };
    net.introduce();
    net.chat(20s);
    for (const int side : {kA, kB}) {
        EXPECT_EQ(net.state(side), PathState::kRelay);
        EXPECT_EQ(net.reason(side), Reason::kNoAnswer);
        EXPECT_EQ(net.agent(side).routes(net.now()).primary, Route::relay());
    }
}

TEST(AgentPair, StaysOnTheRelayWhenOnlySmallDatagramsPass) {
    PairNetwork net;
    net.passes = [](const PairNetwork::Passage& p) { return p.is_relayed || p.size < 1000; };
    net.introduce();
    net.chat(20s);
    EXPECT_EQ(net.state(kA), PathState::kRelay);
    EXPECT_EQ(net.reason(kA), Reason::kSmallOnly);
    for (const auto& logged : net.host(kA).changes) {
        EXPECT_NE(logged.change.state, PathState::kDirect);
    }
}

TEST(AgentPair, SaysOneWayUntilThePeerSelectsToo) {
    PairNetwork net;
    // B's data-sized challenges do not pass, so B never selects; A does.
    net.passes = [](const PairNetwork::Passage& p) {
        return p.is_relayed || p.from == kA || p.size < 1000;
    };
    net.introduce();
    net.chat(3s);
    EXPECT_EQ(net.state(kA), PathState::kRelayOneWay);
    EXPECT_EQ(net.reason(kA), Reason::kTheyAreNotYet);
    EXPECT_EQ(net.state(kB), PathState::kRelayOneWay);
    EXPECT_EQ(net.reason(kB), Reason::kWeAreNotYet);
}

TEST(AgentPair, SaysWhyItIsRelayedOnlyAfterTheChecks) {
    PairNetwork net;
    net.host(kA).nat.mapping = net.host(kB).nat.mapping = Behavior::kPortDependent;
    net.introduce();
    net.run(3s);
    EXPECT_EQ(net.reason(kA), Reason::kChecking);
    net.run(5s);
    EXPECT_EQ(net.state(kA), PathState::kRelay);
    EXPECT_EQ(net.reason(kA), Reason::kNoAnswer);
    EXPECT_EQ(net.reason(kB), Reason::kNoAnswer);
}

// Every pair that needs no guessing: an endpoint-independent mapping on one side, and a filter that
// lets the other side's unknown port in, or two endpoint-independent mappings.
struct Profiles {
    test::NatProfile a;
    test::NatProfile b;
};

class EasyPair : public testing::TestWithParam<Profiles> {};

TEST_P(EasyPair, GoesDirect) {
    PairNetwork net;
    net.host(kA).nat = GetParam().a;
    net.host(kB).nat = GetParam().b;
    net.introduce();
    net.chat(4s);
    EXPECT_EQ(net.state(kA), PathState::kDirect);
    EXPECT_EQ(net.state(kB), PathState::kDirect);
}

constexpr auto kI = Behavior::kIndependent;
constexpr auto kAd = Behavior::kAddressDependent;
constexpr auto kPd = Behavior::kPortDependent;

INSTANTIATE_TEST_SUITE_P(
    Matrix, EasyPair,
    testing::Values(Profiles{{kI, kI}, {kI, kPd}}, Profiles{{kI, kPd}, {kI, kPd}},
                    Profiles{{kI, kI}, {kPd, kPd}}, Profiles{{kPd, kPd}, {kI, kI}},
                    Profiles{{kI, kAd}, {kPd, kPd}}, Profiles{{kPd, kPd}, {kI, kAd}},
                    Profiles{{kI, kAd}, {kAd, kAd}}, Profiles{{kPd, kI}, {kI, kI}},
                    Profiles{{kPd, kI}, {kPd, kI}}));

TEST(AgentPair, ListenerStaysSilentUntilItHears) {
    PairNetwork net;
    net.has_relay = false;
    // Nothing of A's arrives, so the listener never hears anything.
    net.passes = [](const PairNetwork::Passage& p) { return p.from != kA; };
    net.introduce(wire::Technique::kNone, wire::Technique::kListen);
    net.run(10s);
    EXPECT_EQ(net.host(kB).datagrams_out, 0U);
}

TEST(AgentPair, ListenerAnswersTheObservedSource) {
    // The listener's own first datagram would open a port that A's filter does not expect.
    for (const auto technique : {wire::Technique::kListen, wire::Technique::kNone}) {
        PairNetwork net;
        net.host(kA).nat = {Behavior::kIndependent, Behavior::kPortDependent};
        net.host(kB).nat = {Behavior::kPortDependent, Behavior::kIndependent};
        net.introduce(wire::Technique::kNone, technique);
        net.chat(4s);
        const bool listens = technique == wire::Technique::kListen;
        EXPECT_EQ(net.state(kA), listens ? PathState::kDirect : PathState::kRelay);
        EXPECT_EQ(net.state(kB), listens ? PathState::kDirect : PathState::kRelay);
    }
}

TEST(AgentPair, PrefersTheCommonNetwork) {
    PairNetwork net;
    net.shares_host_candidates = true;
    net.introduce();
    net.chat(30s);
    const auto& change = net.host(kA).changes.back().change;
    EXPECT_EQ(change.state, PathState::kDirect);
    EXPECT_EQ(change.route.path().remote, net.host(kB).inside);
}

TEST(AgentPair, WorksWithoutARelay) {
    PairNetwork net;
    net.has_relay = false;
    net.introduce();
    net.chat(3s);
    EXPECT_EQ(net.state(kA), PathState::kDirect);
    EXPECT_EQ(net.state(kB), PathState::kDirect);
}

// What a process proved of its sockets is over with it, however fresh the proof is.
TEST(AgentPair, NothingOfAFormerProcessOfThePeerIsUsed) {
    PairNetwork net;
    net.introduce();
    net.run(3s);
    ASSERT_EQ(net.state(kA), PathState::kDirect);
    const Path old = net.agent(kA).routes(net.now()).primary->path();
    bool is_gone = true;
    net.passes = [&](const PairNetwork::Passage& p) { return p.is_relayed || !is_gone; };
    net.agent(kA).on_peer_restarted();
    net.agent(kA).on_established(net.now(), Route::relay());
    net.drain(kA);
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(net.agent(kA).routes(net.now()).primary->is_relay()) << i;
        net.run(100ms);
    }
    // It is only to be proven anew.
    is_gone = false;
    net.introduce_again();
    net.run(3s);
    ASSERT_EQ(net.state(kA), PathState::kDirect);
    EXPECT_EQ(net.agent(kA).routes(net.now()).primary->path(), old);
}

}  // namespace
}  // namespace pinhole::traversal
