// An authenticated peer turned evil, inside its session with a node: it spoofs its source, names
// addresses of others, and sends hostile frames. The node stays up, its other talk goes on, and
// nobody outside is flooded.
#include <gtest/gtest.h>

#include "shared/traversal/budget.hpp"
#include "tests/lab/evil_client.hpp"
#include "tests/lab/town.hpp"
#include "tests/unit/reliable/enet_bytes.hpp"

namespace pinhole::lab {
namespace {

using reliable::test::Forgery;

const Endpoint kTarget = endpoint("198.51.100.99:5000");

/// Alice, who talks to bob, and mallory, who has a session with alice over the relay.
class EvilPair {
  public:
    explicit EvilPair(std::uint64_t seed)
        : town_(seed),
          alice_(town_.add_peer("alice", town_.home("a", "open"))),
          bob_(town_.add_peer("bob", town_.home("b", "eim_apdf"))),
          host_(town_.lab().add_public_host("mallory", {"198.51.100.66"})),
          client_({.id = "mallory",
                   .server = {ip(kServerV4), kServerPort},
                   .server_key = town_.server().public_key(),
                   .seed = seed}) {
        town_.lab().add_public_host("victim", {kTarget.ip.to_string()});
        host_.start(client_);
    }

    void begin() {
        ASSERT_TRUE(town_.register_all());
        town_.connect(bob_, alice_);
        ASSERT_TRUE(town_.run_until([&] { return alice_.is_direct() && bob_.is_direct(); }, 10s));
        act([&](Instant now) { client_.enter(now); });
        ASSERT_TRUE(town_.run_until([&] { return client_.is_registered(); }, 5s));
        act([&](Instant) { client_.ask_for(*wire::Id::parse("alice")); });
        ASSERT_TRUE(town_.run_until([&] { return alice_.connections() == 2; }, 5s));
        // Openers, checks and the first challenges of the introduction have ended.
        town_.run_for(10s);
    }

    template <class Act>
    void act(Act act) {
        host_.mutate([&](Instant now) { act(now); });
    }
    /// A sealed frame, or any plaintext, as if from `source`. Returns the size of the datagram.
    template <class Frame>
    std::size_t send_from(const Endpoint& source, const Frame& frame) {
        const ByteVector datagram = client_.for_peer(frame);
        const Endpoint alices{alice_.host().address(), *alice_.host().port_of(kSocketV4)};
        host_.send_raw({.source = source, .destination = alices, .payload = datagram});
        return datagram.size();
    }
    /// From where mallory really is.
    template <class Frame>
    void send(const Frame& frame) {
        send_from({host_.address(), *host_.port_of(kSocketV4)}, frame);
    }
    [[nodiscard]] Traffic sent_to(const IpAddress& address) {
        return alice_.host().sent_to(address);
    }

    /// Bob and alice can still talk, and nothing of theirs was disturbed.
    void expect_honest_talk() {
        const auto heard_of_bob = [this] {
            return std::ranges::count(alice_.received(), "bob", &Peer::Received::from);
        };
        const auto before = heard_of_bob();
        ASSERT_TRUE(town_.send(bob_, "still there?"));
        ASSERT_TRUE(town_.run_until([&] { return heard_of_bob() > before; }, 5s));
        EXPECT_TRUE(bob_.is_direct());
        EXPECT_EQ(bob_.closed().size(), 0U);
    }

    [[nodiscard]] Town& town() { return town_; }
    [[nodiscard]] Peer& alice() { return alice_; }
    [[nodiscard]] EvilClient& client() { return client_; }
    [[nodiscard]] Host& host() { return host_; }

