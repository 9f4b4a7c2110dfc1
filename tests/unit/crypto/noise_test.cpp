#include "shared/crypto/noise.hpp"

#include <iostream>

#include <gtest/gtest.h>

#include "shared/crypto/cipher.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/unit/crypto/vectors.hpp"

namespace pinhole::crypto {
namespace {

using nlohmann::json;
using test::from_hex;
using test::hex_field;
using test::to_hex;

constexpr std::string_view kOurProtocol = "Noise_IKpsk2_25519_ChaChaPoly_SHA256";

KeyPair key_pair(const json& vector, const char* name) {
    return KeyPair::from_secret(SecretKey{hex_field(vector, name)});
}

Psk psk_of(const json& vector, const char* name) {
    return Psk{from_hex(vector.at(name).at(0).get<std::string>())};
}

void check_transport(const json& messages, const TransportKeys& initiator) {
    Cipher ciphers[] = {Cipher{CipherSuite::kChaCha20Poly1305, initiator.send},
                        Cipher{CipherSuite::kChaCha20Poly1305, initiator.receive}};
    std::uint64_t counters[] = {0, 0};
    for (std::size_t i = 2; i < messages.size(); ++i) {
        ByteVector text = hex_field(messages[i], "payload");
        text.resize(text.size() + kTagSize);
        ciphers[i % 2].seal_in_place(counters[i % 2]++, {}, text);
        EXPECT_EQ(to_hex(text), messages[i].at("ciphertext").get<std::string>()) << "message " << i;
    }
}

void run_vector(const json& vector) {
    const KeyPair local_i = key_pair(vector, "init_static");
    const KeyPair local_r = key_pair(vector, "resp_static");
    const ByteVector prologue_i = hex_field(vector, "init_prologue");
    const ByteVector prologue_r = hex_field(vector, "resp_prologue");
    const Psk psk_i = psk_of(vector, "init_psks");
    const Psk psk_r = psk_of(vector, "resp_psks");
    const auto remote = PublicKey::from_bytes(hex_field(vector, "init_remote_static"));
    auto initiator = NoiseHandshake::initiator({local_i, prologue_i, psk_i}, remote,
                                               key_pair(vector, "init_ephemeral"));
    auto responder =
        NoiseHandshake::responder({local_r, prologue_r, psk_r}, key_pair(vector, "resp_ephemeral"));

    const json& messages = vector.at("messages");
    const ByteVector payload_1 = hex_field(messages[0], "payload");
    const ByteVector payload_2 = hex_field(messages[1], "payload");
    ByteVector message(1000);
    ByteVector payload(1000);

    auto size = initiator.write_message_1(payload_1, message);
    ASSERT_EQ(size, payload_1.size() + kMessage1Overhead);
    EXPECT_EQ(to_hex(Bytes{message}.first(*size)), messages[0].at("ciphertext").get<std::string>());
    ASSERT_EQ(responder.read_message_1(Bytes{message}.first(*size), payload), payload_1.size());
    EXPECT_EQ(to_hex(Bytes{payload}.first(payload_1.size())), to_hex(payload_1));
    EXPECT_EQ(responder.remote_static(), local_i.public_key);

    size = responder.write_message_2(payload_2, message);
    ASSERT_EQ(size, payload_2.size() + kMessage2Overhead);
    EXPECT_EQ(to_hex(Bytes{message}.first(*size)), messages[1].at("ciphertext").get<std::string>());
    ASSERT_EQ(initiator.read_message_2(Bytes{message}.first(*size), payload), payload_2.size());
    EXPECT_EQ(to_hex(Bytes{payload}.first(payload_2.size())), to_hex(payload_2));

    const TransportKeys keys = initiator.split();
    EXPECT_EQ(to_hex(keys.handshake_hash), vector.at("handshake_hash").get<std::string>());
    check_transport(messages, keys);
}

TEST(Noise, PassesTheVectorsOfCacophony) {
    PINHOLE_LOAD_VECTORS(file, "noise-cacophony.json");
    int count = 0;
    for (const json& vector : file.at("vectors")) {
        if (vector.at("protocol_name") != kOurProtocol) continue;
        run_vector(vector);
        ++count;
    }
    std::cout << count << " vectors of " << kOurProtocol << "\n";
    EXPECT_GT(count, 0);
}

/// Two parties with keys from a seed, and the two messages between them.
class Handshake : public testing::Test {
  protected:
    pinhole::test::SeededRandom random_{41};
    KeyPair alice_ = KeyPair::generate(random_);
    KeyPair bob_ = KeyPair::generate(random_);
    Psk psk_ = Psk::random(random_);
    FixedBytes<200> payload_{};

