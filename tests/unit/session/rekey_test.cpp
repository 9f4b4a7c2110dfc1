// What the two messages and the proof of a rekey do to both ends, and who wins when both begin.
#include "tests/unit/session/session_pair.hpp"

namespace pinhole::session {
namespace {

using test::Datagrams;
using test::kStart;
using test::PeerPair;

using PeerEnd = test::End<PeerSession>;

/// Begins a rekey at `end` and returns its sealed message 1.
ByteVector message_1(PeerEnd& end, Random& random, Instant now = kStart) {
    end.session().start_rekey(now, end.allocate(), random);
    const Datagrams out = end.poll(now);
    EXPECT_EQ(out.size(), 1U);
    return out.at(0);
}

/// The one datagram that `end` wants to send now.
ByteVector only_datagram(PeerEnd& end, Instant now = kStart) {
    const Datagrams out = end.poll(now);
    EXPECT_EQ(out.size(), 1U);
    return out.at(0);
}

TEST(Rekey, PutsBothEndsIntoTheNextEpoch) {
    PeerPair pair{1};
    const EpochIndices before = pair.small.session().indices();
    pair.rekey(kStart);
    const EpochIndices small = pair.small.session().indices();
    const EpochIndices large = pair.large.session().indices();
    EXPECT_EQ(pair.small.session().epoch_number(), 1U);
    EXPECT_EQ(pair.large.session().epoch_number(), 1U);
    EXPECT_EQ(small.local, large.remote);
    EXPECT_EQ(small.remote, large.local);
    EXPECT_NE(small.local, before.local);
    EXPECT_NE(small.remote, before.remote);
    expect_text(pair.large, kStart, pair.small.seal("ping"), "ping");
    expect_text(pair.small, kStart, pair.large.seal("pong"), "pong");
}

TEST(Rekey, WorksManyTimesFromEitherEnd) {
    PeerPair pair{2};
    for (std::uint32_t round = 1; round <= 20; ++round) {
        const Instant now = kStart + 2s * round;
        PeerEnd& end = round % 2 == 0 ? pair.small : pair.large;
        end.session().start_rekey(now, end.allocate(), pair.random);
        pair.settle(now);
        ASSERT_EQ(pair.small.session().epoch_number(), round);
        ASSERT_EQ(pair.large.session().epoch_number(), round);
    }
}

TEST(Rekey, TheResponderUsesTheNewKeysAfterTheFirstValidDatagramUnderThem) {
    PeerPair pair{3};
    const SessionIndex old_index = pair.large.session().indices().local;
    expect_taken(pair.large, kStart, message_1(pair.small, pair.random));
    expect_taken(pair.small, kStart, only_datagram(pair.large));
    ASSERT_EQ(pair.small.session().epoch_number(), 1U);

    // Large answered, but nobody proved the new keys: it still talks under the old ones.
    EXPECT_EQ(pair.large.session().indices().local, old_index);
    expect_text(pair.small, kStart, pair.large.seal("old keys"), "old keys");
    ByteVector forged = pair.small.seal("proof");
    forged.back() ^= std::byte{1};
    expect_dropped(pair.large, kStart, forged, Drop::kBadTag);
    EXPECT_EQ(pair.large.session().indices().local, old_index);

    expect_text(pair.large, kStart, pair.small.seal("proof"), "proof");
    EXPECT_TRUE(pair.large.moved());
    EXPECT_NE(pair.large.session().indices().local, old_index);
    expect_text(pair.large, kStart, pair.small.seal("second"), "second");
    EXPECT_FALSE(pair.large.moved());
    expect_text(pair.small, kStart, pair.large.seal("new keys"), "new keys");
}

TEST(Rekey, OldKeysOpenForTenSecondsAndNotAfter) {
    PeerPair pair{4};
    const ByteVector early = pair.large.seal("early");
    const ByteVector in_time = pair.large.seal("in time");
    const ByteVector late = pair.large.seal("late");
    pair.rekey(kStart);
    EXPECT_EQ(pair.small.indices_in_use(), 2U);
    expect_text(pair.small, kStart, early, "early");
    expect_text(pair.small, kStart + 10s - 1us, in_time, "in time");
    // Even before the timer ran.
    expect_dropped(pair.small, kStart + 10s, late, Drop::kStale);
    EXPECT_EQ(pair.small.session().next_timeout(), kStart + 10s);
    pair.small.handle_timeout(kStart + 10s);
    expect_dropped(pair.small, kStart + 10s, late, Drop::kUnknownSession);
    EXPECT_EQ(pair.small.indices_in_use(), 1U);
}

TEST(Rekey, ARepeatedMessage1GetsTheIdenticalMessage2) {
    PeerPair pair{5};
    const ByteVector first = message_1(pair.small, pair.random);
    const ByteVector repeat = only_datagram(pair.small, kStart + 1s);
    expect_taken(pair.large, kStart, first);
    const Datagrams answer = pair.large.poll_frames();
    ASSERT_EQ(answer.size(), 1U);
    const std::size_t held = pair.large.indices_in_use();
    expect_taken(pair.large, kStart, repeat);
    EXPECT_EQ(pair.large.poll_frames(), answer);
    EXPECT_EQ(pair.large.indices_in_use(), held);
}

TEST(Rekey, WhenBothBeginTheSmallerKeyStands) {
    PeerPair pair{6};
    const ByteVector from_small = message_1(pair.small, pair.random);
    const ByteVector from_large = message_1(pair.large, pair.random);
    expect_dropped(pair.small, kStart, from_large, Drop::kUnexpected);
    EXPECT_TRUE(pair.small.poll(kStart).empty());
    expect_taken(pair.large, kStart, from_small);
    EXPECT_EQ(pair.large.indices_in_use(), 2U);  // its own attempt's is released
    expect_taken(pair.small, kStart, only_datagram(pair.large));
    pair.settle(kStart);
    EXPECT_EQ(pair.small.session().epoch_number(), 1U);
    EXPECT_EQ(pair.large.session().epoch_number(), 1U);
    EXPECT_EQ(pair.small.session().indices().local, pair.large.session().indices().remote);
    expect_text(pair.small, kStart, pair.large.seal("pong"), "pong");
}

TEST(Rekey, TheSmallerKeyDoesNotBeginWhileItAnswers) {
    PeerPair pair{7, {.busy = 10s, .idle = 10s}};
    expect_taken(pair.small, kStart + 9s, message_1(pair.large, pair.random, kStart + 9s));
    EXPECT_FALSE(pair.small.session().wants_rekey(kStart + 10s));
    pair.settle(kStart + 10s);
    EXPECT_EQ(pair.small.session().epoch_number(), 1U);
    EXPECT_EQ(pair.large.session().epoch_number(), 1U);
}

TEST(Rekey, ALateMessage1OfTheLoserChangesNothing) {
    PeerPair pair{8};
    const ByteVector from_large = message_1(pair.large, pair.random);
    pair.rekey(kStart);
    ASSERT_EQ(pair.small.session().epoch_number(), 1U);
    // Sealed under the old keys, which open still; its prologue is of the epoch that passed.
    expect_dropped(pair.small, kStart, from_large, Drop::kBadTag);
    EXPECT_TRUE(pair.small.poll(kStart).empty());
    expect_text(pair.large, kStart, pair.small.seal("ping"), "ping");
}

TEST(Rekey, ALateMessage1AfterTheMoveChangesNothing) {
    PeerPair pair{9};
    const ByteVector first = message_1(pair.small, pair.random);
    const ByteVector copy = only_datagram(pair.small, kStart + 1s);
    expect_taken(pair.large, kStart + 1s, first);
    pair.settle(kStart + 1s);
    ASSERT_EQ(pair.large.session().epoch_number(), 1U);
    expect_dropped(pair.large, kStart + 3s, copy, Drop::kBadTag);
    expect_text(pair.small, kStart + 3s, pair.large.seal("pong"), "pong");
    EXPECT_EQ(pair.large.indices_in_use(), 2U);
}

/// A rekey frame from a forger who sits inside the session but is not who it belongs to.
wire::Rekey forged_message_1(PeerEnd& receiver, const crypto::KeyPair& from, MutableBytes noise,
                             Random& random) {
    const Prologue prologue = rekey_prologue(receiver.handshake_hash());
    const crypto::Psk psk;
    auto handshake =
        crypto::NoiseHandshake::initiator({.local = from, .prologue = prologue.bytes(), .psk = psk},
                                          receiver.key(), crypto::KeyPair::generate(random));
    EXPECT_TRUE(handshake.write_message_1({}, noise));
    return {.step = wire::Rekey::Step::kMessage1, .sender = SessionIndex{77}, .noise = noise};
}

TEST(Rekey, WithAnotherStaticKeyIsRefused) {
    PeerPair pair{10};
    FixedBytes<wire::kNoiseMessage1Overhead> noise;
    const auto stranger = crypto::KeyPair::generate(pair.random);
    const auto refused =
        pair.large.handle_rekey(kStart, forged_message_1(pair.large, stranger, noise, pair.random));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), Drop::kBadKey);
    EXPECT_TRUE(pair.large.poll(kStart).empty());
    // The same frame from the right key is answered: it was the key that was wrong.
    const auto& right = pair.small.party().keys;
    EXPECT_TRUE(pair.large.handle_rekey(kStart + 1s,
                                        forged_message_1(pair.large, right, noise, pair.random)));
    EXPECT_EQ(pair.large.poll(kStart + 1s).size(), 1U);
}

