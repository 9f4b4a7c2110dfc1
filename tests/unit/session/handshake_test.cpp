#include "shared/session/handshake.hpp"

#include <set>

#include "tests/unit/session/parties.hpp"

namespace pinhole::session {
namespace {

using test::finish;
using test::kAes;
using test::kStart;
using test::Meeting;
using test::shake_hands;

using AnyEpoch = Epoch<kPeerWindowBits>;

/// One message from `sender` that `receiver` opens to the same text.
void expect_carried(AnyEpoch& sender, AnyEpoch& receiver, std::string_view text) {
    ByteVector datagram(wire::kTransportOverhead + text.size());
    std::ranges::copy(as_bytes(text), datagram.begin() + wire::kTransportHeaderSize);
    ASSERT_TRUE(sender.seal_in_place(datagram));
    const auto header = wire::parse_transport_header(datagram);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->receiver, receiver.indices().local);
    const auto frame = receiver.open_in_place(*header, datagram);
    ASSERT_TRUE(frame) << name_of(frame.error());
    EXPECT_EQ(as_text(*frame), text);
}

TEST(Handshake, LeavesBothSidesWithTheSameEpoch) {
    Meeting meeting{1};
    const auto done = shake_hands(meeting);
    AnyEpoch ann{done.ann.keys};
    AnyEpoch bob{done.bob};
    EXPECT_EQ(ann.handshake_hash(), bob.handshake_hash());
    EXPECT_EQ(ann.indices().local, meeting.ann_index);
    EXPECT_EQ(ann.indices().remote, meeting.bob_index);
    EXPECT_EQ(bob.indices().local, meeting.bob_index);
    EXPECT_EQ(bob.indices().remote, meeting.ann_index);
    expect_carried(ann, bob, "from ann");
    expect_carried(bob, ann, "from bob");
}

TEST(Handshake, WorksWithAServer) {
    Meeting meeting{2};
    auto attempt = Attempt::start(kStart, meeting.ann.side(),
                                  {.remote = meeting.bob.keys.public_key,
                                   .prologue = server_prologue(),
                                   .sender = meeting.ann_index},
                                  meeting.random);
    ASSERT_TRUE(attempt);
    const auto datagram = attempt->initiation({});
    const auto message = wire::parse_initiation(datagram.bytes());
    ASSERT_TRUE(message);
    EXPECT_EQ(message->nonce_tag, wire::NonceTag{});
    auto responder =
        Responder::read(meeting.bob.side(), server_prologue(), *message, meeting.random);
    ASSERT_TRUE(responder);
    auto answer = meeting.answer(*responder);
    ASSERT_TRUE(answer);
    EXPECT_TRUE(finish(*attempt, answer->message_2.bytes()));
}

TEST(Handshake, TellsTheResponderWhoAsks) {
    Meeting meeting{3};
    auto attempt = meeting.attempt();
    ASSERT_TRUE(attempt);
    const auto responder = meeting.read(attempt->initiation({}).bytes());
    ASSERT_TRUE(responder);
    EXPECT_EQ(responder->remote_static(), meeting.ann.keys.public_key);
    EXPECT_EQ(responder->remote().incarnation, meeting.ann.incarnation);
}

TEST(Handshake, CarriesEnetBothWays) {
    Meeting meeting{4};
    meeting.enet_connect = to_vector(as_bytes("connect"));
    meeting.enet_verify = ByteVector(wire::kHandshakeEnetMax, std::byte{0x77});
    const auto done = shake_hands(meeting);
    EXPECT_EQ(as_text(done.bob_heard.enet.bytes()), "connect");
    EXPECT_TRUE(same_bytes(done.ann.remote.enet.bytes(), meeting.enet_verify));
    EXPECT_EQ(done.ann.remote.incarnation, meeting.bob.incarnation);
}

TEST(Handshake, CopiesOfMessage1DifferInTheCookieOnly) {
    Meeting meeting{6};
    const auto attempt = meeting.attempt();
    ASSERT_TRUE(attempt);
    Cookie cookie;
    cookie.fill(std::byte{0xee});
    const auto bare = attempt->initiation({});
    const auto again = attempt->initiation({});
    const auto with_cookie = attempt->initiation(cookie);
    EXPECT_TRUE(same_bytes(bare.bytes(), again.bytes()));
    ASSERT_EQ(bare.size(), with_cookie.size());
    const std::size_t before_cookie = bare.size() - cookie.size();
    EXPECT_TRUE(
        same_bytes(bare.bytes().first(before_cookie), with_cookie.bytes().first(before_cookie)));
    EXPECT_TRUE(same_bytes(with_cookie.bytes().subspan(before_cookie), cookie));
    // mac1 says nothing about the cookie: the same one is right over both.
    EXPECT_TRUE(meeting.read(bare.bytes()));
    EXPECT_TRUE(meeting.read(with_cookie.bytes()));
}

TEST(Handshake, EachAttemptHasItsOwnEphemeral) {
    Meeting meeting{7};
    std::set<crypto::PublicKey> ephemerals;
    for (int i = 0; i < 10; ++i) {
        const auto datagram = meeting.attempt().value().initiation({});
        const auto message = wire::parse_initiation(datagram.bytes());
        ASSERT_TRUE(message);
        ephemerals.insert(crypto::ephemeral_of_message_1(message->noise).value());
    }
    EXPECT_EQ(ephemerals.size(), 10U);
}

TEST(Handshake, LivesFiveSeconds) {
    Meeting meeting{8};
    EXPECT_EQ(meeting.attempt().value().expires(), kStart + 5s);
}

TEST(Handshake, RefusesAKeyOfSmallOrder) {
    Meeting meeting{9};
    meeting.bob.keys.public_key = {};
    const auto attempt = meeting.attempt();
    ASSERT_FALSE(attempt);
    EXPECT_EQ(attempt.error(), Drop::kBadKey);
}

TEST(Handshake, FinishesOnce) {
    Meeting meeting{10};
    auto attempt = meeting.attempt().value();
    auto responder = meeting.read(attempt.initiation({}).bytes()).value();
    const auto answer = meeting.answer(responder).value();
    ASSERT_TRUE(finish(attempt, answer.message_2.bytes()));
    const auto again = finish(attempt, answer.message_2.bytes());
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error(), Drop::kStale);
}

