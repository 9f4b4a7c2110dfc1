// A registered client turned evil, at the server: it spoofs its source, names addresses that are
// not its own, and abuses the relay.
#include <gtest/gtest.h>

#include "tests/lab/evil_client.hpp"
#include "tests/lab/town.hpp"

namespace pinhole::lab {
namespace {

using rendezvous::Happening;

const Endpoint kVictim = endpoint("198.51.100.99:5000");

/// A town with mallory in it: registered, on a machine that may send from any address.
class EvilTown {
  public:
    explicit EvilTown(std::uint64_t seed)
        : town_(seed),
          victim_(town_.lab().add_public_host("victim", {kVictim.ip.to_string()})),
          host_(town_.lab().add_public_host("mallory", {"198.51.100.66"})),
          client_({.id = "mallory",
                   .server = server(),
                   .server_key = town_.server().public_key(),
                   .seed = seed}) {
        host_.start(client_);
    }

    [[nodiscard]] bool enter() {
        act([&](Instant now) { client_.enter(now); });
        return static_cast<bool>(town_.run_until([&] { return client_.is_registered(); }, 5s));
    }
    /// Whatever mallory does, and then what follows on the wire.
    template <class Act>
    void act(Act act) {
        host_.mutate([&](Instant now) { act(now); });
    }
    void spoof(const Endpoint& source, ByteVector datagram) {
        host_.send_raw({.source = source, .destination = server(), .payload = std::move(datagram)});
    }

    [[nodiscard]] static Endpoint server() { return {ip(kServerV4), kServerPort}; }
    [[nodiscard]] Town& town() { return town_; }
    [[nodiscard]] EvilClient& client() { return client_; }
    [[nodiscard]] Host& host() { return host_; }
    [[nodiscard]] Host& victim() { return victim_; }
    [[nodiscard]] const rendezvous::Metrics& metrics() { return town_.server().metrics(); }

