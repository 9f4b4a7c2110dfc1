#include "tests/unit/rendezvous/test_world.hpp"

namespace pinhole::rendezvous::test {
namespace {

class Introduction : public testing::Test {
  protected:
    void enter(wire::AcceptMode mode = wire::AcceptMode::kOpen) {
        alice.enter("alice");
        bob.enter("bob", mode);
        ASSERT_TRUE(alice.is_registered());
        ASSERT_TRUE(bob.is_registered());
    }
    [[nodiscard]] std::uint64_t count(Happening what) {
        return world.server.metrics().happened[what];
    }

    World world;
    TestClient alice{world, "198.51.100.4:4000"};
    TestClient bob{world, "203.0.113.9:5000"};
};

TEST_F(Introduction, TellsBothSidesAtOnce) {
    enter();
    alice.ask_for("bob", 1);
    const auto introduced = alice.take<wire::Introduction>();
    const auto introduction = bob.take<wire::Introduction>();
    ASSERT_EQ(introduced.size(), 1U);
    ASSERT_EQ(introduction.size(), 1U);
    EXPECT_EQ(introduced[0].role, Role::kAsker);
    EXPECT_EQ(introduced[0].id, id("bob"));
    EXPECT_EQ(introduced[0].key, bob.keys.public_key.raw);
    EXPECT_EQ(introduced[0].candidates.size(), 1U);
    EXPECT_EQ(introduced[0].candidates[0].endpoint, bob.path.remote);
    EXPECT_EQ(introduction[0].role, Role::kAnswerer);
    EXPECT_EQ(introduction[0].id, id("alice"));
    EXPECT_EQ(introduction[0].key, alice.keys.public_key.raw);
    EXPECT_EQ(introduction[0].nonce, TestClient::nonce_of(1));
    EXPECT_EQ(introduction[0].candidates[0].endpoint, alice.path.remote);
    EXPECT_EQ(introduction[0].handle, introduced[0].handle);
    EXPECT_NE(introduction[0].handle, RelayHandle{});
    EXPECT_FALSE(introduction[0].answer_first);
}

TEST_F(Introduction, CarriesTheAskersHandshake) {
    enter();
    alice.start_attempt();
    const auto message = alice.attempt->initiation(Cookie{});
    alice.send(wire::Connect{
        .nonce = TestClient::nonce_of(1), .target = id("bob"), .handshake = message.bytes()});
    EXPECT_TRUE(same_bytes(bob.take<wire::Introduction>().at(0).handshake, message.bytes()));
}

TEST_F(Introduction, IsRepeatedUntilItIsAnswered) {
    enter();
    alice.ask_for("bob", 1);
    EXPECT_EQ(bob.take<wire::Introduction>().size(), 1U);
    world.advance(kIntroductionRepeat);
    const auto second = bob.take<wire::Introduction>();
    ASSERT_EQ(second.size(), 1U);
    EXPECT_EQ(second[0].candidates.size(), 1U);  // a whole copy, candidates included
    bob.send(wire::Accept{.nonce = TestClient::nonce_of(1)});
    world.advance(5s);
    EXPECT_TRUE(bob.take<wire::Introduction>().empty());
    EXPECT_TRUE(alice.take<wire::Error>().empty());
}

TEST_F(Introduction, WithoutAnAnswerEndsInUnreachable) {
    enter();
    alice.ask_for("bob", 1);
    world.advance(kIntroductionRepeat * kIntroductionRepeats);
    EXPECT_EQ(bob.take<wire::Introduction>().size(), 1U + kIntroductionRepeats);
    EXPECT_TRUE(alice.take<wire::Error>().empty());
    world.advance(kIntroductionRepeat);
    const auto errors = alice.take<wire::Error>();
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].code, wire::ErrorCode::kUnreachable);
    EXPECT_EQ(errors[0].nonce, TestClient::nonce_of(1));
    world.advance(5s);
    EXPECT_TRUE(bob.take<wire::Introduction>().empty());
}

