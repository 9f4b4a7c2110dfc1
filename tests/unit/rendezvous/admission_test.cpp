#include "tests/unit/rendezvous/test_world.hpp"

namespace pinhole::rendezvous::test {
namespace {

using Count = std::uint64_t;

TEST(Admission, WithoutACookieAnswersARetryAndKeepsNothing) {
    World world;
    TestClient alice(world, "198.51.100.4:4000");
    alice.start_attempt();
    for (int i = 0; i < 5; ++i) alice.send_initiation(Cookie{});
    EXPECT_EQ(alice.retries, 5U);
    EXPECT_EQ(alice.responses, 0U);
    EXPECT_EQ(world.server.sizes().half_open, 0U);
    EXPECT_EQ(world.server.metrics().happened[Happening::kHandshakeAnswered], Count{0});
    EXPECT_EQ(world.server.next_timeout(), kNever);
}

TEST(Admission, RefusesTheCookieOfAnotherEndpoint) {
    World world;
    TestClient alice(world, "198.51.100.4:4000");
    alice.start_attempt();
    alice.send_initiation(Cookie{});
    TestClient mallory(world, "198.51.100.4:4001");
    mallory.start_attempt();
    mallory.send_initiation(alice.cookie);
    EXPECT_EQ(mallory.retries, 1U);
    EXPECT_EQ(mallory.responses, 0U);
}

TEST(Admission, TellsACookieBeforeItLooksAtMac1) {
    World world;
    TestClient alice(world, "198.51.100.4:4000");
    alice.start_attempt();
    alice.send_initiation(Cookie{});
    auto broken = to_vector(alice.attempt->initiation(alice.cookie).bytes());
    broken[20] ^= std::byte{1};
    alice.send(broken);
    EXPECT_EQ(world.server.metrics().drops[Drop::kBadMac], Count{1});
    EXPECT_EQ(alice.responses, 0U);
    EXPECT_EQ(world.server.next_timeout(), kNever);
}

TEST(Admission, AnswersCopiesOfOneAttemptIdenticallyWithoutAnotherHandshake) {
    World world;
    TestClient alice(world, "198.51.100.4:4000");
    alice.handshake();
    alice.send_initiation(alice.cookie);
    alice.send_initiation(alice.cookie);
    EXPECT_EQ(alice.responses, 3U);
    EXPECT_EQ(world.server.metrics().happened[Happening::kHandshakeAnswered], Count{1});
    EXPECT_EQ(world.server.sizes().half_open, 1U);
    // Also when the session was proven in the meantime.
    alice.send(wire::Keepalive{});
    alice.send_initiation(alice.cookie);
    EXPECT_EQ(alice.responses, 4U);
    EXPECT_EQ(world.server.metrics().happened[Happening::kHandshakeAnswered], Count{1});
    EXPECT_EQ(world.server.sizes().sessions, 1U);
}

TEST(Admission, ForgetsAHandshakeThatIsNotProven) {
    World world;
    TestClient alice(world, "198.51.100.4:4000");
    alice.handshake();
    world.advance(session::kAttemptLifetime);
    EXPECT_EQ(world.server.sizes().half_open, 0U);
    alice.send(wire::Register{.request = 1, .id = id("alice")});
    EXPECT_EQ(world.server.sizes().sessions, 0U);
    EXPECT_EQ(alice.gone.size(), 1U);
}

TEST(Admission, AHandshakeAloneReplacesNothing) {
    World world;
    TestClient alice(world, "198.51.100.4:4000");
    alice.enter("alice");
    const auto old_session = std::exchange(alice.session, std::nullopt);
    EXPECT_TRUE(old_session.has_value());
    alice.handshake();  // without a transport message behind it
    EXPECT_EQ(world.server.sizes().sessions, 1U);
    EXPECT_EQ(world.server.registered(), 1U);
}

TEST(Admission, TransportComesFirstAndInitiationsAFewPerTurn) {
    World world;
    std::deque<TestClient> crowd;
    for (int i = 0; i < 20; ++i) {
        crowd.emplace_back(world, "198.51.100." + std::to_string(i + 1) + ":4000");
        crowd.back().start_attempt();
        crowd.back().send_initiation(Cookie{});
    }
    TestClient alice(world, "203.0.113.4:4000");
    alice.enter("alice");
    const Count before = world.server.metrics().happened[Happening::kHandshakeAnswered];
    const auto answered = [&] {
        return world.server.metrics().happened[Happening::kHandshakeAnswered] - before;
    };

    for (TestClient& one : crowd) {
        const auto initiation = one.attempt->initiation(one.cookie);
        world.server.handle_datagram(world.now, {one.path, initiation.bytes()});
    }
    const ByteVector keepalive = alice.seal(wire::Keepalive{.wants_ack = true});
    world.server.handle_datagram(world.now, {alice.path, keepalive});
    world.drain();
    EXPECT_EQ(alice.take<wire::Keepalive>().size(), 1U);
    EXPECT_EQ(answered(), Count{0});
    EXPECT_EQ(world.server.next_timeout(), world.now);
    world.server.handle_timeout(world.now);
    EXPECT_EQ(answered(), kInitiationsPerTurn);
    world.server.handle_timeout(world.now);
    world.server.handle_timeout(world.now);
    EXPECT_EQ(answered(), Count{20});
    EXPECT_GT(world.server.next_timeout(), world.now);
}

TEST(Admission, BoundsTheHandshakesOfOnePrefix) {
    World world;
    TestClient alice(world, "198.51.100.4:4000");
    for (int i = 0; i < 200; ++i) {
        alice.start_attempt();
        if (i == 0) alice.send_initiation(Cookie{});
        alice.send_initiation(alice.cookie);
    }
    EXPECT_EQ(alice.responses, static_cast<std::size_t>(kHandshakeBurst));
    TestClient neighbor(world, "198.51.100.5:4000");
    neighbor.handshake();
    EXPECT_TRUE(neighbor.session.has_value());
    // Half-open sessions are bounded however slowly they come.
    for (int i = 0; i < 200; ++i) {
        world.advance(kHandshakeInterval / 4);
        alice.start_attempt();
        alice.send_initiation(alice.cookie);
    }
    EXPECT_LE(world.server.sizes().half_open, kHalfOpenPerPrefix + 1);
    EXPECT_GT(alice.responses, kHalfOpenPerPrefix - 10);
}

TEST(Admission, ProofMeasuresTheRoundTripForTheHeadStart) {
    World world;
    TestClient near(world, "198.51.100.4:4000");
    near.handshake();
    world.advance(20ms);
    near.send(wire::Register{.request = 1, .id = id("near")});
    TestClient far(world, "203.0.113.4:4000");
    far.handshake();
    world.advance(220ms);
    far.send(wire::Register{.request = 1, .id = id("far")});
    near.ask_for("far", 1);
    EXPECT_EQ(near.take<wire::Introduction>().at(0).fire_in_us, 200'000U);
    EXPECT_EQ(far.take<wire::Introduction>().at(0).fire_in_us, 0U);
}

TEST(Admission, ChoosesTheCipherWithoutExpandedKeysWhateverIsOffered) {
    World world;
    TestClient alice(world, "198.51.100.4:4000");
    alice.features = static_cast<std::uint32_t>(wire::Feature::kAes256Gcm);
    alice.enter("alice");
    ASSERT_TRUE(alice.is_registered());
    EXPECT_EQ(alice.session->suite(), crypto::CipherSuite::kChaCha20Poly1305);
}

}  // namespace
}  // namespace pinhole::rendezvous::test