  private:
    Town town_;
    Host& victim_;
    Host& host_;
    EvilClient client_;
};

// ---- a false source

TEST(AdversaryClient, OneDatagramFromAFalseSourceDrawsAtMostOneChallengeAndMovesNothing) {
    EvilTown evil{81};
    SCOPED_TRACE(evil.town().where());
    ASSERT_TRUE(evil.enter());
    const ByteVector datagram = evil.client().for_server(wire::Keepalive{.wants_ack = true});
    const std::size_t told = evil.client().heard_from_server().size();
    evil.spoof(kVictim, datagram);
    evil.town().run_for(30s);
    EXPECT_LE(evil.town().vps().sent_to(kVictim.ip).datagrams, 1U);
    EXPECT_LE(evil.town().vps().sent_to(kVictim.ip).bytes, datagram.size());
    EXPECT_EQ(evil.metrics().happened[Happening::kPathMoved], 0U);
    EXPECT_EQ(evil.client().heard_from_server().size(), told + 1) << "the ack takes the old path";
}

TEST(AdversaryClient, AFloodFromAFalseSourceIsNotAmplifiedAndTheOldPathStays) {
    EvilTown evil{82};
    SCOPED_TRACE(evil.town().where());
    ASSERT_TRUE(evil.enter());
    constexpr std::size_t kFlood = 2000;
    const std::size_t told = evil.client().heard_from_server().size();
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < kFlood; ++i) {
        const ByteVector datagram =
            i % 2 == 0 ? evil.client().for_server(wire::Keepalive{.wants_ack = true})
                       : evil.client().for_server(wire::Challenge{});
        bytes += datagram.size();
        evil.spoof(kVictim, datagram);
        evil.town().run_for(1ms);
    }
    evil.town().run_for(60s);
    const Traffic hit = evil.town().vps().sent_to(kVictim.ip);
    EXPECT_LE(hit.datagrams, kFlood);
    EXPECT_LE(hit.bytes, bytes);
    EXPECT_EQ(evil.metrics().happened[Happening::kPathMoved], 0U);
    EXPECT_EQ(evil.client().heard_from_server().size(), told + kFlood / 2);
    EXPECT_EQ(evil.town().server().registered(), 1U);
}

TEST(AdversaryClient, AGuessedResponseFromAFalseSourceDoesNotMoveThePath) {
    EvilTown evil{83};
    SCOPED_TRACE(evil.town().where());
    ASSERT_TRUE(evil.enter());
    const auto random = evil.town().lab().random("guesses");
    for (int i = 0; i < 1000; ++i) {
        evil.spoof(kVictim, evil.client().for_server(wire::Response{.id = random->bytes<8>()}));
        evil.town().run_for(1ms);
    }
    EXPECT_EQ(evil.metrics().happened[Happening::kPathMoved], 0U);
}

// ---- addresses of others

wire::CandidateList foreign_addresses() {
    wire::CandidateList list;
    for (const std::string_view text :
         {"198.51.100.99:5000", "127.0.0.1:5000", "224.0.0.1:5000", "169.254.1.1:5000",
          "255.255.255.255:5000", "192.168.77.7:5000", "[2001:db8:9::9]:5000", "[fe80::1]:5000"}) {
        list.push_back({.type = wire::CandidateType::kServerReflexive, .endpoint = endpoint(text)});
    }
    return list;
}

/// What `host` sent to any of the listed addresses.
Traffic sent_to_any(const Host& host, const wire::CandidateList& list) {
    Traffic sum;
    for (const wire::Candidate& candidate : list) {
        const Traffic one = host.sent_to(candidate.endpoint.ip);
        sum.datagrams += one.datagrams;
        sum.bytes += one.bytes;
    }
    return sum;
}

TEST(AdversaryClient, ForeignCandidatesMoveNobodyToSendThere) {
    EvilTown evil{84};
    Town& town = evil.town();
    Peer& bob = town.add_peer("bob", town.home("b", "open"));
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    ASSERT_TRUE(evil.enter());
    const auto list = foreign_addresses();
    evil.act([&](Instant) { evil.client().ask_for(*wire::Id::parse("bob"), list); });
    ASSERT_TRUE(town.run_until([&] { return evil.client().has_peer_session(); }, 5s));
    // And once more on the way that later candidates take.
    const IntroductionNonce nonce = evil.client().introductions().back().frame.nonce;
    evil.act([&](Instant) {
        evil.client().tell_server(wire::Trickle{.nonce = nonce, .candidates = list});
    });
    town.run_for(90s);
    EXPECT_EQ(sent_to_any(bob.host(), list), Traffic{});
    EXPECT_EQ(sent_to_any(town.vps(), list), Traffic{});
    EXPECT_EQ(evil.victim().received(), Traffic{});
    EXPECT_GE(evil.metrics().happened[Happening::kCandidateWithheld], 8U);
}

TEST(AdversaryClient, AStolenCookieProvesNoOtherEndpoint) {
    EvilTown evil{85};
    Town& town = evil.town();
    Peer& bob = town.add_peer("bob", town.home("b", "open"));
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    // A cookie of mallory's own endpoint, from a genuine retry.
    std::optional<Cookie> cookie;
    town.lab().trace().observe([&](const TraceEvent& event) {
        if (event.fate != Fate::kDelivered || event.where != "mallory") return;
        if (const auto retry = wire::parse_retry(event.packet.payload)) cookie = retry->cookie;
    });
    ASSERT_TRUE(evil.enter());
    ASSERT_TRUE(cookie.has_value());
    wire::CandidateList list;
    list.push_back(
        {.type = wire::CandidateType::kServerReflexive, .endpoint = kVictim, .proof = cookie});
    evil.act([&](Instant) { evil.client().ask_for(*wire::Id::parse("bob"), list); });
    ASSERT_TRUE(town.run_until([&] { return evil.client().has_peer_session(); }, 5s));
    town.run_for(90s);
    EXPECT_EQ(bob.host().sent_to(kVictim.ip), Traffic{});
}

// ---- the relay

/// What the server lets through as a message between peers, and a peer drops.
ByteVector relayable_junk(std::size_t size) {
    ByteVector out(size, std::byte{0x55});
    Writer writer{out};
    wire::write_kind(writer, wire::Kind::kTransport);
    return out;
}

TEST(AdversaryClient, AHandleOfNobodyOrOfOthersRelaysNothing) {
    EvilTown evil{86};
    Town& town = evil.town();
    town.add_peer("bob", town.home("b", "open"));
    EvilClient eve{{.id = "eve",
                    .server = EvilTown::server(),
                    .server_key = town.server().public_key(),
                    .seed = 862}};
    Host& eves = town.lab().add_public_host("eve", {"198.51.100.67"});
    eves.start(eve);
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    ASSERT_TRUE(evil.enter());
    eves.mutate([&](Instant now) { eve.enter(now); });
    ASSERT_TRUE(town.run_until([&] { return eve.is_registered(); }, 5s));
    eves.mutate([&](Instant) { eve.ask_for(*wire::Id::parse("bob")); });
    ASSERT_TRUE(town.run_until([&] { return eve.has_peer_session(); }, 5s));
    town.run_for(10s);

    const std::uint64_t before = evil.metrics().drops[Drop::kUnexpected];
    const RelayHandle eves_handle = eve.introductions().back().frame.handle;
    const auto random = town.lab().random("handles");
    const ByteVector junk = relayable_junk(100);
    constexpr int kTries = 5000;
    for (int i = 0; i < kTries; ++i) {
        const RelayHandle handle = i % 10 == 0 ? eves_handle : RelayHandle{random->u32()};
        evil.act([&](Instant) {
            evil.client().tell_server(wire::Relay{.handle = handle, .message = junk});
        });
        if (i % 50 == 0) town.run_for(1ms);
    }
    town.run_for(100ms);
    EXPECT_EQ(evil.metrics().drops[Drop::kUnexpected] - before, static_cast<std::uint64_t>(kTries));
}

TEST(AdversaryClient, AnAskerWhomNobodyAnsweredRelaysFourKibibytesAndNoMore) {
    EvilTown evil{87};
    Town& town = evil.town();
    town.add_peer("bob", town.home("b", "open"));
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    ASSERT_TRUE(evil.enter());
    evil.client().stay_silent();
    evil.act([&](Instant) { evil.client().ask_for(*wire::Id::parse("bob")); });
    ASSERT_TRUE(town.run_until([&] { return !evil.client().introductions().empty(); }, 5s));
    const ByteVector junk = relayable_junk(500);
    for (int i = 0; i < 200; ++i) {
        evil.act([&](Instant) { evil.client().relay(junk); });
        town.run_for(5ms);
    }
    EXPECT_GT(evil.metrics().relayed.bytes, 3500U);
    EXPECT_LE(evil.metrics().relayed.bytes, rendezvous::kRelayUnansweredBytes);
}

TEST(AdversaryClient, AFloodOverTheRelayIsShapedAndOthersStillTalk) {
    EvilTown evil{88};
    Town& town = evil.town();
    town.add_peer("bob", town.home("b", "open"));
    Peer& carol = town.add_peer("carol", town.home("c", "apdm_apdf_r"));
    Peer& dave = town.add_peer("dave", town.home("d", "apdm_apdf_r"));
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    town.connect(carol, dave);
    ASSERT_TRUE(town.run_until([&] { return carol.is_connected() && dave.is_connected(); }, 5s));
    ASSERT_TRUE(evil.enter());
    evil.act([&](Instant) { evil.client().ask_for(*wire::Id::parse("bob")); });
    ASSERT_TRUE(town.run_until([&] { return evil.client().has_peer_session(); }, 5s));
    town.run_for(1s);

    // 32 Mbit/s for ten seconds; every honest message must get through beside it.
    const std::uint64_t before = evil.metrics().relayed.bytes;
    const ByteVector junk = relayable_junk(1000);
    constexpr int kSeconds = 10;
    for (int i = 0; i < kSeconds * 1000; ++i) {
        evil.act([&](Instant) {
            for (int copies = 0; copies < 4; ++copies) evil.client().relay(junk);
        });
        town.run_for(1ms);
        if (i % 1000 == 0) {
            ASSERT_TRUE(town.send(carol, fmt::format("message {}", i)));
        }
    }
    town.run_for(2s);
    constexpr std::uint64_t kPairLimit = rendezvous::kRelayFreeBytes +
                                         rendezvous::kRelayPairBurstBytes +
                                         rendezvous::kRelayPairBitsPerSecond / 8 * (kSeconds + 1);
    constexpr std::uint64_t kHonest = 64 * 1024;
    EXPECT_GT(evil.metrics().relayed.bytes - before, rendezvous::kRelayPairBurstBytes);
    EXPECT_LE(evil.metrics().relayed.bytes - before, kPairLimit + kHonest);
    EXPECT_EQ(dave.received().size(), static_cast<std::size_t>(kSeconds));
    EXPECT_EQ(dave.closed().size(), 0U);
}

// ---- the handshake that rides in `connect`

/// What the one who was asked for makes of the message 1 that came with the introduction.
ByteVector answer_to(const EvilClient::Introduced& introduced, std::uint64_t seed) {
    test::SeededRandom random{seed};  // as the client drew its keys
    const crypto::KeyPair keys = crypto::KeyPair::generate(random);
    const crypto::Psk no_psk;
    const session::LocalSide side{
        .keys = keys, .psk = no_psk, .features = 0, .incarnation = Incarnation{1}};
    const auto prologue = session::peer_prologue({.nonce = introduced.frame.nonce,
                                                  .initiator = introduced.frame.id,
                                                  .responder = *wire::Id::parse("mallory")});
    auto read = session::Responder::read(side, prologue,
                                         *wire::parse_initiation(introduced.handshake), random);
    return to_vector(read->answer(side, SessionIndex{7}, {})->message_2.bytes());
}

TEST(AdversaryClient, AnAnswerThatOvertakesTheIntroductionIsNotTaken) {
    EvilTown evil{89};
    Town& town = evil.town();
    Peer& alice = town.add_peer("alice", town.home("a", "open"));
    SCOPED_TRACE(town.where());
    town.start(alice);
    ASSERT_TRUE(town.run_until([&] { return alice.node().is_registered(); }, 5s));
    ASSERT_TRUE(evil.enter());
    test::SeededRandom random{89};
    town.trust(alice, "mallory", crypto::KeyPair::generate(random).public_key);
    // The server's answers to alice are late, and mallory is not.
    alice.host().cable().down.set_filter(
        [](const Packet& packet) { return packet.source.ip != ip(kServerV4); });
    alice.host().mutate([&](Instant now) {
        static_cast<void>(alice.node().connect(now, *wire::Id::parse("mallory"), true));
    });
    ASSERT_TRUE(town.run_until([&] { return !evil.client().introductions().empty(); }, 2s));
    const auto& introduced = evil.client().introductions().front();
    ASSERT_FALSE(introduced.handshake.empty());

    const ByteVector answer = answer_to(introduced, 89);
    const auto send_answer = [&] {
        evil.act([&](Instant) {
            const Endpoint alices{alice.host().address(), *alice.host().port_of(kSocketV4)};
            evil.client().push({.socket = kSocketV4, .remote = alices}, answer);
        });
        town.run_for(200ms);
    };
    send_answer();
    EXPECT_EQ(alice.node().drops()[Drop::kUnknownSession], 1U);
    EXPECT_FALSE(alice.node().peers().front().key);
    // The introduction comes, and the same answer is as good as any.
    alice.host().cable().down.set_filter({});
    ASSERT_TRUE(town.run_until([&] { return alice.introduced_at().has_value(); }, 2s));
    send_answer();
    EXPECT_EQ(alice.node().drops()[Drop::kUnknownSession], 1U);
}

}  // namespace
}  // namespace pinhole::lab