  private:
    Town town_;
    Peer& alice_;
    Peer& bob_;
    Host& host_;
    EvilClient client_;
};

// ---- a false source

TEST(AdversaryPeer, AFalseSourceIsAskedWithinABudgetAndDataKeepsItsPath) {
    EvilPair evil{91};
    SCOPED_TRACE(evil.town().where());
    evil.begin();
    std::size_t injected = 0;
    for (int i = 0; i < 300; ++i) {
        injected += evil.send_from(kTarget, wire::Keepalive{.wants_ack = true});
        injected += evil.send_from(kTarget, wire::Challenge{.selected = true});
        evil.town().run_for(10ms);
        // Alice's last peer is mallory: this is data to the one who spoofs.
        if (i % 10 == 0) {
            ASSERT_TRUE(evil.town().send(evil.alice(), std::string(900, 'x')));
        }
    }
    evil.town().run_for(10s);
    EXPECT_LE(evil.sent_to(kTarget.ip).bytes, injected + traversal::kBudgetOnTrust);
    EXPECT_FALSE(evil.alice().is_direct());
    std::size_t messages = 0;
    for (const auto& heard : evil.client().heard_from_peer()) {
        messages += heard.by_relay && heard.frame.size() > 900 ? 1 : 0;
    }
    EXPECT_GE(messages, 30U) << "the data took the relay";
    evil.expect_honest_talk();
}

TEST(AdversaryPeer, ManyFalseSourcesDoNotGetMoreThanTheirTable) {
    EvilPair evil{92};
    SCOPED_TRACE(evil.town().where());
    evil.begin();
    std::vector<IpAddress> spoofed;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        spoofed.push_back(IpAddress::v4(0xcb007200U + (i % 256) + ((i / 256) << 16U)));
        evil.send_from({spoofed.back(), 5000}, wire::Keepalive{});
        if (i % 10 == 0) evil.town().run_for(1ms);
    }
    evil.town().run_for(20s);
    std::uint64_t bytes = 0;
    for (const IpAddress& address : spoofed) {
        const Traffic one = evil.sent_to(address);
        EXPECT_LE(one.bytes, traversal::kBudgetOnTrust) << address.to_string();
        bytes += one.bytes;
    }
    EXPECT_LE(bytes, traversal::kBudgetAddressesMax * traversal::kBudgetOnTrust);
    evil.expect_honest_talk();
}

// ---- addresses of others

wire::CandidateList list_of(std::initializer_list<std::string_view> texts) {
    wire::CandidateList list;
    for (const std::string_view text : texts) {
        list.push_back({.type = wire::CandidateType::kServerReflexive, .endpoint = endpoint(text)});
    }
    return list;
}

TEST(AdversaryPeer, CandidatesOnItsWordAloneAreWorthAKilobyte) {
    EvilPair evil{93};
    SCOPED_TRACE(evil.town().where());
    evil.begin();
    evil.act([&](Instant) {
        evil.client().tell_peer(wire::CandidatesFrame{list_of({"198.51.100.99:5000"})});
    });
    evil.town().run_for(4s);
    EXPECT_GT(evil.sent_to(kTarget.ip).bytes, 0U) << "an honest peer's new address is tried";
    EXPECT_LE(evil.sent_to(kTarget.ip).bytes, traversal::kBudgetOnTrust);
}

TEST(AdversaryPeer, RepeatedCandidatesDoNotMakeASteadyStream) {
    EvilPair evil{94};
    SCOPED_TRACE(evil.town().where());
    evil.begin();
    // Another port each time, so that every frame says something new.
    for (std::uint16_t i = 0; i < 600; ++i) {
        wire::CandidateList list;
        for (std::uint16_t j = 0; j < 8; ++j) {
            const auto port = static_cast<std::uint16_t>(5000 + 8 * i + j);
            list.push_back(
                {.type = wire::CandidateType::kPredicted, .endpoint = {kTarget.ip, port}});
        }
        evil.act([&](Instant) { evil.client().tell_peer(wire::CandidatesFrame{list}); });
        evil.town().run_for(100ms);
    }
    EXPECT_LE(evil.sent_to(kTarget.ip).bytes, traversal::kBudgetPerIntroduction) << "in a minute";
    evil.expect_honest_talk();
}

TEST(AdversaryPeer, ASilentRelayDoesNotRenewTheBudgetForever) {
    EvilPair evil{95};
    SCOPED_TRACE(evil.town().where());
    evil.begin();
    // Silence and life in turns: each time there is hope, the node looks for a path again.
    for (int i = 0; i < 30; ++i) {
        evil.act([&](Instant) {
            evil.client().tell_peer(wire::CandidatesFrame{list_of({"198.51.100.99:5000"})});
        });
        ASSERT_TRUE(evil.town().send(evil.alice(), "are you there?"));
        evil.town().run_for(2500ms);
        for (const auto& heard : std::vector{evil.client().heard_from_peer()}) {
            const auto frame = wire::parse_peer_frame(heard.frame);
            const auto* challenge = frame ? std::get_if<wire::Challenge>(&*frame) : nullptr;
            if (challenge == nullptr) continue;
            evil.act([&](Instant) { evil.client().tell_peer(wire::Response{challenge->id}); });
        }
        evil.town().run_for(10ms);
    }
    EXPECT_LE(evil.sent_to(kTarget.ip).bytes, traversal::kBudgetPerIntroduction) << "in 75 seconds";
}

TEST(AdversaryPeer, AddressesThatAreNobodysAreNeverTried) {
    EvilPair evil{96};
    SCOPED_TRACE(evil.town().where());
    evil.begin();
    const auto list =
        list_of({"127.0.0.1:5000", "224.0.0.1:5000", "169.254.1.1:5000", "255.255.255.255:5000",
                 "0.0.0.0:5000", "[fe80::1]:5000", "[ff02::1]:5000", "[::1]:5000"});
    evil.act([&](Instant) { evil.client().tell_peer(wire::CandidatesFrame{list}); });
    // The IPv4-mapped form of a loopback address, which no honest encoder writes.
    ByteVector mapped = EvilClient::plaintext_of(
        wire::CandidatesFrame{list_of({"[2001:db8:aaaa:bbbb:cccc:dddd:7f00:1]:5000"})});
    const auto prefix = std::ranges::search(
        mapped, IpAddress::parse("2001:db8:aaaa:bbbb:cccc:dddd:7f00:1")->v6_bytes());
    ASSERT_FALSE(prefix.empty());
    std::fill_n(prefix.begin(), 10, std::byte{0});
    std::fill_n(prefix.begin() + 10, 2, std::byte{0xff});
    evil.act([&](Instant) { evil.client().tell_peer(mapped); });
    evil.town().run_for(70s);
    for (const auto& [address, traffic] : evil.alice().host().sent_by_destination()) {
        EXPECT_TRUE(address.scope() == Scope::kPublic || address.scope() == Scope::kPrivate)
            << address.to_string();
    }
    evil.expect_honest_talk();
}

// ---- hostile frames

/// One hostile plaintext after another: random bytes, spoilt frames, ENet as nobody writes it.
class HostileFrames {
  public:
    explicit HostileFrames(Random& random) : random_(random) {}

