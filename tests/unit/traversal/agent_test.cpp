// One agent by itself: what it sends, to whom, how much, and what it refuses.
#include "shared/traversal/agent.hpp"

#include <map>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::traversal {
namespace {

const Endpoint kPeer = *Endpoint::parse("198.51.100.2:7000");
const Path kPeerPath{kSocketV4, kPeer};
constexpr auto kHard = wire::Dependence::kAddressAndPortDependent;
constexpr auto kEasy = wire::Dependence::kEndpointIndependent;

wire::CandidateList list_of(std::initializer_list<const char*> endpoints) {
    wire::CandidateList list;
    for (const char* text : endpoints) {
        EXPECT_TRUE(list.push_back(
            {.type = wire::CandidateType::kServerReflexive, .endpoint = *Endpoint::parse(text)}));
    }
    return list;
}

struct AgentTest : testing::Test {
    pinhole::test::SeededRandom random{5};
    Sizes sizes{};
    SprayPermit permit;
    Agent agent{random, permit, sizes};
    Instant now{1s};
    std::map<IpAddress, std::size_t> started;
    /// Of every change of the path that was told.
    std::vector<Reason> reasons;
    /// By the last of them.
    unsigned guesses = 0;

    AgentTest() { agent.set_local(now, {.v4 = kSocketV4, .v6 = kSocketV6}, {}); }

    void introduce(const wire::CandidateList& remote, bool initiates, Duration fire_in = {},
                   wire::Technique technique = wire::Technique::kNone) {
        agent.on_introduction(now, {.role = initiates ? Role::kAsker : Role::kAnswerer,
                                    .technique = technique,
                                    .fire_in = fire_in,
                                    .remote = remote,
                                    .initiates_handshake = initiates,
                                    .has_relay = true});
    }

    std::vector<Action> actions() {
        std::vector<Action> all;
        while (auto action = agent.poll_action()) all.push_back(*action);
        for (const Action& action : all) {
            if (const auto* changed = std::get_if<PathChanged>(&action)) {
                reasons.push_back(changed->reason);
                guesses = changed->guesses;
            } else if (const auto* opener = std::get_if<SendOpener>(&action)) {
                started[opener->path.remote.ip] += sizes.opener;
            } else if (const auto* handshake = std::get_if<SendHandshake>(&action)) {
                started[handshake->path.remote.ip] += sizes.handshake;
            } else if (const auto* challenge = std::get_if<SendChallenge>(&action)) {
                if (challenge->route.is_relay()) continue;
                started[challenge->route.path().remote.ip] +=
                    sizes.challenge + challenge->challenge.padding;
            }
        }
        return all;
    }

    std::vector<Action> run(Duration length) {
        std::vector<Action> all = actions();
        const Instant end = now + length;
        while (agent.next_timeout() <= end) {
            now = std::max(now, agent.next_timeout());
            agent.handle_timeout(now);
            for (Action& action : actions()) all.push_back(std::move(action));
        }
        now = end;
        return all;
    }

    /// The relay answers every challenge, so the pair does not count as lost.
    void run_with_relay(int seconds) {
        for (int i = 0; i < seconds; ++i) {
            for (const auto& sent : only<SendChallenge>(run(1s))) {
                if (!sent.route.is_relay()) continue;
                agent.on_response(now, Route::relay(), {sent.challenge.id});
            }
        }
    }