TEST_F(Introduction, IsIdempotentByPairAndNonce) {
    enter();
    alice.ask_for("bob", 1);
    bob.send(wire::Accept{.nonce = TestClient::nonce_of(1)});
    const RelayHandle handle = alice.take<wire::Introduction>().at(0).handle;
    static_cast<void>(bob.take<wire::Introduction>());
    for (int i = 0; i < 5; ++i) {
        world.advance(50ms);
        alice.ask_for("bob", 1);
    }
    const auto again = alice.take<wire::Introduction>();
    ASSERT_EQ(again.size(), 5U);
    for (const auto& copy : again) {
        EXPECT_EQ(copy.handle, handle);
        EXPECT_EQ(copy.candidates.size(), 1U);
    }
    EXPECT_TRUE(bob.take<wire::Introduction>().empty());
    EXPECT_EQ(world.server.sizes().introductions, 1U);
    EXPECT_EQ(count(Happening::kIntroductionMade), 1U);
}

TEST_F(Introduction, IsForgottenTenSecondsAfterItsLastFrame) {
    enter();
    alice.ask_for("bob", 1);
    bob.send(wire::Accept{.nonce = TestClient::nonce_of(1)});
    world.advance(kIntroductionLifetime - 1ms);
    EXPECT_EQ(world.server.sizes().introductions, 1U);
    world.advance(1ms);
    EXPECT_EQ(world.server.sizes().introductions, 0U);
}

TEST_F(Introduction, NeedsARegistrationButForgivesOvertaking) {
    enter();
    TestClient carol(world, "192.0.2.3:4000");
    carol.handshake();
    carol.ask_for("bob", 1);  // overtook its register
    EXPECT_TRUE(carol.take<wire::Error>().empty());
    world.advance(kRegisterGrace);
    carol.ask_for("bob", 1);
    EXPECT_EQ(carol.take<wire::Error>().at(0).code, wire::ErrorCode::kNotRegistered);
    EXPECT_TRUE(bob.take<wire::Introduction>().empty());
}

TEST_F(Introduction, AskedForTooEarlyComesWithTheRegistration) {
    enter();
    TestClient carol(world, "192.0.2.3:4000");
    carol.handshake();
    carol.ask_for("bob", 1);
    carol.ask_for("bob", 1);  // a repetition is the same wish
    EXPECT_EQ(world.server.sizes().early_connects, 1U);
    EXPECT_TRUE(bob.frames.empty());
    world.advance(kRegisterGrace - 1ms);
    carol.send(wire::Register{.request = ++carol.request, .id = id("carol")});
    EXPECT_TRUE(carol.is_registered());
    EXPECT_EQ(carol.take<wire::Introduction>().size(), 1U);
    const auto introduction = bob.take<wire::Introduction>();
    ASSERT_EQ(introduction.size(), 1U);
    EXPECT_EQ(introduction[0].id, id("carol"));
    EXPECT_EQ(world.server.sizes().early_connects, 0U);
}

TEST_F(Introduction, AskedForTooEarlyWaitsForTheStoreWithTheRegistration) {
    enter();
    world.stores_claims = false;
    TestClient carol(world, "192.0.2.3:4000");
    carol.enter("carol");
    carol.start_attempt();
    const auto message = carol.attempt->initiation(Cookie{});
    carol.send(wire::Connect{
        .nonce = TestClient::nonce_of(1), .target = id("bob"), .handshake = message.bytes()});
    EXPECT_TRUE(bob.frames.empty());
    const Claim claim = std::get<Claim>(world.take_events<StoreRequest>().back().op);
    world.server.handle_stored(world.now, {.claim = claim, .stored = true});
    world.settle();
    EXPECT_TRUE(carol.is_registered());
    EXPECT_TRUE(same_bytes(bob.take<wire::Introduction>().at(0).handshake, message.bytes()));
}

