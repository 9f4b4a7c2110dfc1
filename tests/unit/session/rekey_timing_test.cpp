// When a rekey begins, is repeated, is proved and is given up.
#include "tests/unit/session/session_pair.hpp"

namespace pinhole::session {
namespace {

using test::Datagrams;
using test::kStart;
using test::PeerPair;

using PeerEnd = test::End<PeerSession>;

void start_rekey(PeerPair& pair, Instant now = kStart) {
    pair.small.session().start_rekey(now, pair.small.allocate(), pair.random);
}

/// Message 1 arrives and its answer comes back; the proof has not left yet.
void exchange_messages(PeerPair& pair) {
    start_rekey(pair);
    for (const auto& datagram : pair.small.poll(kStart)) {
        expect_taken(pair.large, kStart, datagram);
    }
    for (const auto& datagram : pair.large.poll(kStart)) {
        expect_taken(pair.small, kStart, datagram);
    }
    ASSERT_EQ(pair.small.session().epoch_number(), 1U);
    ASSERT_EQ(pair.large.session().epoch_number(), 0U);
}

TEST(RekeyTiming, ABusyEpochIsReplacedAfterTwoMinutes) {
    PeerPair pair{1};
    pair.small.session().on_data_sent();
    EXPECT_FALSE(pair.small.session().wants_rekey(kStart + 120s - 1us));
    EXPECT_TRUE(pair.small.session().wants_rekey(kStart + 120s));
}

TEST(RekeyTiming, AnIdleEpochIsReplacedAfterAnHour) {
    PeerPair pair{2};
    EXPECT_FALSE(pair.small.session().wants_rekey(kStart + 1h - 1us));
    EXPECT_TRUE(pair.small.session().wants_rekey(kStart + 1h));
}

TEST(RekeyTiming, DataCountsForItsOwnEpochOnly) {
    PeerPair pair{3};
    pair.small.session().on_data_sent();
    pair.large.session().on_data_sent();
    pair.rekey(kStart + 120s);
    EXPECT_FALSE(pair.small.session().wants_rekey(kStart + 120s + 1h - 1us));
    EXPECT_FALSE(pair.large.session().wants_rekey(kStart + 120s + 1h - 1us));
    EXPECT_TRUE(pair.large.session().wants_rekey(kStart + 120s + 1h));
}

TEST(RekeyTiming, ManyMessagesReplaceAnEpochAtBothEnds) {
    PeerPair pair{4, {.messages = 8}};
    for (int i = 0; i < 7; ++i) {
        expect_text(pair.large, kStart, pair.small.seal("x"), "x");
    }
    EXPECT_FALSE(pair.small.session().wants_rekey(kStart));
    EXPECT_FALSE(pair.large.session().wants_rekey(kStart));
    expect_text(pair.large, kStart, pair.small.seal("x"), "x");
    EXPECT_TRUE(pair.small.session().wants_rekey(kStart));
    // Who only listens begins too: the sender may be a server, which cannot.
    EXPECT_TRUE(pair.large.session().wants_rekey(kStart));
    EXPECT_EQ(pair.large.session().next_timeout(), kStart);
}

TEST(RekeyTiming, Message1IsRepeatedEverySecondByteForByte) {
    PeerPair pair{5};
    start_rekey(pair);
    const Datagrams first = pair.small.poll_frames();
    ASSERT_EQ(first.size(), 1U);
    for (int second = 1; second < 15; ++second) {
        const Instant due = kStart + 1s * second;
        EXPECT_EQ(pair.small.session().next_timeout(), due);
        pair.small.handle_timeout(due - 1us);
        EXPECT_TRUE(pair.small.poll_frames().empty());
        pair.small.handle_timeout(due);
        EXPECT_EQ(pair.small.poll_frames(), first);
    }
}

TEST(RekeyTiming, ARekeyUnansweredThreeTimesFiveSecondsHasFailed) {
    PeerPair pair{6};
    start_rekey(pair);
    for (Instant now = kStart; now < kStart + 15s; now += 100ms) {
        pair.small.handle_timeout(now);
        ASSERT_FALSE(pair.small.session().take_rekey_failed());
    }
    EXPECT_EQ(pair.small.indices_in_use(), 2U);
    pair.small.handle_timeout(kStart + 15s);
    EXPECT_TRUE(pair.small.session().take_rekey_failed());
    EXPECT_FALSE(pair.small.session().take_rekey_failed());
    EXPECT_EQ(pair.small.indices_in_use(), 1U);
}

TEST(RekeyTiming, AfterAFailureTheNextRekeyWaitsFiveSeconds) {
    PeerPair pair{7, {.busy = 1s, .idle = 1s}};
    start_rekey(pair, kStart + 1s);
    pair.small.handle_timeout(kStart + 16s);
    ASSERT_TRUE(pair.small.session().take_rekey_failed());
    EXPECT_FALSE(pair.small.session().wants_rekey(kStart + 21s - 1us));
    EXPECT_TRUE(pair.small.session().wants_rekey(kStart + 21s));
    pair.settle(kStart + 21s);
    EXPECT_EQ(pair.small.session().epoch_number(), 1U);
    EXPECT_EQ(pair.large.session().epoch_number(), 1U);
}

TEST(RekeyTiming, ALostMessage1IsMadeGoodByItsRepeat) {
    PeerPair pair{8};
    start_rekey(pair);
    ASSERT_EQ(pair.small.poll(kStart).size(), 1U);  // lost
    pair.settle(kStart + 1s);
    EXPECT_EQ(pair.small.session().epoch_number(), 1U);
    EXPECT_EQ(pair.large.session().epoch_number(), 1U);
}

TEST(RekeyTiming, ALostMessage2IsMadeGoodByItsRepeat) {
    PeerPair pair{9};
    start_rekey(pair);
    for (const auto& datagram : pair.small.poll(kStart)) {
        expect_taken(pair.large, kStart, datagram);
    }
    ASSERT_EQ(pair.large.poll(kStart).size(), 1U);  // lost
    pair.settle(kStart + 1s);
    EXPECT_EQ(pair.small.session().epoch_number(), 1U);
    EXPECT_EQ(pair.large.session().epoch_number(), 1U);
}

TEST(RekeyTiming, TheProofIsRepeatedUntilTheOtherSideIsHeard) {
    PeerPair pair{10};
    exchange_messages(pair);
    for (int second = 0; second < 4; ++second) {  // all lost
        const Instant due = kStart + 1s * second;
        ASSERT_EQ(pair.small.poll(due).size(), 1U) << second;
        EXPECT_EQ(pair.small.session().next_timeout(), due + 1s);
    }
    const Datagrams proof = pair.small.poll(kStart + 4s);
    ASSERT_EQ(proof.size(), 1U);
    // What still comes under the old keys does not count as heard.
    expect_text(pair.small, kStart + 4s, pair.large.seal("old"), "old");
    EXPECT_EQ(pair.small.session().next_timeout(), kStart + 5s);
    expect_taken(pair.large, kStart + 4s, proof[0]);
    ASSERT_TRUE(pair.large.moved());
    expect_text(pair.small, kStart + 4s, pair.large.seal("new"), "new");
    EXPECT_TRUE(pair.small.poll(kStart + 5s).empty());
    EXPECT_EQ(pair.small.session().next_timeout(), kStart + 10s);  // the old keys
}

TEST(RekeyTiming, TheProofIsNotRepeatedForever) {
    PeerPair pair{11};
    exchange_messages(pair);
    std::size_t proofs = 0;
    for (Instant now = kStart; now < kStart + 60s; now += 250ms) {
        proofs += pair.small.poll(now).size();
    }
    EXPECT_EQ(proofs, 11U);
}

TEST(RekeyTiming, UnprovenKeysAreForgottenAndTheIndexReleased) {
    PeerPair pair{12, {.busy = 1s, .idle = 1s}};
    start_rekey(pair);
    const Datagrams first = pair.small.poll(kStart);
    const Datagrams repeat = pair.small.poll(kStart + 1s);
    ASSERT_TRUE(first.size() == 1 && repeat.size() == 1);
    expect_taken(pair.large, kStart, first[0]);
    // Each copy of message 1 says that its sender still waits.
    expect_taken(pair.large, kStart + 1s, repeat[0]);
    EXPECT_EQ(pair.large.session().next_timeout(), kStart + 1s + kProofWait);
    pair.large.handle_timeout(kStart + 1s + kProofWait - 1us);
    EXPECT_EQ(pair.large.indices_in_use(), 2U);
    EXPECT_FALSE(pair.large.session().wants_rekey(kStart + 1s + kProofWait - 1us));
    pair.large.handle_timeout(kStart + 1s + kProofWait);
    EXPECT_EQ(pair.large.indices_in_use(), 1U);
    EXPECT_TRUE(pair.large.session().wants_rekey(kStart + 1s + kProofWait));
}

TEST(RekeyTiming, AProofInTheLastSecondIsStillInTime) {
    // Message 2 takes as long as it may, and then nothing but the last proof arrives.
    PeerPair pair{13};
    start_rekey(pair);
    for (const auto& datagram : pair.small.poll(kStart)) {
        expect_taken(pair.large, kStart, datagram);
    }
    const Datagrams answer = pair.large.poll(kStart);
    ASSERT_EQ(answer.size(), 1U);
    const Instant taken = kStart + 5s - 1ms;
    expect_taken(pair.small, taken, answer[0]);
    Datagrams proof = pair.small.poll(taken);
    for (int second = 1; second <= 9; ++second) proof = pair.small.poll(taken + 1s * second);
    ASSERT_EQ(proof.size(), 1U);
    pair.large.handle_timeout(taken + 9s);
    expect_taken(pair.large, taken + 9s, proof[0]);
    EXPECT_EQ(pair.large.session().epoch_number(), 1U);
}

}  // namespace
}  // namespace pinhole::session