    template <class What>
    static std::vector<What> only(const std::vector<Action>& all) {
        std::vector<What> found;
        for (const Action& action : all) {
            if (const auto* what = std::get_if<What>(&action)) found.push_back(*what);
        }
        return found;
    }
};

TEST_F(AgentTest, SendsAllLowTtlOpenersBeforeTheFirstRoundGoesToAllBackToBack) {
    introduce(list_of({"198.51.100.2:7000", "198.51.100.3:7000", "10.0.0.9:7000"}), true);
    const auto all = actions();
    ASSERT_EQ(all.size(), 7U);
    for (std::size_t i = 0; i < 4; ++i) {
        ASSERT_TRUE(std::holds_alternative<SendOpener>(all[i])) << i;
        EXPECT_EQ(std::get<SendOpener>(all[i]).ttl, kOpenerTtl);
        EXPECT_EQ(std::get<SendOpener>(all[i]).path.remote.ip.scope(), Scope::kPublic);
    }
    EXPECT_EQ(only<SendHandshake>(all).size(), 3U);
}

TEST_F(AgentTest, FiresFullTtlDatagramsNotBeforeFireIn) {
    introduce(list_of({"198.51.100.2:7000"}), false, 120ms);
    for (const Action& action : run(120ms - 1us)) {
        EXPECT_EQ(std::get<SendOpener>(action).ttl, kOpenerTtl);
    }
    const auto fired = only<SendOpener>(run(1us));
    ASSERT_EQ(fired.size(), 1U);
    EXPECT_EQ(fired[0].ttl, std::nullopt);
}

TEST_F(AgentTest, CapsFireIn) {
    introduce(list_of({"198.51.100.2:7000"}), true, 1h);
    EXPECT_EQ(only<SendHandshake>(run(500ms)).size(), 1U);
}

TEST_F(AgentTest, SpendsAtMost5KilobytesPerIntroductionAndAddress) {
    // Eight ports of one address, and a session that is established over the relay meanwhile.
    wire::CandidateList remote;
    for (std::uint16_t port = 7000; port < 7008; ++port) {
        ASSERT_TRUE(remote.push_back({.endpoint = {kPeer.ip, port}}));
    }
    introduce(remote, true);
    run(300ms);
    EXPECT_LE(started[kPeer.ip], kBudgetPerIntroduction - kBudgetForChallenges);
    agent.on_established(now, Route::relay());
    // The retries come later and have an allowance of their own.
    run(6s);
    EXPECT_LE(started[kPeer.ip], kBudgetPerIntroduction);
    EXPECT_GT(started[kPeer.ip], kBudgetPerIntroduction - kBudgetForChallenges);
}

TEST_F(AgentTest, EachRetrySpendsAtMost1Kilobyte) {
    wire::CandidateList remote;
    for (std::uint16_t port = 7000; port < 7008; ++port) {
        ASSERT_TRUE(remote.push_back({.endpoint = {kPeer.ip, port}}));
    }
    introduce(remote, false);
    agent.on_established(now, Route::relay());
    run_with_relay(6);
    ASSERT_LE(started[kPeer.ip], kBudgetPerIntroduction);
    run_with_relay(304);
    constexpr std::size_t kRetries = 7;  // 5, 15, 30, 60, 120, 180, 240 s after the checks ended
    EXPECT_LE(started[kPeer.ip], kBudgetPerIntroduction + kRetries * kBudgetOnTrust);
    EXPECT_GT(started[kPeer.ip], kBudgetPerIntroduction);
}

TEST_F(AgentTest, ChallengesAnUnknownSourceInsteadOfSendingThere) {
    introduce({}, false);
    agent.on_established(now, Route::relay());
    run(1s);
    agent.on_authenticated(now, Route::direct(kPeerPath));
    const auto challenges = only<SendChallenge>(actions());
    ASSERT_EQ(challenges.size(), 1U);
    EXPECT_EQ(challenges[0].route, Route::direct(kPeerPath));
    EXPECT_EQ(challenges[0].challenge.padding, 0);
    EXPECT_EQ(agent.routes(now), (Routes{Route::relay(), {}}));
}

TEST_F(AgentTest, AnswersAnOpenerFromAnUnknownPortWithMessage1) {
    introduce(list_of({"198.51.100.2:7000"}), true);
    static_cast<void>(actions());
    const Path observed{kSocketV4, {kPeer.ip, 9999}};
    agent.on_opener(now, observed);
    const auto copies = only<SendHandshake>(actions());
    ASSERT_EQ(copies.size(), 1U);
    EXPECT_EQ(copies[0].path, observed);
}

TEST_F(AgentTest, Message2FromAPathThatCarriedNoMessage1IsOnlyAHint) {
    introduce({}, true);
    agent.on_handshake_heard(now, Route::direct(kPeerPath), true);
    agent.on_established(now, Route::relay());
    EXPECT_EQ(agent.routes(now), (Routes{Route::relay(), {}}));
}

TEST_F(AgentTest, AnswersEachChallengeOnceWhereItCameFrom) {
    introduce(list_of({"198.51.100.2:7000"}), false);
    agent.on_established(now, Route::relay());
    run(10s);
    const Path observed{kSocketV4, {kPeer.ip, 9999}};
    agent.on_challenge(now, Route::direct(observed), {.id = {std::byte{1}}, .padding = 1192});
    agent.on_challenge(now, Route::relay(), {.id = {std::byte{2}}});
    const auto responses = only<SendResponse>(actions());
    ASSERT_EQ(responses.size(), 2U);
    EXPECT_EQ(responses[0].route, Route::direct(observed));
    EXPECT_EQ(responses[0].response.id, (wire::ChallengeId{std::byte{1}}));
    EXPECT_TRUE(responses[1].route.is_relay());
}

TEST_F(AgentTest, PadsOnlyChallengesToAVerifiedPath) {
    introduce(list_of({"198.51.100.2:7000"}), false);
    agent.on_established(now, Route::relay());
    const auto sent = only<SendChallenge>(run(10ms));
    ASSERT_FALSE(sent.empty());
    for (const auto& challenge : sent) EXPECT_EQ(challenge.challenge.padding, 0);
    for (const auto& challenge : sent) {
        if (challenge.route.is_direct()) {
            agent.on_response(now, challenge.route, {challenge.challenge.id});
        }
    }
    const auto next = only<SendChallenge>(actions());
    ASSERT_EQ(next.size(), 1U);
    EXPECT_EQ(sizes.challenge + next[0].challenge.padding, kUdpPayloadMax);
}

TEST_F(AgentTest, ValidatesThePathTheChallengeWentToNotTheOneTheResponseCameBy) {
    introduce(list_of({"198.51.100.2:7000"}), false);
    agent.on_established(now, Route::relay());
    const Route elsewhere = Route::direct({kSocketV4, {kPeer.ip, 9999}});
    for (int i = 0; i < 3; ++i) {
        for (const auto& sent : only<SendChallenge>(run(10ms))) {
            if (sent.route == Route::direct(kPeerPath)) {
                agent.on_response(now, elsewhere, {sent.challenge.id});
            }
        }
    }
    static_cast<void>(actions());
    EXPECT_EQ(agent.routes(now).primary, Route::direct(kPeerPath));
    EXPECT_EQ(agent.routes(now).duplicate, std::nullopt);
}

TEST_F(AgentTest, AResponseOverTheRelayValidatesNoPath) {
    introduce(list_of({"198.51.100.2:7000"}), false);
    agent.on_established(now, Route::relay());
    for (const auto& sent : only<SendChallenge>(run(1s))) {
        agent.on_response(now, Route::relay(), {sent.challenge.id});
    }
    EXPECT_EQ(agent.routes(now), (Routes{Route::relay(), {}}));
}

TEST_F(AgentTest, SaysThatThereIsNothingToCheckOnceThePeerSaidNoBetterReason) {
    introduce({}, false);
    agent.on_established(now, Route::relay());
    auto changes = only<PathChanged>(actions());
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].state, PathState::kRelay);
    EXPECT_EQ(changes[0].reason, Reason::kChecking);
    agent.on_nat_behavior(now, {});
    changes = only<PathChanged>(actions());
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].reason, Reason::kNoCandidates);
}

