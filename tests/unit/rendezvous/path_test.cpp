#include "tests/unit/rendezvous/test_world.hpp"

namespace pinhole::rendezvous::test {
namespace {

class ServerPath : public testing::Test {
  protected:
    ServerPath() {
        alice.enter("alice");
        EXPECT_TRUE(alice.is_registered());
    }
    static constexpr const char* kElsewhere = "198.51.100.200:6666";

    World world;
    TestClient alice{world, "198.51.100.4:4000"};
};

TEST_F(ServerPath, AcknowledgesAKeepaliveOnlyWhenAsked) {
    alice.send(wire::Keepalive{.sequence = 8});
    EXPECT_TRUE(alice.frames.empty());
    alice.send(wire::Keepalive{.wants_ack = true, .sequence = 9});
    const auto acks = alice.take<wire::Keepalive>();
    ASSERT_EQ(acks.size(), 1U);
    EXPECT_TRUE(acks[0].is_ack);
    EXPECT_EQ(acks[0].sequence, 9);
    EXPECT_EQ(acks[0].observed, alice.path.remote);
}

TEST_F(ServerPath, AnotherSourceGetsAChallengeAndNothingElse) {
    const ByteVector keepalive = alice.seal(wire::Keepalive{.wants_ack = true, .sequence = 3});
    alice.send_from(kElsewhere, keepalive);
    ASSERT_EQ(world.strays.size(), 1U);
    EXPECT_EQ(world.strays[0].path.remote, endpoint(kElsewhere));
    EXPECT_LE(world.strays[0].bytes.size(), keepalive.size());
    // The acknowledgement went to the old path, and so does everything that follows.
    EXPECT_EQ(alice.take<wire::Keepalive>().size(), 1U);
    alice.open(world.strays[0].bytes);
    EXPECT_EQ(alice.take<wire::Challenge>().size(), 1U);
    world.advance(10s);
    TestClient bob(world, "203.0.113.9:4000");
    bob.enter("bob");
    bob.ask_for("alice", 1);
    EXPECT_EQ(alice.take<wire::Introduction>().size(), 1U);
    EXPECT_EQ(world.strays.size(), 1U);
}

TEST_F(ServerPath, MovesWithTheResponseFromTheNewSource) {
    alice.send_from(kElsewhere, alice.seal(wire::Keepalive{}));
    alice.open(world.strays.at(0).bytes);
    const auto challenge = alice.take<wire::Challenge>().at(0);
    // From the old path the right answer proves nothing about the new one.
    alice.send(wire::Response{.id = challenge.id});
    alice.send(wire::Keepalive{.wants_ack = true});
    EXPECT_EQ(alice.take<wire::Keepalive>().size(), 1U);
    // From the new one a wrong answer does not either.
    alice.send_from(kElsewhere, alice.seal(wire::Response{.id = {}}));
    EXPECT_EQ(world.server.metrics().happened[Happening::kPathMoved], 0U);

    alice.move_to(kElsewhere);
    alice.send(wire::Response{.id = challenge.id});
    EXPECT_EQ(world.server.metrics().happened[Happening::kPathMoved], 1U);
    alice.frames.clear();
    alice.send(wire::Keepalive{.wants_ack = true});
    EXPECT_EQ(alice.take<wire::Keepalive>().at(0).observed, endpoint(kElsewhere));
}

TEST_F(ServerPath, GetsNoChallengeForADatagramShorterThanIt) {
    // close, release and the like are short; the shortest frame that leaves the session alone is
    // a leave of a room with a short name.
    const ByteVector leave = alice.seal(wire::Leave{.room = id("r")});
    ASSERT_LT(leave.size(), wire::kTransportOverhead + 10U);
    alice.send_from(kElsewhere, leave);
    EXPECT_TRUE(world.strays.empty());
    EXPECT_EQ(world.server.metrics().happened[Happening::kReplyWithheld], 1U);
}

TEST_F(ServerPath, IgnoresReplays) {
    const ByteVector keepalive = alice.seal(wire::Keepalive{.wants_ack = true});
    alice.send(keepalive);
    alice.send(keepalive);
    alice.send_from(kElsewhere, keepalive);
    EXPECT_EQ(alice.take<wire::Keepalive>().size(), 1U);
    EXPECT_TRUE(world.strays.empty());
    EXPECT_EQ(world.server.metrics().drops[Drop::kReplay], 2U);
}

TEST_F(ServerPath, AnswersAnUnknownIndexWithTheTokenItPromised) {
    alice.send(wire::Register{.request = 7, .id = id("alice")});
    const auto token = alice.take<wire::Registered>().at(0).gone_token;
    world.advance(kClientSilence);
    EXPECT_EQ(world.server.registered(), 0U);
    alice.send(wire::Keepalive{.wants_ack = true});
    ASSERT_EQ(alice.gone.size(), 1U);
    EXPECT_EQ(alice.gone[0].index, alice.session->indices().remote);
    EXPECT_EQ(alice.gone[0].token, token);
}

TEST_F(ServerPath, AnswersAnUnknownIndexALimitedNumberOfTimes) {
    world.advance(kClientSilence);
    for (int i = 0; i < 2 * kGoneBurst; ++i) alice.send(alice.seal(wire::Keepalive{}));
    EXPECT_EQ(alice.gone.size(), static_cast<std::size_t>(kGoneBurst));
}

TEST_F(ServerPath, AnswersARekeyAndNamesTheNewToken) {
    const SessionIndex before = alice.session->indices().remote;
    alice.session->start_rekey(world.now, SessionIndex{world.random.u32()}, world.random);
    const auto send_session_frame = [&] {
        ByteBuffer<kDatagramMax> out;
        const std::size_t size =
            alice.session->poll_frame(out.storage().subspan(wire::kTransportHeaderSize));
        ASSERT_GT(size, 0U);
        out.resize(size + wire::kTransportOverhead);
        ASSERT_TRUE(alice.session->seal_in_place(out.bytes()));
        alice.send(Bytes{out.bytes()});
    };
    send_session_frame();
    const auto answer = alice.take<wire::Rekey>();
    ASSERT_EQ(answer.size(), 1U);
    ASSERT_TRUE(alice.session->handle_rekey(world.now, answer[0], {}, world.random).has_value());
    const SessionIndex after = alice.session->indices().remote;
    EXPECT_NE(before, after);
    send_session_frame();  // the keepalive that proves the new keys
    EXPECT_EQ(alice.take<wire::Keepalive>().size(), 1U);
    const auto registered = alice.take<wire::Registered>();
    ASSERT_EQ(registered.size(), 1U);
    EXPECT_EQ(registered[0].request, 0);
    // When the server forgets, the token fits the new index.
    world.advance(kClientSilence);
    alice.send(wire::Keepalive{});
    ASSERT_EQ(alice.gone.size(), 1U);
    EXPECT_EQ(alice.gone[0].index, after);
    EXPECT_EQ(alice.gone[0].token, registered[0].gone_token);
}

TEST_F(ServerPath, EndsWithTheClientsGoodbye) {
    alice.send(wire::Close{});
    EXPECT_EQ(world.server.registered(), 0U);
    EXPECT_EQ(world.server.sizes().sessions, 0U);
    EXPECT_TRUE(alice.frames.empty());
}

TEST(ServerShutdown, SaysGoodbyeAtItsPaceAndTakesNoNewcomers) {
    World world;
    constexpr std::size_t kCrowd = 450;
    std::deque<TestClient> crowd;
    for (std::size_t i = 0; i < kCrowd; ++i) {
        crowd.emplace_back(world, "198.51." + std::to_string(i / 200) + "." +
                                      std::to_string(i % 200 + 1) + ":4000");
        crowd.back().enter("peer" + std::to_string(i));
        ASSERT_TRUE(crowd.back().is_registered());
    }
    std::size_t told = 0;
    const auto count = [&] {
        for (TestClient& one : crowd) {
            for (const auto& close : one.take<wire::Close>()) {
                EXPECT_EQ(close.reason, wire::CloseReason::kShutdown);
                EXPECT_EQ(close.rejoin_window_s, kRejoinWindowMin);
                ++told;
            }
        }
        return told;
    };
    world.server.shutdown(world.now);
    world.settle();
    EXPECT_EQ(count(), 200U);
    TestClient late(world, "203.0.113.9:4000");
    late.start_attempt();
    late.send_initiation(Cookie{});
    EXPECT_EQ(late.retries, 0U);
    world.advance(kGoodbyeTick);
    EXPECT_EQ(count(), 400U);
    EXPECT_TRUE(world.take_events<ShutdownDone>().empty());
    world.advance(kGoodbyeTick);
    EXPECT_EQ(count(), kCrowd);
    EXPECT_EQ(world.take_events<ShutdownDone>().size(), 1U);
    EXPECT_EQ(world.server.next_timeout() > world.now, true);
}

TEST(ServerShutdown, WithNobodyThereIsDoneAtOnce) {
    World world;
    world.server.shutdown(world.now);
    world.settle();
    EXPECT_EQ(world.take_events<ShutdownDone>().size(), 1U);
}

TEST(Foresight, ChangesNothingWhateverComes) {
    World world;
    TestClient alice(world, "198.51.100.4:4000");
    alice.enter("alice");
    const ByteVector keepalive = alice.seal(wire::Keepalive{.wants_ack = true});
    std::vector<ByteVector> batch{keepalive, {}, {std::byte{8}}, {std::byte{8}, std::byte{1}}};
    for (std::size_t i = 0; i < 6; ++i) {
        // The session's index and others, close to it and far from it.
        batch.push_back(keepalive);
        batch.back()[i] ^= std::byte{0x81};
    }
    for (int i = 0; i < 200; ++i) batch.push_back(to_vector(world.random.bytes<40>()));
    for (const auto step : {Server::Foresight::kIndex, Server::Foresight::kSession}) {
        for (const ByteVector& datagram : batch) world.server.foresee(step, datagram);
    }
    EXPECT_FALSE(world.server.poll_transmit());
    alice.frames.clear();
    alice.send(keepalive);
    EXPECT_EQ(alice.take<wire::Keepalive>().size(), 1U);
}

}  // namespace
}  // namespace pinhole::rendezvous::test
