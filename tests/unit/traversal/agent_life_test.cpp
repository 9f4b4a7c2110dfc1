// What happens to a pair that is already connected: idleness, failures, retries, loss, recovery.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/traversal/pair_network.hpp"

namespace pinhole::traversal {
namespace {

using test::Behavior;
using test::PairNetwork;

constexpr int kA = PairNetwork::kA;
constexpr int kB = PairNetwork::kB;

/// A pair that is direct on both sides and past the relay's warm time.
void connect(PairNetwork& net) {
    net.introduce();
    net.chat(35s);
    ASSERT_EQ(net.state(kA), PathState::kDirect);
    ASSERT_EQ(net.state(kB), PathState::kDirect);
    net.host(kA).changes.erase(net.host(kA).changes.begin(), net.host(kA).changes.end() - 1);
    net.host(kB).changes.erase(net.host(kB).changes.begin(), net.host(kB).changes.end() - 1);
}

std::function<bool(const PairNetwork::Passage&)> only_relay() {
    return [](const PairNetwork::Passage& p) { return p.is_relayed; };
}

TEST(AgentLife, KeepsTheRelayWarmAfterAnUpgradeAndThenLeavesItAlone) {
    PairNetwork net;
    net.introduce();
    net.run(2s);
    ASSERT_EQ(net.state(kA), PathState::kDirect);
    const auto relayed_since = [&](Instant from) {
        return std::ranges::count_if(net.host(kA).challenges, [&](const auto& sent) {
            return sent.first >= from && sent.second.route.is_relay();
        });
    };
    const Instant upgraded = net.now();
    net.chat(25s);
    EXPECT_GE(relayed_since(upgraded), 4);
    net.chat(10s);
    const Instant cold = net.now();
    net.chat(30s);
    EXPECT_EQ(relayed_since(cold), 0);
}

TEST(AgentLife, IdlePairDoesNotFlapAndCostsLittle) {
    PairNetwork net;
    connect(net);
    const std::size_t before = net.host(kA).datagrams_out;
    net.run(1h);
    EXPECT_EQ(net.host(kA).changes.size(), 1U);
    EXPECT_EQ(net.host(kB).changes.size(), 1U);
    EXPECT_TRUE(net.host(kA).losses.empty());
    EXPECT_LT(net.host(kA).datagrams_out - before, 900U);
    EXPECT_GE(net.host(kA).keepalives.size(), 200U);
}

TEST(AgentLife, KeepalivesAre15SecondsApartWithJitter) {
    PairNetwork net;
    connect(net);
    net.run(10min);
    const auto& sent = net.host(kA).keepalives;
    ASSERT_GE(sent.size(), 20U);
    bool varies = false;
    for (std::size_t i = 1; i < sent.size(); ++i) {
        const Duration gap = sent[i].first - sent[i - 1].first;
        EXPECT_GE(gap, kKeepaliveInterval - kKeepaliveJitter);
        varies |= i > 1 && gap != sent[1].first - sent[0].first;
    }
    EXPECT_TRUE(varies);
}

/// The longest time between two keepalives of `side` since `from`.
Duration longest_gap(PairNetwork& net, int side, Instant from) {
    Duration longest{};
    std::optional<Instant> last;
    for (const auto& [at, keepalive] : net.host(side).keepalives) {
        if (at < from) continue;
        if (last) longest = std::max(longest, at - *last);
        last = at;
    }
    return longest;
}

TEST(AgentLife, KeepalivesFollowTheLifetimeOfOurOwnMappings) {
    PairNetwork net;
    connect(net);
    net.agent(kA).set_lived(Lived{.family = Family::kV4, .time = 5s});
    net.run(5s);
    const Instant from = net.now();
    net.run(5min);
    EXPECT_LE(longest_gap(net, kA, from), 4s);
    EXPECT_GT(longest_gap(net, kB, from), 12s) << "its own NAT is another one";
    EXPECT_EQ(net.host(kA).changes.size(), 1U);
}

TEST(AgentLife, LongLivedMappingsCostFewerDatagrams) {
    PairNetwork short_lived;
    PairNetwork long_lived;
    for (const int side : {kA, kB}) {
        long_lived.agent(side).set_lived(Lived{.family = Family::kV4, .time = 110s});
    }
    std::array<std::size_t, 2> sent{};
    for (PairNetwork* net : {&short_lived, &long_lived}) {
        connect(*net);
        const std::size_t before = net->host(kA).datagrams_out;
        net->run(1h);
        sent[net == &long_lived ? 1 : 0] = net->host(kA).datagrams_out - before;
        EXPECT_EQ(net->host(kA).changes.size(), 1U);
        EXPECT_EQ(net->host(kB).changes.size(), 1U);
    }
    EXPECT_LT(sent[1] * 10, sent[0] * 9);
    EXPECT_LE(sent[1], 60U * 60 / 16) << "keepalives, and hardly a challenge beside them";
}

TEST(AgentLife, APathThatDiedInAQuietTimeAndCameBackIsRefreshedMoreOften) {
    PairNetwork net;
    connect(net);
    net.run(1min);
    net.passes = only_relay();
    net.run(40s);
    ASSERT_EQ(net.state(kA), PathState::kRelay);
    net.passes = [](const PairNetwork::Passage&) { return true; };
    net.run(100s);
    ASSERT_EQ(net.state(kA), PathState::kDirect);
    const Instant from = net.now();
    net.run(5min);
    EXPECT_LE(longest_gap(net, kA, from), 9s);
    net.agent(kA).on_network_changed(net.now());
    net.run(30s);
    const Instant elsewhere = net.now();
    net.run(5min);
    EXPECT_GT(longest_gap(net, kA, elsewhere), 12s) << "another network, another NAT";
}

TEST(AgentLife, APathThatDiedUnderTrafficTeachesNothing) {
    PairNetwork net;
    connect(net);
    net.passes = only_relay();
    net.chat(40s);
    ASSERT_EQ(net.state(kA), PathState::kRelay);
    net.passes = [](const PairNetwork::Passage&) { return true; };
    net.chat(100s);
    ASSERT_EQ(net.state(kA), PathState::kDirect);
    const Instant from = net.now();
    net.run(5min);
    EXPECT_GT(longest_gap(net, kA, from), 12s);
}

/// Challenges of `side` to direct paths since `from`.
std::ptrdiff_t direct_challenges(PairNetwork& net, int side, Instant from) {
    return std::ranges::count_if(net.host(side).challenges, [&](const auto& sent) {
        return sent.first >= from && sent.second.route.is_direct();
    });
}

TEST(AgentLife, QuestionsItsQuietPathWhenThePeerSelectsAnotherWay) {
    PairNetwork net;
    connect(net);
    net.run(1min);
    const Instant from = net.now();
    const auto says = [&](std::uint8_t id) {
        net.agent(kA).on_challenge(net.now(), Route::relay(),
                                   {.id = {std::byte{id}}, .selected = true});
        net.drain(kA);
        net.run(1s);
    };
    says(1);
    EXPECT_EQ(direct_challenges(net, kA, from), 1);
    for (std::uint8_t id = 2; id < 6; ++id) says(id);
    EXPECT_EQ(direct_challenges(net, kA, from), 1) << "the same word again is no news";
    EXPECT_TRUE(net.agent(kA).routes(net.now()).primary->is_direct()) << "its path answered";
}

TEST(AgentLife, QuestionsItsQuietPathWhenThePeerTellsItsCandidates) {
    PairNetwork net;
    connect(net);
    net.run(1min);
    const Instant from = net.now();
    for (int i = 0; i < 3; ++i) {
        net.agent(kA).add_remote_candidates(net.now(), {}, Voucher::kPeer);
        net.drain(kA);
        net.run(1s);
    }
    EXPECT_EQ(direct_challenges(net, kA, from), 1) << "once in four seconds";
}

TEST(AgentLife, FirstDataAfterIdlenessGoesOnBothRoutesUntilAnAnswer) {
    PairNetwork net;
    connect(net);
    net.run(3s);
    // So that no keepalive is heard in between.
    net.passes = [](const PairNetwork::Passage&) { return false; };
    net.run(7s);
    net.passes = [](const PairNetwork::Passage&) { return true; };
    Routes routes = net.agent(kA).routes(net.now());
    EXPECT_TRUE(routes.primary->is_direct());
    EXPECT_EQ(routes.duplicate, Route::relay());
    net.send_data(kA, 1);
    net.run(2 * net.delay);
    routes = net.agent(kA).routes(net.now());
    EXPECT_TRUE(routes.primary->is_direct());
    EXPECT_EQ(routes.duplicate, std::nullopt);
}

TEST(AgentLife, DataDuplicatesOnTheRelaySoonAfterAPathFallsSilent) {
    PairNetwork net;
    connect(net);
    net.passes = only_relay();
    net.chat(3s);
    const Routes routes = net.agent(kA).routes(net.now());
    EXPECT_TRUE(routes.primary->is_direct());
    EXPECT_EQ(routes.duplicate, Route::relay());
}

TEST(AgentLife, FallsBackToTheRelayAndSaysWhy) {
    PairNetwork net;
    connect(net);
    net.passes = only_relay();
    net.chat(10s);
    for (const int side : {kA, kB}) {
        EXPECT_EQ(net.state(side), PathState::kRelay);
        EXPECT_EQ(net.reason(side), Reason::kLostDirect);
        EXPECT_EQ(net.agent(side).routes(net.now()).primary, Route::relay());
        EXPECT_TRUE(net.host(side).losses.empty());
    }
}

TEST(AgentLife, SendsNoDataOnAPathUnheardFor30Seconds) {
    PairNetwork net;
    net.has_relay = false;
    net.introduce();
    net.chat(5s);
    ASSERT_EQ(net.state(kA), PathState::kDirect);
    const Instant silent = net.now();
    net.passes = [](const PairNetwork::Passage&) { return false; };
    net.run(29s);
    EXPECT_TRUE(net.agent(kA).routes(net.now()).primary.has_value());
    net.run(2s);
    ASSERT_GT(net.now() - silent, kConsentLifetime);
    EXPECT_EQ(net.agent(kA).routes(net.now()), Routes{});
    EXPECT_FALSE(net.send_data(kA, 1));
}

TEST(AgentLife, RetriesDirectAt5And15And30And60AndEvery60Seconds) {
    PairNetwork net;
    net.passes = only_relay();
    net.introduce();
    net.run(1s);
    // The checks begin anew with the session and end 6 s later; the ladder counts from there.
    const Instant searched = net.now() - 1s + 4 * net.delay + kChecksFor;
    net.run(200s);
    std::vector<Duration> at;
    for (const Instant trickle : net.host(kA).trickles) at.push_back(trickle - searched);
    EXPECT_EQ(at, (std::vector<Duration>{5s, 15s, 30s, 60s, 120s, 180s}));
}

TEST(AgentLife, ARetryFindsThePathThatOpenedMeanwhile) {
    PairNetwork net;
    net.passes = only_relay();
    net.introduce();
    net.chat(20s);
    ASSERT_EQ(net.state(kA), PathState::kRelay);
    net.passes = [](const PairNetwork::Passage&) { return true; };
    net.chat(70s);
    EXPECT_EQ(net.state(kA), PathState::kDirect);
    EXPECT_EQ(net.state(kB), PathState::kDirect);
}

/// The direct path of `net` breaks, and works again once both are on the relay. How long host A
/// then stayed there.
Duration time_on_relay_after_a_break(PairNetwork& net) {
    net.passes = only_relay();
    const Instant broken = net.now();
    net.chat(9s);
    EXPECT_EQ(net.state(kA), PathState::kRelay);
    const Instant failed = net.host(kA).changes.back().at;
    EXPECT_LT(failed - broken, 9s);
    net.passes = [](const PairNetwork::Passage&) { return true; };
    net.chat(90s);
    EXPECT_EQ(net.state(kA), PathState::kDirect);
    EXPECT_EQ(net.state(kB), PathState::kDirect);
    const auto& changes = net.host(kA).changes;
    const auto back = std::ranges::find_if(changes, [&](const auto& logged) {
        return logged.at > failed && logged.change.state == PathState::kDirect;
    });
    return back == changes.end() ? Duration::max() : back->at - failed;
}

TEST(AgentLife, ReturnsSoonToAPathThatFailedOnce) {
    PairNetwork net;
    connect(net);
    EXPECT_LT(time_on_relay_after_a_break(net), 10s);
}

TEST(AgentLife, BarsAPathThatFailsAgainFor30Seconds) {
    PairNetwork net;
    connect(net);
    time_on_relay_after_a_break(net);
    EXPECT_GE(time_on_relay_after_a_break(net), kFirstBar);
}

TEST(AgentLife, ABlackoutOfEverythingBarsNothing) {
    PairNetwork net;
    connect(net);
    net.passes = [](const PairNetwork::Passage&) { return false; };
    net.chat(9s);
    net.passes = [](const PairNetwork::Passage&) { return true; };
    net.chat(8s);
    EXPECT_EQ(net.state(kA), PathState::kDirect);
    EXPECT_EQ(net.state(kB), PathState::kDirect);
}

TEST(AgentLife, IsLostAfter10SecondsAndAsksUntilItRecovers) {
    PairNetwork net;
    connect(net);
    const Instant dark = net.now();
    net.passes = [](const PairNetwork::Passage&) { return false; };
    net.chat(25s);
    EXPECT_EQ(net.state(kA), PathState::kLost);
    EXPECT_EQ(net.reason(kA), Reason::kSilence);
    const auto& losses = net.host(kA).losses;
    ASSERT_GE(losses.size(), 2U);
    EXPECT_GE(losses[0] - dark, kLostAfter);
    EXPECT_LE(losses[0] - dark, kLostAfter + kChallengeInterval);
    EXPECT_GE(losses[1] - losses[0], 5s);
    EXPECT_LE(losses[1] - losses[0], 6s);
    net.passes = [](const PairNetwork::Passage&) { return true; };
    net.introduce_again();
    net.chat(5s);
    EXPECT_EQ(net.state(kA), PathState::kDirect);
    EXPECT_EQ(net.state(kB), PathState::kDirect);
    const std::size_t asked = losses.size();
    net.chat(20s);
    EXPECT_EQ(losses.size(), asked);
}

TEST(AgentLife, RecoversByItselfWithoutARelay) {
    PairNetwork net;
    net.has_relay = false;
    net.introduce();
    net.chat(5s);
    net.passes = [](const PairNetwork::Passage&) { return false; };
    net.chat(20s);
    ASSERT_EQ(net.state(kA), PathState::kLost);
    net.passes = [](const PairNetwork::Passage&) { return true; };
    net.chat(10s);
    EXPECT_EQ(net.state(kA), PathState::kDirect);
    EXPECT_EQ(net.state(kB), PathState::kDirect);
}

TEST(AgentLife, FollowsAPeerWhoseNatWasRebound) {
    PairNetwork net;
    net.host(kA).nat.filtering = Behavior::kAddressDependent;
    connect(net);
    net.rebind(kB);
    net.chat(12s);
    EXPECT_EQ(net.state(kA), PathState::kDirect);
    EXPECT_EQ(net.state(kB), PathState::kDirect);
    const auto& route = net.host(kA).changes.back().change.route;
    EXPECT_EQ(route.path().remote, net.reflexive(kB));
}

TEST(AgentLife, SaysLostWhenTheRelayGoesAndNothingElseWorks) {
    PairNetwork net;
    net.passes = only_relay();
    net.introduce();
    net.chat(10s);
    net.has_relay = false;
    for (const int side : {kA, kB}) net.agent(side).on_relay_changed(net.now(), false);
    net.chat(15s);
    EXPECT_EQ(net.state(kA), PathState::kLost);
    EXPECT_FALSE(net.host(kA).losses.empty());
}

TEST(AgentLife, ANetworkChangeChecksAgainAtOnce) {
    PairNetwork net;
    connect(net);
    const Instant changed = net.now();
    net.agent(kA).on_network_changed(net.now());
    EXPECT_EQ(net.agent(kA).routes(net.now()).duplicate, Route::relay());
    net.run(1s);
    EXPECT_EQ(net.agent(kA).routes(net.now()).duplicate, std::nullopt);
    ASSERT_FALSE(net.host(kA).trickles.empty());
    EXPECT_LT(net.host(kA).trickles.back() - changed, 1s);
    EXPECT_EQ(net.state(kA), PathState::kDirect);
}

}  // namespace
}  // namespace pinhole::traversal