TEST_F(AgentTest, SaysThatThereIsNothingToCheckToAPeerThatNeverTellsOfItsNetwork) {
    introduce({}, false);
    agent.on_established(now, Route::relay());
    run_with_relay(1 + static_cast<int>(kChecksFor / 1s));
    EXPECT_EQ(reasons.back(), Reason::kNoCandidates);
}

TEST_F(AgentTest, TellsThePeerThatUdpIsBlockedHereAndThatItIsNoMore) {
    introduce({}, false);
    agent.set_udp_blocked(now, true);
    EXPECT_TRUE(only<TellNatBehavior>(actions()).empty()) << "there is no session yet";
    agent.on_established(now, Route::relay());
    auto told = only<TellNatBehavior>(actions());
    ASSERT_EQ(told.size(), 1U);
    EXPECT_TRUE(told[0].frame.behavior.is_udp_blocked);
    agent.set_udp_blocked(now, false);
    told = only<TellNatBehavior>(actions());
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].frame, wire::NatBehaviorFrame{});
    agent.set_udp_blocked(now, false);
    EXPECT_TRUE(only<TellNatBehavior>(actions()).empty());
}

TEST_F(AgentTest, SaysThatThePeersNetworkBlocksUdpAsLongAsThePeerSaysSo) {
    introduce({}, false);
    agent.on_established(now, Route::relay());
    static_cast<void>(actions());
    agent.on_nat_behavior(now, {.behavior = {.is_udp_blocked = true}});
    static_cast<void>(actions());
    EXPECT_EQ(reasons.back(), Reason::kPeerUdpBlocked);
    EXPECT_EQ(agent.plan()->obstacle, Reason::kPeerUdpBlocked);
    agent.on_nat_behavior(now, {});
    static_cast<void>(actions());
    EXPECT_EQ(reasons.back(), Reason::kNoCandidates);
}

TEST_F(AgentTest, OpensNothingTowardsAPortThatCannotBe) {
    const wire::NatBehavior easy{.mapping = kEasy, .filtering = kHard};
    introduce(list_of({"198.51.100.2:7000"}), false);
    agent.set_nat(now, {.behavior = {.mapping = kHard, .filtering = kHard}}, false);
    agent.on_established(now, Route::relay());
    agent.on_nat_behavior(now, {.behavior = easy, .external = Endpoint{kPeer.ip, 0}});
    EXPECT_TRUE(only<OpenSpare>(run(5s)).empty());
    agent.on_nat_behavior(now, {.behavior = easy, .external = kPeer});
    EXPECT_EQ(only<OpenSpare>(actions()).size(), kBirthdaySockets);
}

