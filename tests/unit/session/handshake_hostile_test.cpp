// What forgers, liars and the badly configured get from a handshake: a drop, and nothing changed.
#include <functional>
#include <vector>

#include "tests/unit/session/parties.hpp"

namespace pinhole::session {
namespace {

using test::finish;
using test::forge_mac1;
using test::kAes;
using test::Meeting;

constexpr std::size_t kCookieSize = 16;

/// Ann's attempt and Bob's answer, for a test to tamper with.
struct Exchange {
    Meeting meeting;
    Attempt attempt;
    ByteVector message_1;
    ByteVector message_2;

    explicit Exchange(std::uint64_t seed)
        : meeting(seed),
          attempt(meeting.attempt().value()),
          message_1(to_vector(attempt.initiation({}).bytes())) {
        auto responder = meeting.read(message_1).value();
        message_2 = to_vector(meeting.answer(responder).value().message_2.bytes());
    }
};

ByteVector flipped(const ByteVector& message, std::size_t octet) {
    ByteVector out = message;
    out[octet] ^= std::byte{0x10};
    return out;
}

TEST(HandshakeHostile, EveryByteOfMessage1ButTheCookieIsCovered) {
    Exchange exchange{1};
    // The two bytes before belong to whoever looks for the kind.
    for (std::size_t i = 2; i < exchange.message_1.size() - kCookieSize; ++i) {
        const auto read = exchange.meeting.read(flipped(exchange.message_1, i));
        ASSERT_FALSE(read) << "byte " << i;
        EXPECT_EQ(read.error(), Drop::kBadMac) << "byte " << i;
    }
    EXPECT_TRUE(exchange.meeting.read(flipped(exchange.message_1, exchange.message_1.size() - 1)));
}

TEST(HandshakeHostile, AForgedMac1DoesNotHelpAMutatedMessage1) {
    Exchange exchange{2};
    // Sender index, and all of Noise; the nonce tag only names the introduction.
    for (std::size_t i = 2; i < exchange.message_1.size() - 32; ++i) {
        if (i >= 6 && i < 14) continue;
        ByteVector mutated = flipped(exchange.message_1, i);
        forge_mac1(exchange.meeting.bob.keys.public_key, mutated, true);
        const auto read = exchange.meeting.read(mutated);
        ASSERT_FALSE(read) << "byte " << i;
        EXPECT_EQ(read.error(), Drop::kBadTag) << "byte " << i;
    }
}

TEST(HandshakeHostile, AMutatedMessage2LeavesTheAttemptWaitingForTheGenuineOne) {
    Exchange exchange{3};
    for (std::size_t i = 2; i < exchange.message_2.size(); ++i) {
        const auto taken = finish(exchange.attempt, flipped(exchange.message_2, i));
        ASSERT_FALSE(taken) << "byte " << i;
        EXPECT_EQ(taken.error(), Drop::kBadMac) << "byte " << i;
    }
    EXPECT_TRUE(finish(exchange.attempt, exchange.message_2));
}

TEST(HandshakeHostile, AForgedMac1DoesNotHelpAMutatedMessage2) {
    Exchange exchange{4};
    // Both indexes too: an answer that sends us elsewhere would cost the attempt.
    for (std::size_t i = 2; i < exchange.message_2.size() - 16; ++i) {
        ByteVector mutated = flipped(exchange.message_2, i);
        forge_mac1(exchange.meeting.ann.keys.public_key, mutated, false);
        const auto taken = finish(exchange.attempt, mutated);
        ASSERT_FALSE(taken) << "byte " << i;
        EXPECT_EQ(taken.error(), Drop::kBadTag) << "byte " << i;
    }
    EXPECT_TRUE(finish(exchange.attempt, exchange.message_2));
}

TEST(HandshakeHostile, RandomMessage2LeavesTheAttemptWaitingForTheGenuineOne) {
    Exchange exchange{5};
    for (int i = 0; i < 1000; ++i) {
        ByteVector noise = exchange.message_2;
        exchange.meeting.random.fill(MutableBytes{noise}.subspan(10));
        forge_mac1(exchange.meeting.ann.keys.public_key, noise, false);
        ASSERT_FALSE(finish(exchange.attempt, noise)) << "round " << i;
    }
    EXPECT_TRUE(finish(exchange.attempt, exchange.message_2));
}

TEST(HandshakeHostile, AnAnswerToAnotherAttemptIsDropped) {
    Exchange exchange{6};
    Exchange other{7};
    ByteVector answer = other.message_2;
    forge_mac1(exchange.meeting.ann.keys.public_key, answer, false);
    const auto taken = finish(exchange.attempt, answer);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error(), Drop::kBadTag);
    EXPECT_TRUE(finish(exchange.attempt, exchange.message_2));
}

TEST(HandshakeHostile, AShortOrLongMessageIsDroppedByLength) {
    Exchange exchange{8};
    const auto resized = [](ByteVector bytes, std::size_t size) {
        bytes.resize(size);
        return bytes;
    };
    auto& meeting = exchange.meeting;
    EXPECT_EQ(meeting.read(resized(exchange.message_1, wire::kInitiationSizeMin - 1)).error(),
              Drop::kRunt);
    EXPECT_EQ(meeting.read(resized(exchange.message_1, wire::kHandshakeSizeMax + 1)).error(),
              Drop::kBadLength);
    EXPECT_EQ(
        finish(exchange.attempt, resized(exchange.message_2, wire::kResponseSizeMin - 1)).error(),
        Drop::kRunt);
    EXPECT_EQ(
        finish(exchange.attempt, resized(exchange.message_2, wire::kResponseSizeMax + 1)).error(),
        Drop::kBadLength);
}

TEST(HandshakeHostile, BothSidesMustKnowTheSameIntroduction) {
    const std::vector<std::function<void(PeerTerms&)>> lies{
        [](PeerTerms& terms) { terms.nonce[15] ^= std::byte{1}; },
        [](PeerTerms& terms) { terms.initiator = test::id_of("eve"); },
        [](PeerTerms& terms) { terms.responder = test::id_of("eve"); },
        [](PeerTerms& terms) { std::swap(terms.initiator, terms.responder); },
    };
    for (std::size_t i = 0; i < lies.size(); ++i) {
        Exchange exchange{9};
        lies[i](exchange.meeting.introduction);
        const auto read = exchange.meeting.read(exchange.message_1);
        ASSERT_FALSE(read) << "lie " << i;
        EXPECT_EQ(read.error(), Drop::kBadTag) << "lie " << i;
    }
}

TEST(HandshakeHostile, AMessageForAPeerIsNoneForAServer) {
    Exchange exchange{10};
    const auto message = wire::parse_initiation(exchange.message_1);
    ASSERT_TRUE(message);
    auto& meeting = exchange.meeting;
    EXPECT_EQ(
        Responder::read(meeting.bob.side(), server_prologue(), *message, meeting.random).error(),
        Drop::kBadTag);
}

TEST(HandshakeHostile, AnotherGroupKeyShowsInMessage2WithTheRightMac1) {
    Meeting meeting{11};
    meeting.ann.psk = crypto::Psk{meeting.random.bytes<32>()};
    auto attempt = meeting.attempt().value();
    auto responder = meeting.read(attempt.initiation({}).bytes());
    ASSERT_TRUE(responder);  // psk2: message 1 does not depend on it
    auto answer = meeting.answer(*responder).value();
    const auto wrong = finish(attempt, answer.message_2.bytes());
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error(), Drop::kBadTag);
    // From bytes that match, kBadMac would mean another thing: not meant for us at all.
    const auto message = wire::parse_response(answer.message_2.bytes());
    ASSERT_TRUE(message);
    const auto mac = crypto::mac16(crypto::mac1_key(meeting.ann.keys.public_key), message->covered);
    EXPECT_EQ(mac, message->mac1);
}

