// Clients that reach the server over TCP, as the core sees it: a path that is a stream.
#include "tests/unit/rendezvous/test_world.hpp"

namespace pinhole::rendezvous::test {
namespace {

class Stream : public testing::Test {
  protected:
    static constexpr const char* kWhere = "198.51.100.4:40000";

    /// A connection from `where` was accepted.
    Path accept(std::string_view where) {
        const Path path{SocketId{kStreamBit | kAcceptedBit | next_++}, endpoint(where)};
        world.server.handle_io_event(world.now, StreamOpened{.socket = path.socket,
                                                             .local = endpoint("192.0.2.1:3478"),
                                                             .remote = path.remote,
                                                             .is_accepted = true});
        return path;
    }
    void hang_up(const TestClient& client) {
        world.server.handle_io_event(world.now, StreamClosed{client.path.socket});
    }
    void enter_alice() {
        alice.path = accept(kWhere);
        alice.start_attempt();
        alice.send_initiation(Cookie{});
        ASSERT_TRUE(alice.session.has_value());
        alice.send(wire::Register{.request = 1, .id = id("alice")});
        ASSERT_TRUE(alice.is_registered());
    }
    void enter_bob() {
        bob.enter("bob");
        ASSERT_TRUE(bob.is_registered());
    }
    [[nodiscard]] std::uint64_t count(Happening what) {
        return world.server.metrics().happened[what];
    }
    [[nodiscard]] std::uint64_t count(Drop why) { return world.server.metrics().drops[why]; }
    std::vector<SocketId> closed_by_server() {
        std::vector<SocketId> out;
        while (const auto request = world.server.poll_io_request()) {
            out.push_back(std::get<CloseSocket>(*request).socket);
        }
        return out;
    }