TEST_F(AgentTest, TakesUpPortsThatWereToldBeforeItsOwnTurnToGuess) {
    const OurNat keeps{.behavior = {.mapping = kHard,
                                    .filtering = kHard,
                                    .allocation = wire::Allocation::kPreserving},
                       .external = Endpoint::parse("203.0.113.5:5000")};
    introduce(list_of({"198.51.100.2:7000"}), false);
    agent.set_nat(now, keeps, false);
    agent.on_nat_behavior(now, {.behavior = keeps.behavior, .external = kPeer});
    agent.on_established(now, Route::relay());
    static_cast<void>(run(kChecksBeforeGuess - 1ms));
    wire::CandidateList told = list_of({"198.51.100.2:7001"});
    told[0].type = wire::CandidateType::kPredicted;
    agent.add_remote_candidates(now, told, Voucher::kPeer);
    EXPECT_TRUE(only<OpenSpare>(actions()).empty());
    EXPECT_EQ(only<OpenSpare>(run(1ms)).size(), kPortGuessSockets);
}

TEST_F(AgentTest, SaysHowManyGuessesItTook) {
    introduce(list_of({"198.51.100.2:7000"}), false);
    agent.set_nat(now, {.behavior = {.mapping = kHard, .filtering = kHard}}, false);
    agent.on_nat_behavior(now,
                          {.behavior = {.mapping = kEasy, .filtering = kHard}, .external = kPeer});
    agent.on_established(now, Route::relay());
    EXPECT_EQ(guesses, 0U);
    run_with_relay(10);
    EXPECT_EQ(reasons.back(), Reason::kGuessing);
    EXPECT_EQ(guesses, 1U);
    run_with_relay(60);
    EXPECT_EQ(reasons.back(), Reason::kGuessFailed);
    EXPECT_EQ(guesses, kSpraysMax);
}

TEST_F(AgentTest, TellsThePeerAboutANewCandidateAtOnce) {
    introduce({}, false);
    agent.on_established(now, Route::relay());
    static_cast<void>(actions());
    agent.set_local(now, {.v4 = kSocketV4}, list_of({"203.0.113.5:5000"}));
    EXPECT_EQ(only<TrickleCandidates>(actions()).size(), 1U);
    agent.set_local(now, {.v4 = kSocketV4}, list_of({"203.0.113.5:5000"}));
    EXPECT_TRUE(only<TrickleCandidates>(run(2s)).empty());
}

TEST_F(AgentTest, AFloodOfSourcesIsBounded) {
    introduce({}, false);
    agent.on_established(now, Route::relay());
    static_cast<void>(actions());
    for (std::uint32_t i = 0; i < 5000; ++i) {
        const Endpoint source{IpAddress::v4(0x0B000000 + i), 7000};
        agent.on_challenge(now, Route::direct({kSocketV4, source}), {});
        static_cast<void>(actions());
    }
    std::size_t bytes = 0;
    run(6s);
    for (const auto& [ip, spent] : started) bytes += spent;
    EXPECT_LE(started.size(), kPairsMax);
    EXPECT_LE(bytes, kPairsMax * kBudgetOnTrust);
}

TEST_F(AgentTest, CountsActionsThatNobodyTook) {
    introduce({}, false);
    agent.on_established(now, Route::relay());
    for (int i = 0; i < 1000; ++i) agent.on_challenge(now, Route::relay(), {});
    EXPECT_GT(agent.dropped_actions(), 400U);
}

TEST_F(AgentTest, CountsDataByTheRouteItTook) {
    introduce({}, false);
    agent.on_established(now, Route::relay());
    agent.on_data_sent(now, 700);
    EXPECT_EQ(agent.relayed_data(), (Traffic{1, 700}));
    EXPECT_EQ(agent.direct_data(), Traffic{});
}

TEST_F(AgentTest, HasNoRouteBeforeTheSessionLives) {
    introduce(list_of({"198.51.100.2:7000"}), true);
    EXPECT_EQ(agent.routes(now), Routes{});
}

TEST_F(AgentTest, TakesAnAnswerOfAPathThatWasForgottenAndNamedAnew) {
    // A listener checks no candidate by itself, but it may still owe an answer from before.
    introduce({}, false, {}, wire::Technique::kListen);
    agent.on_established(now, Route::relay());
    const Path a{kSocketV4, *Endpoint::parse("198.51.100.2:7000")};
    const Path b{kSocketV4, *Endpoint::parse("198.51.100.2:7001")};
    agent.on_authenticated(now, Route::direct(a));
    const auto sent = only<SendChallenge>(run(100ms));
    const auto asked = std::ranges::find(sent, Route::direct(a), &SendChallenge::route);
    ASSERT_NE(asked, sent.end());
    introduce(list_of({"198.51.100.2:7000"}), false, {}, wire::Technique::kListen);
    agent.on_response(now, Route::direct(b), {asked->challenge.id});
    EXPECT_EQ(agent.routes(now).primary, Route::direct(a));
}

}  // namespace
}  // namespace pinhole::traversal