TEST(HandshakeHostile, OnlyTheHolderOfTheExpectedKeyReadsMessage1) {
    Exchange exchange{12};
    exchange.meeting.bob.keys = crypto::KeyPair::generate(exchange.meeting.random);
    EXPECT_EQ(exchange.meeting.read(exchange.message_1).error(), Drop::kBadMac);
    forge_mac1(exchange.meeting.bob.keys.public_key, exchange.message_1, true);
    EXPECT_EQ(exchange.meeting.read(exchange.message_1).error(), Drop::kBadTag);
}

TEST(HandshakeHostile, OnlyTheHolderOfTheExpectedKeyAnswers) {
    Exchange exchange{13};
    // Eve knows the introduction and Ann's key, and answers Ann in Bob's place with her own.
    Meeting eve{14};
    const auto message = wire::parse_initiation(exchange.message_1);
    ASSERT_TRUE(message);
    const auto read =
        Responder::read(eve.bob.side(), peer_prologue(eve.introduction), *message, eve.random);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error(), Drop::kBadTag);
}

/// Message 1 or 2 with a payload that our own code would not write: Ann or Bob is the liar.
struct Liar {
    Meeting meeting;
    Attempt attempt;
    explicit Liar(std::uint64_t seed) : meeting(seed), attempt(meeting.attempt().value()) {}