    World world;
    TestClient alice{world, kWhere};
    TestClient bob{world, "203.0.113.9:5000"};
    std::uint32_t next_ = 0;
};

TEST_F(Stream, AnInitiationNeedsNoCookie) {
    enter_alice();
    EXPECT_EQ(alice.retries, 0U);
    EXPECT_EQ(alice.responses, 1U);
    EXPECT_EQ(world.server.sizes().streams, 1U);
}

TEST_F(Stream, AnInitiationCostsTheSameQuotaAsOverUdp) {
    alice.path = accept(kWhere);
    for (int i = 0; i < kHandshakeBurst + 1; ++i) {
        alice.start_attempt();
        alice.send_initiation(Cookie{});
    }
    EXPECT_EQ(count(Happening::kHandshakeAnswered), static_cast<unsigned>(kHandshakeBurst));
    EXPECT_EQ(count(Drop::kLimit), 1U);
}

TEST_F(Stream, ABindingRequestGetsTheKeyAndNoCookie) {
    const Path path = accept("198.51.100.77:5");
    FixedBytes<wire::kBindingRequestSize> request;
    wire::encode(wire::BindingRequest{.wants_server_key = true, .transaction = {std::byte{9}}},
                 request);
    world.deliver(path, request);
    ASSERT_EQ(world.strays.size(), 1U);
    EXPECT_EQ(world.strays[0].path, path);
    const auto response = wire::parse_binding_response(world.strays[0].bytes);
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->server_key, world.server.public_key().raw);
    EXPECT_EQ(response->transaction[0], std::byte{9});
    EXPECT_EQ(response->cookie, Cookie{});
    EXPECT_TRUE(response->other_endpoints.empty());
}

TEST_F(Stream, OtherMessagesWithoutASessionGetNoAnswer) {
    const Path path = accept("198.51.100.77:5");
    FixedBytes<wire::kBindingRequestSize> request;
    wire::encode(wire::BindingRequest{}, request);
    world.deliver(path, request);
    EXPECT_EQ(count(Drop::kUnexpected), 1U);
    // A session that the server does not know: over UDP the answer would be `gone`.
    ByteVector transport(64, std::byte{0});
    Writer{transport}.u8(static_cast<std::uint8_t>(wire::Kind::kTransport)).u8(1).u32(77);
    world.deliver(path, transport);
    EXPECT_EQ(count(Drop::kUnknownSession), 1U);
    EXPECT_TRUE(world.strays.empty());
}

TEST_F(Stream, WithoutAProvenSessionItIsClosedAfterFiveSeconds) {
    enter_alice();
    const Path idle = accept("198.51.100.5:1");
    // An answered handshake is no proof.
    TestClient mute{world, "198.51.100.6:1"};
    mute.path = accept("198.51.100.6:1");
    mute.start_attempt();
    mute.send_initiation(Cookie{});
    world.advance(kStreamProofTime - 1ms);
    EXPECT_TRUE(closed_by_server().empty());
    world.advance(1ms);
    EXPECT_EQ(closed_by_server(), (std::vector{idle.socket, mute.path.socket}));
    EXPECT_EQ(count(Happening::kStreamRefused), 2U);
    EXPECT_EQ(world.server.sizes().streams, 1U);
    // What was under way when it was closed meets nobody.
    mute.start_attempt();
    mute.send_initiation(Cookie{});
    EXPECT_EQ(mute.responses, 1U);
    EXPECT_EQ(count(Drop::kStale), 1U);
}

TEST_F(Stream, NothingIsSentToOneThatEnded) {
    enter_alice();
    enter_bob();
    alice.ask_for("bob", 1);
    const auto handle = bob.take<wire::Introduction>().at(0).handle;
    alice.frames.clear();
    hang_up(alice);
    const ByteVector message(40, std::byte{8});
    bob.send(wire::Relay{.handle = handle, .message = message});
    EXPECT_TRUE(alice.frames.empty());
    EXPECT_EQ(count(Happening::kStreamGone), 1U);
    // The client is there until it was silent for as long as any other.
    EXPECT_EQ(world.server.registered(), 2U);
    bob.send(wire::Keepalive{});
    world.advance(kClientSilence);
    EXPECT_EQ(world.server.registered(), 0U);
}

TEST_F(Stream, ANewStreamTakesTheOldOnesPlace) {
    enter_alice();
    enter_bob();
    alice.ask_for("bob", 1);
    const auto handle = bob.take<wire::Introduction>().at(0).handle;
    hang_up(alice);
    alice.move_to("198.51.100.4:40001");
    alice.path = accept("198.51.100.4:40001");
    alice.start_attempt();
    alice.send_initiation(Cookie{});
    alice.send(wire::Register{.request = 2, .id = id("alice")});
    ASSERT_TRUE(alice.is_registered());
    EXPECT_EQ(world.server.registered(), 2U);
    const ByteVector message(40, std::byte{8});
    bob.send(wire::Relay{.handle = handle, .message = message});
    EXPECT_EQ(alice.take<wire::Relay>().size(), 1U) << "the same process keeps its relay handles";
}

TEST_F(Stream, RelaysBothWaysWithAClientOverUdp) {
    enter_alice();
    enter_bob();
    alice.ask_for("bob", 1);
    const auto handle = alice.take<wire::Introduction>().at(0).handle;
    EXPECT_EQ(bob.take<wire::Introduction>().at(0).handle, handle);
    const ByteVector message(40, std::byte{8});
    alice.send(wire::Relay{.handle = handle, .message = message});
    EXPECT_EQ(bob.take<wire::Relay>().size(), 1U);
    bob.send(wire::Relay{.handle = handle, .message = message});
    EXPECT_EQ(alice.take<wire::Relay>().size(), 1U);
}

TEST_F(Stream, ItsEndpointIsNoCandidateAndProvesNone) {
    enter_alice();
    enter_bob();
    // The same address as TCP showed, and a port that might be anybody's behind that NAT.
    alice.ask_for("bob", 1, {{.endpoint = endpoint("198.51.100.4:7777")}});
    EXPECT_TRUE(bob.take<wire::Introduction>().at(0).candidates.empty());
    EXPECT_EQ(alice.take<wire::Introduction>().at(0).candidates.size(), 1U);
}

TEST_F(Stream, ASessionMovesBetweenStreamAndUdpByAChallenge) {
    enter_alice();
    const Path stream = alice.path;
    alice.path = {kSocketV4, endpoint("198.51.100.4:5555")};
    world.clients[alice.path.remote] = &alice;
    alice.send(wire::Keepalive{});
    const auto challenge = alice.take<wire::Challenge>();
    ASSERT_EQ(challenge.size(), 1U);
    alice.send(wire::Response{.id = challenge[0].id});
    EXPECT_EQ(count(Happening::kPathMoved), 1U);

    // And to another stream, which may stay then.
    alice.path = accept("198.51.100.4:40002");
    world.clients[alice.path.remote] = &alice;
    alice.send(wire::Keepalive{});
    alice.send(wire::Response{.id = alice.take<wire::Challenge>().at(0).id});
    EXPECT_EQ(count(Happening::kPathMoved), 2U);
    world.advance(kStreamProofTime);
    EXPECT_TRUE(closed_by_server().empty());
    world.clients.erase(endpoint("198.51.100.4:5555"));
    world.clients.erase(stream.remote);
}

}  // namespace
}  // namespace pinhole::rendezvous::test
