#include "shared/traversal/consent.hpp"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::traversal {
namespace {

constexpr Duration kRtt = 40ms;
constexpr Instant kStart{100s};

Consent answered_at_start() {
    Consent consent;
    consent.on_challenge_sent(kStart);
    consent.on_answered(kStart);
    return consent;
}

TEST(Consent, DeathCountsFromTheOldestUnansweredChallenge) {
    Consent consent = answered_at_start();
    EXPECT_EQ(consent.dead_at(), kNever);
    consent.on_challenge_sent(kStart + 10s);
    consent.on_challenge_sent(kStart + 12s);
    EXPECT_FALSE(consent.is_dead(kStart + 10s + kDeadAfter - 1us));
    EXPECT_TRUE(consent.is_dead(kStart + 10s + kDeadAfter));
    consent.on_answered(kStart + 13s);
    EXPECT_FALSE(consent.is_dead(kStart + 1h));
}

TEST(Consent, HearingThePeerDoesNotAnswerAChallenge) {
    Consent consent = answered_at_start();
    consent.on_challenge_sent(kStart + 1s);
    consent.on_heard(kStart + 7s);
    EXPECT_TRUE(consent.is_dead(kStart + 1s + kDeadAfter));
}

TEST(Consent, SilenceEndsTrustAndThenConsent) {
    const Consent consent = answered_at_start();
    EXPECT_TRUE(consent.is_trusted(kStart + kDeadAfter, kRtt));
    EXPECT_FALSE(consent.is_trusted(kStart + kDeadAfter + 1us, kRtt));
    EXPECT_TRUE(consent.has_consent(kStart + kConsentLifetime - 1us));
    EXPECT_FALSE(consent.has_consent(kStart + kConsentLifetime));
    EXPECT_FALSE(consent.is_dead(kStart + 1h));
}

TEST(Consent, AnOverdueChallengeEndsTrustEarly) {
    Consent consent = answered_at_start();
    consent.on_challenge_sent(kStart + 1s);
    EXPECT_TRUE(consent.is_trusted(kStart + 1s + kSuspicionMin - 1us, kRtt));
    EXPECT_FALSE(consent.is_trusted(kStart + 1s + kSuspicionMin, kRtt));
    // A slow path has three of its round trips before it is suspected.
    EXPECT_TRUE(consent.is_trusted(kStart + 1s + kSuspicionMin, 400ms));
}

TEST(Consent, ChallengesEvery2SecondsWhileDataFlows) {
    Consent consent = answered_at_start();
    consent.on_data_sent(kStart + 100ms);
    EXPECT_EQ(consent.next_challenge(kRtt), kStart + kChallengeInterval);
}

TEST(Consent, AnIdleRouteIsChallengedOnlyAfterLongSilence) {
    Consent consent = answered_at_start();
    EXPECT_EQ(consent.next_challenge(kRtt), kStart + kQuietInterval);
    consent.on_heard(kStart + 15s);
    EXPECT_EQ(consent.next_challenge(kRtt), kStart + 15s + kQuietInterval);
    // The first data after idleness makes one due at once.
    consent.on_data_sent(kStart + 18s);
    EXPECT_LE(consent.next_challenge(kRtt), kStart + 18s);
}

TEST(Consent, RepeatsAnUnansweredChallengeFastAndAHopelessOneSlowly) {
    Consent consent = answered_at_start();
    consent.on_challenge_sent(kStart + 1s);
    EXPECT_EQ(consent.next_challenge(kRtt), kStart + 1s + kSuspicionMin);
    consent.on_challenge_sent(kStart + 20s);
    EXPECT_EQ(consent.next_challenge(kRtt), kStart + 20s + kDeadInterval);
}

TEST(Consent, DoubtEndsTrustUntilTheNextAnswer) {
    Consent consent = answered_at_start();
    consent.doubt();
    consent.on_heard(kStart + 1s);
    EXPECT_FALSE(consent.is_trusted(kStart + 1s, kRtt));
    consent.on_challenge_sent(kStart + 1s);
    consent.on_answered(kStart + 2s);
    EXPECT_TRUE(consent.is_trusted(kStart + 2s, kRtt));
}

TEST(Consent, KeepaliveWaitsForQuietAndVariesBy20Percent) {
    pinhole::test::SeededRandom random{3};
    Consent consent = answered_at_start();
    consent.on_sent(kStart + 5s);
    EXPECT_EQ(consent.next_keepalive({}), kStart + 5s + kKeepaliveInterval);
    Duration least = 1h;
    Duration most{};
    for (int i = 0; i < 500; ++i) {
        consent.on_keepalive_sent(kStart, random);
        least = std::min(least, consent.next_keepalive({}) - kStart);
        most = std::max(most, consent.next_keepalive({}) - kStart);
    }
    EXPECT_GE(least, 12s);
    EXPECT_LE(most, 18s);
    EXPECT_GT(most - least, 5s);
    const Duration fast = consent.next_keepalive({.shortest = 3s, .longest = 4s}) - kStart;
    EXPECT_TRUE(fast >= 3s && fast <= 4s) << "another pace holds at once";
}

TEST(Consent, ALongSilenceBeforeTheOpenChallengeMeansThatTheRouteWasIdle) {
    Consent busy = answered_at_start();
    busy.on_challenge_sent(kStart + 2s);
    EXPECT_FALSE(busy.is_silent_from_idleness());
    Consent idle = answered_at_start();
    EXPECT_FALSE(idle.is_silent_from_idleness());
    idle.on_challenge_sent(kStart + kQuietInterval);
    EXPECT_TRUE(idle.is_silent_from_idleness());
}

TEST(Consent, IsBusyBesideASpareForAWhileAfterData) {
    Consent spare = answered_at_start();
    Consent selected = answered_at_start();
    EXPECT_FALSE(selected.is_busy_beside(spare));
    selected.on_data_sent(kStart + 1s);
    EXPECT_TRUE(selected.is_busy_beside(spare));
    spare.on_challenge_sent(kStart + 30s);
    EXPECT_TRUE(selected.is_busy_beside(spare));
    spare.on_challenge_sent(kStart + 40s);
    EXPECT_FALSE(selected.is_busy_beside(spare));
}

}  // namespace
}  // namespace pinhole::traversal