    [[nodiscard]] ByteVector initiation(Bytes payload) {
        const Prologue prologue =
            prologue_of_attempt(peer_prologue(meeting.introduction), meeting.ann_index);
        auto noise = crypto::NoiseHandshake::initiator(
            {.local = meeting.ann.keys, .prologue = prologue.bytes(), .psk = meeting.ann.psk},
            meeting.bob.keys.public_key, crypto::KeyPair::generate(meeting.random));
        noise_1_.resize(payload.size() + wire::kNoiseMessage1Overhead);
        EXPECT_TRUE(noise.write_message_1(payload, noise_1_));
        ByteVector out(wire::kInitiationOverhead + noise_1_.size());
        Writer{MutableBytes{out}.subspan(2)}
            .u32(meeting.ann_index.value())
            .zeros(8)
            .bytes(noise_1_);
        forge_mac1(meeting.bob.keys.public_key, out, true);
        return out;
    }

    /// Bob's genuine answer but for the payload.
    [[nodiscard]] ByteVector response(Bytes payload) {
        const auto datagram = attempt.initiation({});
        const auto message = wire::parse_initiation(datagram.bytes()).value();
        const Prologue prologue =
            prologue_of_attempt(peer_prologue(meeting.introduction), meeting.ann_index);
        auto noise = crypto::NoiseHandshake::responder(
            {.local = meeting.bob.keys, .prologue = prologue.bytes(), .psk = meeting.bob.psk},
            crypto::KeyPair::generate(meeting.random));
        ByteBuffer<wire::kHandshakePayloadMax> theirs;
        EXPECT_TRUE(noise.read_message_1(message.noise, theirs.storage()));
        FixedBytes<8> bound;
        Writer{bound}.u32(meeting.bob_index.value()).u32(meeting.ann_index.value());
        ByteVector noise_2(payload.size() + wire::kNoiseMessage2Overhead);
        EXPECT_TRUE(noise.write_message_2(payload, noise_2, bound));
        ByteVector out(wire::kResponseOverhead + noise_2.size());
        Writer{MutableBytes{out}.subspan(2)}.bytes(bound).bytes(noise_2);
        forge_mac1(meeting.ann.keys.public_key, out, false);
        return out;
    }

  private:
    ByteVector noise_1_;
};

ByteVector payload_of(std::uint32_t features, std::uint16_t enet_claimed, std::size_t enet_size) {
    ByteVector out(wire::kHandshakePayloadSize + enet_size);
    Writer{out}.u32(features).u64(1).u16(enet_claimed);
    return out;
}

TEST(HandshakeHostile, AnHonestPayloadFromTheLiarIsTaken) {
    Liar liar{15};
    EXPECT_TRUE(liar.meeting.read(liar.initiation(payload_of(0, 20, 20))));
    EXPECT_TRUE(finish(liar.attempt, liar.response(payload_of(0, 20, 20))));
}

TEST(HandshakeHostile, RefusesAnOversizedPayload) {
    Liar liar{16};
    const std::size_t too_long = wire::kHandshakeEnetMax + 1;
    EXPECT_EQ(liar.meeting.read(liar.initiation(payload_of(0, too_long, too_long))).error(),
              Drop::kBadLength);
    EXPECT_EQ(finish(liar.attempt, liar.response(payload_of(0, too_long, too_long))).error(),
              Drop::kBadLength);
}

TEST(HandshakeHostile, ANoiseMessageThatOverflowsThePayloadIsRefusedWithoutTheParser) {
    Liar liar{17};
    const ByteVector long_noise(wire::kNoiseMessage1Overhead + wire::kHandshakePayloadMax + 1,
                                std::byte{1});
    EXPECT_EQ(Responder::read(liar.meeting.bob.side(), server_prologue(),
                              {.sender = SessionIndex{1}, .noise = long_noise}, liar.meeting.random)
                  .error(),
              Drop::kBadLength);
}

TEST(HandshakeHostile, RefusesAnEnetLengthThatDoesNotFit) {
    for (const auto claimed : std::initializer_list<std::uint16_t>{21, 129, 0xffff}) {
        Liar liar{18};
        EXPECT_EQ(liar.meeting.read(liar.initiation(payload_of(0, claimed, 20))).error(),
                  Drop::kBadLength);
        EXPECT_EQ(finish(liar.attempt, liar.response(payload_of(0, claimed, 20))).error(),
                  Drop::kBadLength);
    }
}

TEST(HandshakeHostile, AResponderCannotChooseWhatWasNotOffered) {
    Liar liar{19};
    const auto taken = finish(liar.attempt, liar.response(payload_of(kAes, 0, 0)));
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error(), Drop::kBadField);
}

}  // namespace
}  // namespace pinhole::session