TEST_F(Introduction, AskedForTooEarlyIsForgottenWithAFailedRegistration) {
    enter();
    TestClient thief(world, "192.0.2.3:4000");
    thief.handshake();
    thief.ask_for("bob", 1);
    thief.send(wire::Register{.request = ++thief.request, .id = id("alice")});
    EXPECT_EQ(thief.take<wire::Error>().at(0).code, wire::ErrorCode::kIdTaken);
    EXPECT_TRUE(bob.frames.empty());
    world.advance(kRegisterGrace);
    // Another id, later: what it once asked for is no wish of that registration.
    thief.send(wire::Register{.request = ++thief.request, .id = id("eve")});
    EXPECT_TRUE(thief.is_registered());
    EXPECT_TRUE(bob.frames.empty());
}

TEST_F(Introduction, AskedForTooEarlyIsBoundedForOneSession) {
    enter();
    TestClient eve(world, "192.0.2.3:4000");
    eve.handshake();
    for (std::uint8_t nonce = 1; nonce < 100; ++nonce) eve.ask_for("bob", nonce);
    EXPECT_EQ(world.server.sizes().early_connects, kEarlyConnectsPerSession);
    EXPECT_TRUE(eve.frames.empty());
}

TEST(EarlyConnects, AreBoundedInAllAndMakeRoomWhenTheyExpire) {
    EarlyConnects kept;
    std::uint32_t session = 0;
    while (kept.keep(Instant{}, SessionIndex{session}, {})) ++session;
    EXPECT_EQ(session, kEarlyConnectsMax);
    EXPECT_FALSE(kept.keep(Instant{} + kRegisterGrace - 1us, SessionIndex{session}, {}));
    EXPECT_TRUE(kept.keep(Instant{} + kRegisterGrace, SessionIndex{session}, {}));
    EXPECT_EQ(kept.size(), 1U);
    kept.take(Instant{} + 2 * kRegisterGrace, SessionIndex{session},
              [](const wire::Connect&) { ADD_FAILURE() << "it is too old"; });
    EXPECT_EQ(kept.size(), 0U);
}

TEST_F(Introduction, AskedFirstRevealsNothingBeforeTheAnswer) {
    enter(wire::AcceptMode::kAsk);
    alice.ask_for("bob", 1, {{.endpoint = endpoint("198.51.100.4:4001")}});
    EXPECT_TRUE(alice.frames.empty());
    const auto question = bob.take<wire::Introduction>();
    ASSERT_EQ(question.size(), 1U);
    EXPECT_TRUE(question[0].answer_first);
    EXPECT_EQ(question[0].id, id("alice"));
    EXPECT_EQ(question[0].key, alice.keys.public_key.raw);
    EXPECT_TRUE(question[0].candidates.empty());
    EXPECT_EQ(question[0].handle, RelayHandle{});
    EXPECT_EQ(world.server.sizes().relay_pairs, 0U);
    alice.send(wire::Trickle{.nonce = TestClient::nonce_of(1),
                             .candidates = {{.endpoint = endpoint("198.51.100.4:4002")}}});
    EXPECT_TRUE(bob.take<wire::Trickle>().empty());

    bob.send(wire::Accept{.nonce = TestClient::nonce_of(1)});
    EXPECT_EQ(alice.take<wire::Introduction>().size(), 1U);
    const auto offer = bob.take<wire::Introduction>();
    ASSERT_EQ(offer.size(), 1U);
    EXPECT_FALSE(offer[0].answer_first);
    EXPECT_EQ(offer[0].candidates.size(), 3U);
    EXPECT_NE(offer[0].handle, RelayHandle{});
    // The offer is repeated until it is acknowledged as well.
    world.advance(kIntroductionRepeat);
    EXPECT_EQ(bob.take<wire::Introduction>().size(), 1U);
    bob.send(wire::Accept{.nonce = TestClient::nonce_of(1)});
    world.advance(1s);
    EXPECT_TRUE(bob.take<wire::Introduction>().empty());
}