    ByteVector next() {
        switch (random_.below(6)) {
            case 0: return noise();
            case 1: return spoilt(wire::CandidatesFrame{list_of({"198.51.100.99:5000"})});
            case 2: return spoilt(wire::Rekey{.noise = as_bytes(kText)});
            case 3: return spoilt(wire::Part{.id = 1, .count = 3, .piece = as_bytes(kText)});
            case 4: return spoilt(wire::Challenge{.padding = 900});
            default: return enet();
        }
    }

  private:
    static constexpr std::string_view kText =
        "sixty-four bytes or so of nothing in particular, for hostile use";

    ByteVector noise() {
        ByteVector out(1 + random_.below(1200));
        random_.fill(out);
        // A `close` would end the session, and with it the test.
        if (out.front() == std::byte{0x05}) out.front() = std::byte{0x10};
        return out;
    }

    template <class Frame>
    ByteVector spoilt(const Frame& frame) {
        ByteVector out = EvilClient::plaintext_of(frame);
        for (std::uint64_t left = random_.below(6); left > 0; --left) {
            out[1 + random_.below(out.size() - 1)] = static_cast<std::byte>(random_.below(256));
        }
        if (random_.below(4) == 0) out.resize(1 + random_.below(out.size()));
        return out;
    }

    ByteVector enet() {
        Forgery forged{static_cast<std::uint16_t>(random_.below(0x4000))};
        const auto sequence = static_cast<std::uint16_t>(random_.below(0x10000));
        const auto channel = static_cast<std::uint8_t>(random_.below(256));
        const auto command = static_cast<std::uint8_t>(random_.below(256));
        switch (random_.below(4)) {
            case 0: forged.reliable(channel, sequence, as_bytes(kText)); break;
            case 1: forged.unreliable(channel, sequence, sequence, as_bytes(kText)); break;
            case 2:
                forged.fragment(channel,
                                {.start = sequence,
                                 .count = random_.u32(),
                                 .number = random_.u32(),
                                 .total = random_.u32(),
                                 .offset = random_.u32()},
                                as_bytes(kText));
                break;
            // ENet's own disconnect (4) would end the connection, which is mallory's right.
            default: forged.raw((command & 0x0fU) == 4 ? 5 : command, channel, sequence); break;
        }
        return EvilClient::plaintext_of(wire::EnetFrame{forged.bytes()});
    }

    Random& random_;
};

TEST(AdversaryPeer, HostileFramesInALiveSessionHarmNobodyElse) {
    EvilPair evil{97};
    SCOPED_TRACE(evil.town().where());
    evil.begin();
    const auto random = evil.town().lab().random("frames");
    HostileFrames frames{*random};
    for (int i = 0; i < 100'000; ++i) {
        evil.send(frames.next());
        if (i % 20 == 0) evil.town().run_for(1ms);
        if (i % 20'000 == 0) evil.expect_honest_talk();
    }
    evil.town().run_for(20s);
    evil.expect_honest_talk();
    EXPECT_EQ(evil.alice().troubles().size(), 0U);
    EXPECT_EQ(evil.alice().registrations(), 1U);
}

TEST(AdversaryPeer, CloseEndsItsOwnConnectionOnly) {
    EvilPair evil{98};
    SCOPED_TRACE(evil.town().where());
    evil.begin();
    evil.act([&](Instant) { evil.client().tell_peer(wire::Close{}); });
    evil.town().run_for(1s);
    ASSERT_EQ(evil.alice().closed().size(), 1U);
    EXPECT_EQ(evil.alice().closed().front().reason, node::CloseReason::kDone);
    evil.expect_honest_talk();
}

}  // namespace
}  // namespace pinhole::lab
