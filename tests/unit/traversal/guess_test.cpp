#include "shared/traversal/guess.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::traversal {
namespace {

using wire::Allocation;
using wire::Dependence;

constexpr wire::NatBehavior kEasy{.mapping = Dependence::kEndpointIndependent,
                                  .filtering = Dependence::kAddressAndPortDependent,
                                  .allocation = Allocation::kPreserving};
constexpr wire::NatBehavior kRandom{.mapping = Dependence::kAddressAndPortDependent,
                                    .filtering = Dependence::kAddressAndPortDependent,
                                    .allocation = Allocation::kRandom};
constexpr wire::NatBehavior kCounting{.mapping = Dependence::kAddressAndPortDependent,
                                      .filtering = Dependence::kAddressAndPortDependent,
                                      .allocation = Allocation::kSequential,
                                      .step = 1,
                                      .newest_port = 30000};

/// One side, a driver that opens what is asked for, and a clock.
struct GuessTest : testing::Test {
    pinhole::test::SeededRandom random{9};
    SprayPermit permit;
    Guess guess{random, permit};
    Instant now{100s};
    Endpoint target = *Endpoint::parse("203.0.113.7:40000");

    std::vector<Shot> shots;
    std::vector<Instant> fired_at;
    std::vector<std::uint16_t> ports_opened;
    std::vector<std::uint16_t> ports_told;
    std::size_t grants = 0;
    std::size_t measured = 0;
    std::set<SocketId> open;
    std::uint32_t next_socket = 100;
    bool answers_measurements = true;

    Guess::Terms terms(const wire::NatBehavior& ours, const wire::NatBehavior& theirs,
                       bool leads = true) const {
        return {.plan = plan_for({ours, leads}, {theirs, !leads}),
                .ours = ours,
                .theirs = theirs,
                .target = target,
                .socket = kSocketV4,
                .leads = leads};
    }

    void drain() {
        while (const auto action = guess.poll()) {
            if (const auto* shot = std::get_if<Shot>(&*action)) {
                shots.push_back(*shot);
                fired_at.push_back(now);
            } else if (const auto* opening = std::get_if<OpenSpare>(&*action)) {
                ports_opened.push_back(opening->port);
                const SocketId socket{next_socket++};
                open.insert(socket);
                guess.on_opened(now, socket, static_cast<std::uint16_t>(socket.value()));
            } else if (const auto* closing = std::get_if<CloseSpare>(&*action)) {
                open.erase(closing->socket);
            } else if (std::holds_alternative<GrantSpray>(*action)) {
                ++grants;
            } else if (const auto* told = std::get_if<TellPorts>(&*action)) {
                ports_told = told->ports;
            } else {
                ++measured;
                if (answers_measurements) guess.on_measured(now);
            }
        }
    }

    void begin(const Guess::Terms& terms) {
        guess.begin(now, terms);
        drain();
    }

    /// As if nothing had been before.
    void begin_anew(const Guess::Terms& terms) {
        guess.stop();
        guess.close_unused({});
        guess.renew();
        drain();
        shots.clear();
        now += kSprayPause;
        begin(terms);
    }

    void grant() {
        guess.on_granted(now, 2000);
        drain();
    }

