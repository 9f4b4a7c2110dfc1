#include "tests/unit/rendezvous/test_world.hpp"

namespace pinhole::rendezvous::test {
namespace {

TEST(Registration, TellsTheClientWhereItIsSeen) {
    World world;
    TestClient alice(world, "198.51.100.4:4000");
    alice.enter("alice");
    const auto registered = alice.take<wire::Registered>();
    ASSERT_EQ(registered.size(), 1U);
    EXPECT_EQ(registered[0].request, 1);
    EXPECT_EQ(registered[0].observed, endpoint("198.51.100.4:4000"));
    EXPECT_EQ(registered[0].rejoin_window_s, kRejoinWindowMin);
    EXPECT_EQ(world.server.registered(), 1U);
}

TEST(Registration, OfANewIdWaitsForTheStore) {
    World world;
    world.stores_claims = false;
    TestClient alice(world, "198.51.100.4:4000");
    alice.enter("alice");
    EXPECT_FALSE(alice.is_registered());
    const auto requests = world.take_events<StoreRequest>();
    ASSERT_EQ(requests.size(), 1U);
    const Claim claim = std::get<Claim>(requests[0].op);
    EXPECT_EQ(claim, (Claim{.id = id("alice"), .key = alice.keys.public_key, .at = kToday}));
    // A repetition does not ask the store again.
    alice.send(wire::Register{.request = 2, .id = id("alice")});
    EXPECT_TRUE(world.take_events<StoreRequest>().empty());

    world.server.handle_stored(world.now, {.claim = claim, .stored = true});
    world.settle();
    EXPECT_TRUE(alice.is_registered());
    EXPECT_EQ(world.take_events<PeerOnline>().size(), 1U);
}

TEST(Registration, FailsWhenTheStoreFailsAndLeavesTheIdFree) {
    World world;
    world.stores_claims = false;
    TestClient alice(world, "198.51.100.4:4000");
    alice.enter("alice");
    const Claim claim = std::get<Claim>(world.take_events<StoreRequest>().at(0).op);
    world.server.handle_stored(world.now, {.claim = claim, .stored = false});
    world.settle();
    EXPECT_EQ(alice.take<wire::Error>().at(0).code, wire::ErrorCode::kStorage);
    world.stores_claims = true;
    TestClient other(world, "198.51.100.5:4000");
    other.enter("alice");
    EXPECT_TRUE(other.is_registered());
}

TEST(Registration, OfALoadedIdNeverWaits) {
    World world;
    world.stores_claims = false;
    TestClient alice(world, "198.51.100.4:4000");
    world.server.load({.id = id("alice"),
                       .key = alice.keys.public_key,
                       .first_seen = kToday,
                       .last_proof = kToday});
    alice.enter("alice");
    EXPECT_TRUE(alice.is_registered());
    EXPECT_TRUE(world.take_events<StoreRequest>().empty());
}

TEST(Registration, OfAnotherKeysIdIsRefusedWhileTheOwnerIsAway) {
    World world;
    TestClient owner(world, "198.51.100.4:4000");
    world.server.load({.id = id("alice"),
                       .key = owner.keys.public_key,
                       .first_seen = kToday,
                       .last_proof = kToday - std::chrono::days{30}});
    TestClient thief(world, "198.51.100.5:4000");
    thief.enter("alice");
    EXPECT_EQ(thief.take<wire::Error>().at(0).code, wire::ErrorCode::kIdTaken);
    EXPECT_FALSE(thief.is_registered());
}

TEST(Registration, AnIdIsFreeAgainThirtyDaysAfterItsLastProof) {
    World world;
    TestClient owner(world, "198.51.100.4:4000");
    world.server.load({.id = id("alice"),
                       .key = owner.keys.public_key,
                       .first_seen = kToday,
                       .last_proof = kToday - std::chrono::days{30} - std::chrono::seconds{1}});
    TestClient heir(world, "198.51.100.5:4000");
    heir.enter("alice");
    EXPECT_TRUE(heir.is_registered());
    owner.enter("alice");
    EXPECT_EQ(owner.take<wire::Error>().at(0).code, wire::ErrorCode::kIdTaken);
}

TEST(Registration, NotesTheLastProofOnceADay) {
    World world;
    TestClient alice(world, "198.51.100.4:4000");
    alice.enter("alice");
    static_cast<void>(world.take_events<StoreRequest>());
    for (int i = 0; i < 3 * 24 * 60; ++i) {
        world.advance(1min);
        alice.send(wire::Keepalive{.wants_ack = true});
    }
    const auto requests = world.take_events<StoreRequest>();
    ASSERT_EQ(requests.size(), 3U);
    EXPECT_EQ(std::get<Touch>(requests[0].op),
              (Touch{.id = id("alice"), .at = kToday + std::chrono::days{1}}));
}

TEST(Registration, OfAnotherProcessWithTheSameKeyDisplacesTheOlderOne) {
    World world;
    TestClient first(world, "198.51.100.4:4000");
    first.enter("alice");
    TestClient second(world, "198.51.100.5:4000", first);
    second.enter("alice");
    EXPECT_TRUE(second.is_registered());
    EXPECT_EQ(first.take<wire::Close>().at(0).reason, wire::CloseReason::kReplaced);
    EXPECT_EQ(world.server.registered(), 1U);
    EXPECT_EQ(world.server.sizes().sessions, 1U);
}

TEST(Registration, FollowsANewHandshakeOfTheSameProcessInSilence) {
    World world;
    TestClient alice(world, "198.51.100.4:4000");
    alice.enter("alice");
    TestClient bob(world, "203.0.113.9:4000");
    bob.enter("bob");
    bob.ask_for("alice", 1);
    const RelayHandle handle = bob.take<wire::Introduction>().at(0).handle;

    alice.move_to("198.51.100.77:5000");
    alice.enter("alice");
    EXPECT_TRUE(alice.is_registered());
    EXPECT_TRUE(alice.take<wire::Close>().empty());
    EXPECT_EQ(world.server.sizes().sessions, 2U);
    // What others know of her holds: the relay finds her new session.
    const ByteVector message(60, std::byte{8});
    bob.send(wire::Relay{.handle = handle, .message = message});
    EXPECT_EQ(alice.take<wire::Relay>().size(), 1U);
}

TEST(Registration, ThatFlapsIsRefusedOnBothSidesForAMinute) {
    World world;
    TestClient a(world, "198.51.100.4:4000");
    TestClient b(world, "198.51.100.5:4000", a);
    a.enter("alice");
    for (int flip = 1; flip <= kFlipsMax; ++flip) {
        TestClient& next = flip % 2 == 1 ? b : a;
        next.enter("alice");
        EXPECT_TRUE(next.is_registered()) << "flip " << flip;
    }
    a.enter("alice");
    EXPECT_EQ(a.take<wire::Error>().at(0).code, wire::ErrorCode::kFlapping);
    const auto to_the_other = b.take<wire::Error>();
    ASSERT_EQ(to_the_other.size(), 1U);
    EXPECT_EQ(to_the_other[0].code, wire::ErrorCode::kFlapping);
    EXPECT_EQ(to_the_other[0].request, b.request);
    EXPECT_EQ(world.server.registered(), 0U);

    world.advance(kFlappingBackoff - 1s);
    b.enter("alice");
    EXPECT_EQ(b.take<wire::Error>().at(0).code, wire::ErrorCode::kFlapping);
    world.advance(1s);
    b.enter("alice");
    EXPECT_TRUE(b.is_registered());
}

TEST(Registration, EndsWithSilenceAndNotBefore) {
    World world;
    TestClient alice(world, "198.51.100.4:4000");
    alice.enter("alice");
    for (int i = 0; i < 30; ++i) {
        world.advance(20s);
        alice.send(wire::Keepalive{});
    }
    EXPECT_EQ(world.server.registered(), 1U);
    world.advance(kClientSilence - 1ms);
    EXPECT_EQ(world.server.registered(), 1U);
    world.advance(1ms);
    EXPECT_EQ(world.server.registered(), 0U);
    EXPECT_EQ(world.server.sizes().sessions, 0U);
    EXPECT_EQ(world.take_events<PeerOffline>().at(0).why, PeerOffline::Why::kSilent);
}

TEST(Registration, IsNeededForASessionToLast) {
    World world;
    TestClient nobody(world, "198.51.100.4:4000");
    nobody.handshake();
    nobody.send(wire::Keepalive{});
    EXPECT_EQ(world.server.sizes().sessions, 1U);
    for (int i = 0; i < 10; ++i) {
        world.advance(1s);
        nobody.send(wire::Keepalive{});
    }
    EXPECT_EQ(world.server.sizes().sessions, 0U);
}

TEST(Registration, IsReleasedByItsOwnerAlone) {
    World world;
    TestClient alice(world, "198.51.100.4:4000");
    alice.enter("alice");
    TestClient mallory(world, "203.0.113.66:4000");
    mallory.handshake();
    mallory.send(wire::Release{.id = id("alice")});
    EXPECT_EQ(mallory.take<wire::Error>().at(0).code, wire::ErrorCode::kIdTaken);
    EXPECT_EQ(world.server.registered(), 1U);
    static_cast<void>(world.take_events<StoreRequest>());

    alice.send(wire::Release{.id = id("alice")});
    EXPECT_EQ(alice.take<wire::Close>().at(0).reason, wire::CloseReason::kReleased);
    EXPECT_EQ(world.server.registry().find(id("alice")), nullptr);
    const auto requests = world.take_events<StoreRequest>();
    EXPECT_EQ(std::get<Unclaim>(requests.at(0).op), Unclaim{id("alice")});
}

TEST(Registration, NewIdsOfOnePrefixAreBudgeted) {
    World world;
    TestClient many(world, "198.51.100.4:4000");
    many.handshake();
    for (int i = 0; i < kSuspicionBurst; ++i) {
        many.send(wire::Register{.request = 1, .id = id("id" + std::to_string(i))});
    }
    EXPECT_EQ(many.take<wire::Registered>().size(), static_cast<std::size_t>(kSuspicionBurst));
    many.send(wire::Register{.request = 1, .id = id("one.more")});
    EXPECT_EQ(many.take<wire::Error>().at(0).code, wire::ErrorCode::kLimit);
    world.advance(kSuspicionInterval);
    many.send(wire::Register{.request = 1, .id = id("one.more")});
    EXPECT_TRUE(many.is_registered());
    EXPECT_EQ(world.server.registered(), 1U);  // one id for one session
}

}  // namespace
}  // namespace pinhole::rendezvous::test