TEST_F(Introduction, ResumeOfALivePairDoesNotAskAgain) {
    enter(wire::AcceptMode::kAsk);
    alice.ask_for("bob", 1);
    bob.send(wire::Accept{.nonce = TestClient::nonce_of(1)});
    bob.send(wire::Accept{.nonce = TestClient::nonce_of(1)});
    const RelayHandle handle = alice.take<wire::Introduction>().at(0).handle;
    static_cast<void>(bob.take<wire::Introduction>());
    alice.send(wire::Connect{
        .nonce = TestClient::nonce_of(2), .resume = true, .target = id("bob"), .candidates = {}});
    const auto resumed = bob.take<wire::Introduction>();
    ASSERT_EQ(resumed.size(), 1U);
    EXPECT_TRUE(resumed[0].resume);
    EXPECT_FALSE(resumed[0].answer_first);
    EXPECT_EQ(resumed[0].handle, handle);
}

TEST_F(Introduction, CrossingOnesAreTwoWithOneHandle) {
    enter();
    alice.ask_for("bob", 1);
    bob.ask_for("alice", 2);
    const auto at_alice = alice.take<wire::Introduction>();
    ASSERT_EQ(at_alice.size(), 2U);
    EXPECT_EQ(at_alice[0].role, Role::kAsker);
    EXPECT_EQ(at_alice[1].role, Role::kAnswerer);
    EXPECT_EQ(at_alice[0].handle, at_alice[1].handle);
    EXPECT_EQ(world.server.sizes().relay_pairs, 1U);
}

TEST_F(Introduction, IsOpenToItsTwoSidesAlone) {
    enter();
    TestClient mallory(world, "192.0.2.66:4000");
    mallory.enter("mallory");
    alice.ask_for("bob", 1);
    static_cast<void>(alice.take<wire::Introduction>());
    mallory.send(wire::Accept{.nonce = TestClient::nonce_of(1),
                              .candidates = {{.endpoint = mallory.path.remote}}});
    mallory.send(wire::Refuse{.nonce = TestClient::nonce_of(1)});
    mallory.send(wire::Trickle{.nonce = TestClient::nonce_of(1),
                               .candidates = {{.endpoint = mallory.path.remote}}});
    mallory.ask_for("bob", 1);
    EXPECT_EQ(world.server.metrics().drops[Drop::kUnexpected], 4U);
    EXPECT_TRUE(alice.frames.empty());
}

TEST_F(Introduction, OfOneAskerIsBudgeted) {
    enter();
    for (int i = 0; i < kIntroductionBurst; ++i) {
        alice.ask_for("bob", static_cast<std::uint8_t>(1 + i));
    }
    EXPECT_TRUE(alice.take<wire::Error>().empty());
    alice.ask_for("bob", 200);
    EXPECT_EQ(alice.take<wire::Error>().at(0).code, wire::ErrorCode::kLimit);
    bob.ask_for("alice", 201);  // everybody has a budget of his own
    EXPECT_TRUE(bob.take<wire::Error>().empty());
}

TEST_F(Introduction, TricklesProvenCandidatesOfTheAnswer) {
    enter();
    alice.ask_for("bob", 1);
    const Cookie cookie = [&] {
        TestClient other_socket(world, "192.0.2.77:6000");
        other_socket.start_attempt();
        other_socket.send_initiation(Cookie{});
        return other_socket.cookie;
    }();
    bob.send(wire::Accept{.nonce = TestClient::nonce_of(1),
                          .candidates = {{.endpoint = endpoint("192.0.2.77:6000"), .proof = cookie},
                                         {.endpoint = endpoint("192.0.2.99:6000"), .proof = cookie},
                                         {.type = wire::CandidateType::kMapped,
                                          .endpoint = endpoint("203.0.113.9:7777")}}});
    const auto trickled = alice.take<wire::Trickle>();
    ASSERT_EQ(trickled.size(), 1U);
    ASSERT_EQ(trickled[0].candidates.size(), 2U);
    EXPECT_EQ(trickled[0].candidates[0].endpoint, endpoint("192.0.2.77:6000"));
    EXPECT_FALSE(trickled[0].candidates[0].proof.has_value());
    EXPECT_EQ(trickled[0].candidates[1].endpoint, endpoint("203.0.113.9:7777"));
}

}  // namespace
}  // namespace pinhole::rendezvous::test