    void run(Duration length) {
        const Instant end = now + length;
        while (guess.next_timeout() <= end) {
            now = std::max(now, guess.next_timeout());
            guess.handle_timeout(now);
            if (!guess.needs_sockets()) guess.close_unused({});
            drain();
        }
        now = end;
    }
};

TEST_F(GuessTest, AnOpenerOpensTheBirthdaySocketsAndThenTellsThePeerToFire) {
    begin(terms(kRandom, kEasy));
    EXPECT_EQ(open.size(), kBirthdaySockets);
    EXPECT_EQ(measured, 0U);
    run(1s);
    EXPECT_EQ(grants, 0U);
    run(1s);
    EXPECT_EQ(grants, 2U);  // and its first copy
    ASSERT_EQ(shots.size(), kBirthdaySockets);
    std::set<SocketId> used;
    for (const Shot& shot : shots) {
        EXPECT_TRUE(shot.is_opener);
        EXPECT_EQ(shot.path.remote, target);
        used.insert(shot.path.socket);
    }
    EXPECT_EQ(used, open);
}

TEST_F(GuessTest, NeverFiresFasterThan200DatagramsASecond) {
    begin(terms(kEasy, kRandom));
    grant();
    run(15s);
    ASSERT_EQ(shots.size(), kShotsMax);
    for (std::size_t i = 204; i < fired_at.size(); ++i) {
        EXPECT_GE(fired_at[i] - fired_at[i - 204], 1s);
    }
}

TEST_F(GuessTest, AProberFiresNothingBeforeItIsTold) {
    begin(terms(kEasy, kRandom));
    run(30s);
    EXPECT_TRUE(shots.empty());
    grant();
    run(1s);
    EXPECT_FALSE(shots.empty());
    EXPECT_TRUE(std::ranges::all_of(shots, [&](const Shot& shot) {
        return !shot.is_opener && shot.path.socket == kSocketV4 && shot.path.remote.ip == target.ip;
    }));
}

TEST_F(GuessTest, AProberFiresNoMoreThanItWasGranted) {
    begin(terms(kEasy, kRandom));
    guess.on_granted(now, 10);
    drain();
    run(5s);
    EXPECT_EQ(shots.size(), 10U);
}

TEST_F(GuessTest, AHitStopsTheFire) {
    begin(terms(kEasy, kRandom));
    grant();
    run(1s);
    const std::size_t before = shots.size();
    guess.on_hit(now);
    run(1s);
    EXPECT_EQ(shots.size(), before);
}

TEST_F(GuessTest, TriesTwiceTwentySecondsApartAndThenNeverAgain) {
    const Instant begun = now;
    begin(terms(kRandom, kEasy));
    run(120s);
    EXPECT_EQ(shots.size(), 2 * kBirthdaySockets);
    EXPECT_GE(fired_at[kBirthdaySockets] - begun, kSprayPause);
    EXPECT_TRUE(guess.is_over());
    begin(terms(kRandom, kEasy));
    run(120s);
    EXPECT_EQ(shots.size(), 2 * kBirthdaySockets);
}

TEST_F(GuessTest, APeerThatChangesItsMindGetsNoFurtherTries) {
    wire::NatBehavior keeps = kRandom;
    keeps.allocation = Allocation::kPreserving;
    begin(terms(kEasy, kEasy));
    for (int i = 0; i < 20; ++i) {
        for (const wire::NatBehavior& nat : {keeps, kEasy}) {
            guess.update(terms(nat, kEasy));
            guess.close_unused({});
            begin(terms(nat, kEasy));
        }
    }
    EXPECT_LE(ports_opened.size(), kSpraysMax * kPortGuessSockets);
}

TEST_F(GuessTest, HasItsTriesAgainInAnotherNetwork) {
    begin(terms(kRandom, kEasy));
    run(120s);
    guess.renew();
    begin(terms(kRandom, kEasy));
    run(5s);
    EXPECT_EQ(shots.size(), 3 * kBirthdaySockets);
}

TEST_F(GuessTest, APeerThatGivesNewHopeHasItsTriesAgainAfterAPauseOnly) {
    begin(terms(kRandom, kEasy));
    run(60s);
    ASSERT_TRUE(guess.is_over());
    guess.renew_after_pause(now);
    EXPECT_TRUE(guess.is_over());
    run(kRenewAfter);
    guess.renew_after_pause(now);
    EXPECT_FALSE(guess.is_over());
}

TEST_F(GuessTest, TwoGuessesOfOneProcessTakeTurns) {
    ASSERT_TRUE(permit.take(now));  // another pair sprays
    begin(terms(kRandom, kEasy));
    run(kSprayPause - 1s);
    EXPECT_TRUE(shots.empty());
    run(3s);
    EXPECT_FALSE(shots.empty());
}

TEST_F(GuessTest, AWindowIsMeasuredRightBeforeAndNeedsFewSockets) {
    begin(terms(kCounting, kEasy));
    run(1s);
    EXPECT_EQ(measured, 1U);
    EXPECT_EQ(open.size(), kWindowSockets);
}

TEST_F(GuessTest, AMeasurementThatNeverComesDelaysByOneSecondOnly) {
    answers_measurements = false;
    begin(terms(kCounting, kEasy));
    run(900ms);
    EXPECT_TRUE(open.empty());
    run(200ms);
    EXPECT_EQ(open.size(), kWindowSockets);
}

TEST_F(GuessTest, AProberAimsAtTheWindowThatItWasToldLast) {
    begin(terms(kEasy, kCounting));
    wire::NatBehavior moved = kCounting;
    moved.newest_port = 31000;
    guess.update(terms(kEasy, moved));
    grant();
    EXPECT_EQ(shots.front().path.remote.port, 31001);
}

TEST_F(GuessTest, WhoeverLeadsAMeetingWaitsForThePeersWord) {
    begin(terms(kCounting, kCounting));
    run(600ms);
    EXPECT_EQ(grants, 2U);
    EXPECT_TRUE(shots.empty());
    grant();
    run(5s);
    EXPECT_EQ(shots.size(), kMeetingSockets * 15);
    EXPECT_EQ(shots.front().path.remote.port, meeting_port(kCounting));
}

TEST_F(GuessTest, WhoeverFollowsMeasuresAnswersAndFires) {
    begin(terms(kCounting, kCounting, false));
    run(1s);
    EXPECT_EQ(measured, 0U);
    grant();
    EXPECT_EQ(measured, 1U);
    EXPECT_EQ(grants, 1U);
    run(3s);
    EXPECT_EQ(shots.size(), kMeetingSockets * 15);
}

TEST_F(GuessTest, ANatThatKeepsPortsNeedsThreeSocketsAndNoPermit) {
    ASSERT_TRUE(permit.take(now));
    wire::NatBehavior keeps = kRandom;
    keeps.allocation = Allocation::kPreserving;
    begin(terms(keeps, kEasy));
    EXPECT_EQ(ports_told.size(), kPortGuessSockets);
    ASSERT_EQ(shots.size(), kPortGuessSockets);
    EXPECT_EQ(shots.front().path.remote, target);
}

TEST_F(GuessTest, WhereBothKeepPortsWhoeverFollowsOpensAfterTheLeaderTold) {
    wire::NatBehavior keeps = kRandom;
    keeps.allocation = Allocation::kPreserving;
    for (const wire::NatBehavior& nat : {keeps, kEasy}) {
        ports_told.clear();
        guess.stop();
        guess.renew();
        begin(terms(nat, nat, false));
        EXPECT_TRUE(ports_told.empty());
        guess.on_told(now);
        drain();
        EXPECT_EQ(ports_told.size(), kPortGuessSockets);
        EXPECT_TRUE(shots.empty());
        EXPECT_TRUE(guess.needs_sockets());
    }
}

TEST_F(GuessTest, ANatThatKeepsPortsMeetsOneThatCountsWithASingleSocket) {
    wire::NatBehavior keeps = kRandom;
    keeps.allocation = Allocation::kPreserving;
    begin(terms(keeps, kCounting));
    EXPECT_EQ(open.size(), 1U);
    EXPECT_EQ(guess.newest_port(), open.begin()->value());
    grant();
    run(3s);
    EXPECT_EQ(shots.size(), 15U);
    EXPECT_EQ(shots.front().path.remote.port, meeting_port(kCounting));
}

/// As `kRandom`, but a new socket has one port for each address, and that is its own.
constexpr wire::NatBehavior kKeepsOnePort{.mapping = Dependence::kAddressDependent,
                                          .filtering = Dependence::kAddressAndPortDependent,
                                          .allocation = Allocation::kPreserving};

TEST_F(GuessTest, WhoKeepsOnePortTriesManyFromOneNewSocketOnceThePeerHasOpened) {
    for (const bool leads : {true, false}) {
        begin_anew(terms(kKeepsOnePort, kRandom, leads));
        run(600ms);
        EXPECT_TRUE(shots.empty());
        grant();
        ASSERT_EQ(open.size(), 1U);
        const SocketId socket = *open.begin();
        run(12s);
        ASSERT_EQ(shots.size(), kShotsMax);
        std::set<std::uint16_t> ports;
        for (const Shot& shot : shots) {
            EXPECT_TRUE(!shot.is_opener && shot.path.socket == socket);
            EXPECT_EQ(shot.path.remote.ip, target.ip);
            ports.insert(shot.path.remote.port);
        }
        EXPECT_EQ(ports.size(), shots.size());
    }
}

TEST_F(GuessTest, WhoDrawsOpensTowardsThePortThatThePeerToldAndWaitsForItsWholeFire) {
    wire::NatBehavior told = kKeepsOnePort;
    told.newest_port = 45678;
    for (const bool leads : {true, false}) {
        begin_anew(terms(kRandom, kKeepsOnePort, leads));
        run(600ms);
        guess.update(terms(kRandom, told, leads));
        grant();
        run(2s);
        ASSERT_EQ(shots.size(), kBirthdaySockets);
        EXPECT_TRUE(std::ranges::all_of(shots, [&](const Shot& shot) {
            return shot.is_opener && shot.path.remote == Endpoint{target.ip, 45678};
        }));
        run(10s);
        EXPECT_TRUE(guess.needs_sockets()) << "the peer's fire takes ten seconds";
        run(4s);
        EXPECT_FALSE(guess.needs_sockets());
    }
}

TEST_F(GuessTest, NobodyIsMetAtAPortThatWasNeverTold) {
    wire::NatBehavior keeps = kRandom;
    keeps.allocation = Allocation::kPreserving;
    begin(terms(kCounting, keeps));
    grant();
    run(3s);
    EXPECT_TRUE(shots.empty());
}

TEST_F(GuessTest, LowPortsAreBoundInTheirClass) {
    wire::NatBehavior low = kRandom;
    low.has_low_ports = true;
    begin(terms(low, low));
    EXPECT_EQ(open.size(), kLowPortSockets);
    EXPECT_TRUE(std::ranges::all_of(ports_opened, [](std::uint16_t port) {
        return kLowPortFirst <= port && port <= kLowPortLast;
    }));
    grant();
    run(10s);
    EXPECT_EQ(shots.size(), 1024U);
}

TEST_F(GuessTest, ClosesWhatNothingCameBy) {
    begin(terms(kRandom, kEasy));
    const SocketId lucky = *open.begin();
    guess.stop();
    guess.close_unused(std::vector{lucky});
    drain();
    EXPECT_EQ(open, std::set{lucky});
}

TEST_F(GuessTest, SocketsThatCannotBeOpenedAreDoneWithout) {
    guess.begin(now, terms(kRandom, kEasy));
    for (std::size_t i = 0; i < kBirthdaySockets; ++i) {
        i < 3 ? guess.on_opened(now, SocketId{500 + static_cast<std::uint32_t>(i)}, 1)
              : guess.on_failed(now);
    }
    while (const auto action = guess.poll()) {
        if (const auto* shot = std::get_if<Shot>(&*action)) shots.push_back(*shot);
    }
    EXPECT_EQ(shots.size(), 3U);
}

}  // namespace
}  // namespace pinhole::traversal