TEST(Rekey, ATruncatedMessage1IsRefused) {
    PeerPair pair{11};
    const ByteVector noise(wire::kNoiseMessage1Overhead - 1);
    const auto refused =
        pair.large.handle_rekey(kStart, {.sender = SessionIndex{77}, .noise = noise});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), Drop::kBadLength);
}

TEST(Rekey, AnotherMessage1WithinASecondIsNotWorthADiffieHellman) {
    PeerPair pair{12};
    FixedBytes<wire::kNoiseMessage1Overhead> noise;
    const auto& right = pair.small.party().keys;
    const auto send = [&](Instant now) {
        return pair.large.handle_rekey(now,
                                       forged_message_1(pair.large, right, noise, pair.random));
    };
    ASSERT_TRUE(send(kStart));
    const auto refused = send(kStart + 1s - 1us);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), Drop::kLimit);
    // Later it replaces the one before, whose index is released (the pair checks that).
    EXPECT_TRUE(send(kStart + 1s));
    EXPECT_EQ(pair.large.indices_in_use(), 2U);
}

TEST(Rekey, AFloodOfMessage1NeverOverflowsTheRetiredIndices) {
    // A node reads a whole batch of datagrams before it collects what was retired.
    PeerPair pair{13};
    FixedBytes<wire::kNoiseMessage1Overhead> noise;
    const auto& right = pair.small.party().keys;
    for (std::uint32_t i = 0; i < 20; ++i) {
        const auto frame = forged_message_1(pair.large, right, noise, pair.random);
        const auto used =
            pair.large.session().handle_rekey(kStart, frame, SessionIndex{1000 + i}, pair.random);
        EXPECT_EQ(used.has_value(), i == 0);
    }
    EXPECT_FALSE(pair.large.session().take_retired_index());
}