TEST(Handshake, ChoosesAesOnlyWhenBothOfferIt) {
    if (!crypto::is_aes256gcm_available()) GTEST_SKIP() << "this CPU has no AES instructions";
    for (const std::uint32_t ann : {0U, kAes}) {
        for (const std::uint32_t bob : {0U, kAes}) {
            Meeting meeting{11};
            meeting.ann.features = ann;
            meeting.bob.features = bob;
            const auto done = shake_hands(meeting);
            const auto expected = (ann & bob) != 0 ? crypto::CipherSuite::kAes256Gcm
                                                   : crypto::CipherSuite::kChaCha20Poly1305;
            EXPECT_EQ(done.ann.keys.suite, expected);
            EXPECT_EQ(done.bob.suite, expected);
            AnyEpoch ann_epoch{done.ann.keys};
            AnyEpoch bob_epoch{done.bob};
            expect_carried(ann_epoch, bob_epoch, "under the suite that was chosen");
        }
    }
}

TEST(Handshake, DerivesKeysOfItsOwnForAes) {
    Meeting meeting{12};
    const auto done = shake_hands(meeting);
    auto noise = crypto::NoiseHandshake::initiator(
        {.local = meeting.ann.keys, .prologue = {}, .psk = meeting.ann.psk},
        meeting.bob.keys.public_key, crypto::KeyPair::generate(meeting.random));
    auto other = crypto::NoiseHandshake::responder(
        {.local = meeting.bob.keys, .prologue = {}, .psk = meeting.bob.psk},
        crypto::KeyPair::generate(meeting.random));
    FixedBytes<96> message_1;
    FixedBytes<48> message_2;
    ASSERT_TRUE(noise.write_message_1({}, message_1) && other.read_message_1(message_1, {}));
    ASSERT_TRUE(other.write_message_2({}, message_2) && noise.read_message_2(message_2, {}));
    const auto chacha = make_epoch_keys(noise, crypto::CipherSuite::kChaCha20Poly1305, {});
    const auto aes = make_epoch_keys(noise, crypto::CipherSuite::kAes256Gcm, {});
    EXPECT_TRUE(same_bytes(chacha.keys.send.bytes(), noise.split().send.bytes()));
    EXPECT_FALSE(same_bytes(chacha.keys.send.bytes(), aes.keys.send.bytes()));
    EXPECT_FALSE(same_bytes(chacha.keys.receive.bytes(), aes.keys.receive.bytes()));
    EXPECT_FALSE(same_bytes(aes.keys.send.bytes(), aes.keys.receive.bytes()));
}

TEST(Handshake, AGroupKeyThatBothHaveWorks) {
    Meeting meeting{13};
    meeting.ann.psk = crypto::Psk{meeting.random.bytes<32>()};
    meeting.bob.psk = meeting.ann.psk.clone();
    const auto done = shake_hands(meeting);
    AnyEpoch ann{done.ann.keys};
    AnyEpoch bob{done.bob};
    expect_carried(ann, bob, "inside the group");
}

}  // namespace
}  // namespace pinhole::session