    NoiseHandshake alice_calls(const PublicKey& whom) {
        return NoiseHandshake::initiator({alice_, as_bytes("prologue"), psk_}, whom,
                                         KeyPair::generate(random_));
    }
    NoiseHandshake bob_answers(std::string_view prologue = "prologue") {
        return NoiseHandshake::responder({bob_, as_bytes(prologue), psk_},
                                         KeyPair::generate(random_));
    }

    static ByteVector message_1(NoiseHandshake& from) {
        ByteVector message(kMessage1Overhead + 5);
        EXPECT_EQ(from.write_message_1(as_bytes("hello"), message), message.size());
        return message;
    }
    static ByteVector message_2(NoiseHandshake& from) {
        ByteVector message(kMessage2Overhead + 6);
        EXPECT_EQ(from.write_message_2(as_bytes("answer"), message), message.size());
        return message;
    }
};

TEST_F(Handshake, GivesBothSidesTheSameKeys) {
    NoiseHandshake alice = alice_calls(bob_.public_key);
    NoiseHandshake bob = bob_answers();
    const ByteVector first = message_1(alice);
    ASSERT_EQ(bob.read_message_1(first, payload_), 5U);
    EXPECT_EQ(as_text(Bytes{payload_}.first(5)), "hello");
    const ByteVector second = message_2(bob);
    ASSERT_EQ(alice.read_message_2(second, payload_), 6U);
    EXPECT_EQ(as_text(Bytes{payload_}.first(6)), "answer");

    ASSERT_TRUE(alice.is_complete() && bob.is_complete());
    const TransportKeys ours = alice.split();
    const TransportKeys theirs = bob.split();
    EXPECT_TRUE(same_bytes(ours.send.bytes(), theirs.receive.bytes()));
    EXPECT_TRUE(same_bytes(ours.receive.bytes(), theirs.send.bytes()));
    EXPECT_FALSE(same_bytes(ours.send.bytes(), ours.receive.bytes()));
    EXPECT_EQ(ours.handshake_hash, theirs.handshake_hash);
}

TEST_F(Handshake, TellsWhoTheOtherIs) {
    NoiseHandshake alice = alice_calls(bob_.public_key);
    NoiseHandshake bob = bob_answers();
    const ByteVector first = message_1(alice);
    EXPECT_EQ(ephemeral_of_message_1(first), alice.local_ephemeral());
    ASSERT_TRUE(bob.read_message_1(first, payload_));
    EXPECT_EQ(bob.remote_static(), alice_.public_key);
    EXPECT_EQ(bob.remote_ephemeral(), alice.local_ephemeral());
    ASSERT_TRUE(alice.read_message_2(message_2(bob), payload_));
    EXPECT_EQ(alice.remote_static(), bob_.public_key);
    EXPECT_EQ(alice.remote_ephemeral(), bob.local_ephemeral());
}

TEST_F(Handshake, SurvivesEveryForgeryOfMessage2) {
    NoiseHandshake alice = alice_calls(bob_.public_key);
    NoiseHandshake bob = bob_answers();
    ASSERT_TRUE(bob.read_message_1(message_1(alice), payload_));
    const ByteVector genuine = message_2(bob);
    for (std::size_t i = 0; i < genuine.size(); ++i) {
        ByteVector forged = genuine;
        forged[i] ^= std::byte{0x40};
        const auto outcome = alice.read_message_2(forged, payload_);
        ASSERT_FALSE(outcome) << i;
        EXPECT_EQ(outcome.error(), Drop::kBadTag) << i;
    }
    ByteVector useless = genuine;
    std::ranges::fill(MutableBytes{useless}.first(kKeySize), std::byte{0});
    EXPECT_EQ(alice.read_message_2(useless, payload_).error(), Drop::kBadKey);
    EXPECT_FALSE(alice.is_complete());
    EXPECT_TRUE(alice.read_message_2(genuine, payload_));
    EXPECT_EQ(alice.split().handshake_hash, bob.split().handshake_hash);
}

TEST_F(Handshake, SurvivesEveryForgeryOfMessage1) {
    NoiseHandshake alice = alice_calls(bob_.public_key);
    NoiseHandshake bob = bob_answers();
    const ByteVector genuine = message_1(alice);
    for (std::size_t i = 0; i < genuine.size(); ++i) {
        ByteVector forged = genuine;
        forged[i] ^= std::byte{0x40};
        const auto outcome = bob.read_message_1(forged, payload_);
        ASSERT_FALSE(outcome) << i;
        EXPECT_EQ(outcome.error(), Drop::kBadTag) << i;
    }
    ByteVector useless = genuine;
    std::ranges::fill(MutableBytes{useless}.first(kKeySize), std::byte{0});
    EXPECT_EQ(bob.read_message_1(useless, payload_).error(), Drop::kBadKey);
    EXPECT_TRUE(bob.read_message_1(genuine, payload_));
    EXPECT_TRUE(alice.read_message_2(message_2(bob), payload_));
}

TEST_F(Handshake, RefusesWrongLengths) {
    NoiseHandshake alice = alice_calls(bob_.public_key);
    NoiseHandshake bob = bob_answers();
    const ByteVector first = message_1(alice);
    const Bytes short_first = Bytes{first}.first(kMessage1Overhead - 1);
    EXPECT_EQ(bob.read_message_1(short_first, payload_).error(), Drop::kBadLength);
    EXPECT_EQ(bob.read_message_1({}, payload_).error(), Drop::kBadLength);
    EXPECT_EQ(ephemeral_of_message_1(short_first).error(), Drop::kBadLength);
    FixedBytes<4> small{};
    EXPECT_EQ(bob.read_message_1(first, small).error(), Drop::kBadLength);
    ASSERT_TRUE(bob.read_message_1(first, payload_));

    const ByteVector second = message_2(bob);
    const Bytes short_second = Bytes{second}.first(kMessage2Overhead - 1);
    EXPECT_EQ(alice.read_message_2(short_second, payload_).error(), Drop::kBadLength);
    EXPECT_EQ(alice.read_message_2(second, small).error(), Drop::kBadLength);
    EXPECT_TRUE(alice.read_message_2(second, payload_));
}

TEST_F(Handshake, CarriesEmptyPayloads) {
    NoiseHandshake alice = alice_calls(bob_.public_key);
    NoiseHandshake bob = bob_answers();
    FixedBytes<kMessage1Overhead> first{};
    ASSERT_EQ(alice.write_message_1({}, first), kMessage1Overhead);
    ASSERT_EQ(bob.read_message_1(first, {}), 0U);
    FixedBytes<kMessage2Overhead> second{};
    ASSERT_EQ(bob.write_message_2({}, second), kMessage2Overhead);
    EXPECT_EQ(alice.read_message_2(second, {}), 0U);
}

TEST_F(Handshake, FailsAtMessage2WhenTheGroupKeysDiffer) {
    NoiseHandshake alice = alice_calls(bob_.public_key);
    psk_ = Psk{};
    NoiseHandshake bob = bob_answers();
    ASSERT_TRUE(bob.read_message_1(message_1(alice), payload_));
    EXPECT_EQ(alice.read_message_2(message_2(bob), payload_).error(), Drop::kBadTag);
}

TEST_F(Handshake, FailsAtMessage1WhenTheProloguesDiffer) {
    NoiseHandshake alice = alice_calls(bob_.public_key);
    NoiseHandshake bob = bob_answers("another prologue");
    EXPECT_EQ(bob.read_message_1(message_1(alice), payload_).error(), Drop::kBadTag);
}

TEST_F(Handshake, FailsAtMessage1WhenItIsForSomebodyElse) {
    NoiseHandshake alice = alice_calls(alice_.public_key);
    NoiseHandshake bob = bob_answers();
    EXPECT_EQ(bob.read_message_1(message_1(alice), payload_).error(), Drop::kBadTag);
}

TEST_F(Handshake, RefusesToCallAKeyOfSmallOrder) {
    NoiseHandshake alice = alice_calls(PublicKey{});
    FixedBytes<kMessage1Overhead> message{};
    EXPECT_EQ(alice.write_message_1({}, message).error(), Drop::kBadKey);
}

TEST_F(Handshake, RepeatsFromASeed) {
    pinhole::test::SeededRandom one{42};
    pinhole::test::SeededRandom same{42};
    const HandshakeTerms terms{alice_, as_bytes("prologue"), psk_};
    auto first = NoiseHandshake::initiator(terms, bob_.public_key, KeyPair::generate(one));
    auto second = NoiseHandshake::initiator(terms, bob_.public_key, KeyPair::generate(same));
    EXPECT_EQ(message_1(first), message_1(second));
}

TEST_F(Handshake, AssertsTheOrderOfItsCalls) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    NoiseHandshake alice = alice_calls(bob_.public_key);
    NoiseHandshake bob = bob_answers();
    EXPECT_DEATH(static_cast<void>(alice.split()), "is_complete");
    EXPECT_DEATH(static_cast<void>(bob.write_message_2({}, payload_)), "stage_ == stage");
    EXPECT_DEATH(static_cast<void>(bob.write_message_1({}, payload_)), "side_ == side");
}

}  // namespace
}  // namespace pinhole::crypto