TEST(Rekey, AMessage2ThatNobodyWaitsForIsDropped) {
    PeerPair pair{14};
    const ByteVector noise(wire::kNoiseMessage2Overhead);
    const wire::Rekey frame{.step = wire::Rekey::Step::kMessage2,
                            .sender = SessionIndex{5},
                            .receiver = SessionIndex{6},
                            .noise = noise};
    EXPECT_EQ(pair.small.handle_rekey(kStart, frame).error(), Drop::kUnexpected);
    const ByteVector first = message_1(pair.small, pair.random);
    EXPECT_EQ(pair.small.handle_rekey(kStart, frame).error(), Drop::kUnexpected);
}

TEST(Rekey, AForgedMessage2LeavesTheAttemptWaitingForTheGenuineOne) {
    PeerPair pair{15};
    expect_taken(pair.large, kStart, message_1(pair.small, pair.random));
    const Datagrams answer = pair.large.poll_frames();
    ASSERT_EQ(answer.size(), 1U);
    const auto genuine = wire::parse_rekey(Bytes{answer[0]}.subspan(1));
    ASSERT_TRUE(genuine);
    for (std::size_t i = 0; i < genuine->noise.size(); ++i) {
        ByteVector noise = to_vector(genuine->noise);
        noise[i] ^= std::byte{1};
        wire::Rekey forged = *genuine;
        forged.noise = noise;
        EXPECT_EQ(pair.small.handle_rekey(kStart, forged).error(), Drop::kBadTag) << "byte " << i;
    }
    EXPECT_TRUE(pair.small.handle_rekey(kStart, *genuine));
    EXPECT_EQ(pair.small.session().epoch_number(), 1U);
}

TEST(Rekey, MixesTheGroupKeyIn) {
    PeerPair pair{16};
    pair.large.party().psk = crypto::Psk{pair.random.bytes<32>()};
    expect_taken(pair.large, kStart, message_1(pair.small, pair.random));
    expect_dropped(pair.small, kStart, only_datagram(pair.large), Drop::kBadTag);
    EXPECT_EQ(pair.small.session().epoch_number(), 0U);
}

TEST(Rekey, OfAServerSessionIsAnsweredAndNeverBegun) {
    test::ServerPair pair{17, {}, {.begins = false}};
    EXPECT_FALSE(pair.large.session().wants_rekey(kStart + 1000h));
    EXPECT_EQ(pair.large.session().next_timeout(), kNever);
    pair.rekey(kStart);
    EXPECT_EQ(pair.small.session().epoch_number(), 1U);
    EXPECT_EQ(pair.large.session().epoch_number(), 1U);
}

}  // namespace
}  // namespace pinhole::session
