// Strangers: whoever has no key of ours may send what he likes, with whatever source he likes, and
// knows every byte that ever crossed the wire. Nothing moves but counters.
#include <gtest/gtest.h>

#include "shared/traversal/budget.hpp"
#include "shared/wire/handshake.hpp"
#include "tests/lab/forger.hpp"
#include "tests/lab/town.hpp"

namespace pinhole::lab {
namespace {

constexpr std::size_t kForgeries = 100'000;
constexpr std::size_t kForgeriesPerMillisecond = 50;
constexpr Duration kTick = 100ms;

constexpr std::array<std::string_view, 8> kStrangers{
    "198.51.100.66", "198.51.100.67", "198.51.100.68", "198.51.100.69",
    "198.51.100.70", "198.51.100.71", "198.51.100.72", "198.51.100.73"};

enum class Target : std::uint8_t { kNobody, kAlice, kServer };
enum class Weapon : std::uint8_t { kEverything, kEnetInTheOpen };

struct Assault {
    Target target = Target::kNobody;
    Weapon weapon = Weapon::kEverything;
};

/// Everything that must not move, and the counters that do.
struct Aftermath {
    std::vector<std::string> alice_heard, bob_heard;
    std::vector<node::PathState> alice_paths, bob_paths;
    std::size_t events = 0;
    std::size_t registered = 0;
    std::size_t sessions = 0, half_open = 0, introductions = 0, relay_pairs = 0;
    std::uint64_t node_drops = 0;
    std::map<IpAddress, Traffic> node_sent, server_sent;
    /// What was injected, by the source it pretended to have.
    std::map<IpAddress, Traffic> injected;
    std::uint64_t injected_in_all = 0;
};

std::size_t events_of(const Peer& peer) {
    return peer.connections() + peer.registrations() + peer.closed().size() +
           peer.failures().size() + peer.mismatches().size() + peer.troubles().size() +
           peer.path_history().size();
}

/// A live talk between two nodes that every datagram of the world can reach, under attack.
class Siege {
  public:
    explicit Siege(std::uint64_t seed)
        // No link drops what is too long for it: that is left to those whom it reaches.
        : town_(seed, {.link = {.mtu = 0}}),
          ear_(town_.lab()),
          random_(town_.lab().random("mallory")),
          alice_(town_.add_peer("alice", town_.home("a", "open"))),
          bob_(town_.add_peer("bob", town_.home("b", "open"))),
          mallory_(town_.lab().add_public_host("mallory", {kStrangers.begin(), kStrangers.end()})) {
    }

    [[nodiscard]] std::string where() const { return town_.where(); }

    void make_peace() {
        ASSERT_TRUE(town_.register_all());
        town_.connect(alice_, bob_);
        ASSERT_TRUE(town_.run_until([&] { return alice_.is_direct() && bob_.is_direct(); }, 10s));
        provoke();
        // The eavesdropper hears a talk, and the handshakes grow old.
        for (int i = 0; i < 120; ++i) talk(i);
        ear_.stop();
        ASSERT_TRUE(ear_.has_heard_all({4, 5, 6, 7, 8, 9, 10, 11}));
    }

    void attack(const Assault& assault) {
        const Host& target = assault.target == Target::kServer ? town_.vps() : alice_.host();
        aim_ = {target.address(), *target.port_of(kSocketV4)};
        Forger forger{ear_, *random_};
        for (std::size_t i = 0; i < kForgeries; ++i) {
            if (i % kForgeriesPerMillisecond == 0) town_.run_for(1ms);
            if (i % (kForgeriesPerMillisecond * 100) == 0) talk(1000 + static_cast<int>(i));
            if (assault.target == Target::kNobody) continue;
            inject(assault.weapon == Weapon::kEverything ? forger.next()
                                                         : forger.transport_with_enet());
        }
    }

    [[nodiscard]] Aftermath aftermath() {
        // What was begun under the attack has ended after this.
        town_.run_for(15s);
        talk(2'000'000);
        const auto sizes = town_.server().sizes();
        return {.alice_heard = alice_.texts(),
                .bob_heard = bob_.texts(),
                .alice_paths = alice_.path_history(),
                .bob_paths = bob_.path_history(),
                .events = events_of(alice_) + events_of(bob_),
                .registered = town_.server().registered(),
                .sessions = sizes.sessions,
                .half_open = sizes.half_open,
                .introductions = sizes.introductions,
                .relay_pairs = sizes.relay_pairs,
                .node_drops = alice_.node().drops().total(),
                .node_sent = alice_.host().sent_by_destination(),
                .server_sent = town_.vps().sent_by_destination(),
                .injected = injected_,
                .injected_in_all = injected_in_all_};
    }

  private:
    void talk(int number) {
        EXPECT_TRUE(town_.send(alice_, fmt::format("from alice {}", number)));
        EXPECT_TRUE(town_.send(bob_, fmt::format("from bob {}", number)));
        town_.run_for(kTick);
    }

    /// Lets the server say the two things that a peaceful world never hears: retry and gone.
    void provoke() {
        const Endpoint source{mallory_.address(), 4000};
        const Endpoint server{town_.vps().address(), kServerPort};
        ByteVector initiation = ear_.of_kind(6).front().payload;
        initiation.back() ^= std::byte{1};  // in the cookie
        mallory_.send_raw({.source = source, .destination = server, .payload = initiation});
        ByteVector transport(64, std::byte{8});
        transport[1] = std::byte{1};
        mallory_.send_raw({.source = source, .destination = server, .payload = transport});
    }

    void inject(ByteVector payload) {
        const Endpoint source = pretended_source();
        injected_[source.ip].add(payload.size());
        ++injected_in_all_;
        mallory_.send_raw({.source = source, .destination = aim_, .payload = std::move(payload)});
    }

    [[nodiscard]] Endpoint pretended_source() {
        const auto endpoint_of = [](const Host& host) {
            return Endpoint{host.address(), *host.port_of(kSocketV4)};
        };
        const auto port = static_cast<std::uint16_t>(1024 + random_->below(60'000));
        switch (random_->below(4)) {
            case 0: return endpoint_of(bob_.host());
            case 1:
                return aim_.ip == town_.vps().address() ? endpoint_of(alice_.host())
                                                        : endpoint_of(town_.vps());
            default: return {ip(kStrangers[random_->below(kStrangers.size())]), port};
        }
    }

    Town town_;
    Eavesdropper ear_;
    std::unique_ptr<Random> random_;
    Peer& alice_;
    Peer& bob_;
    Host& mallory_;
    Endpoint aim_;
    std::map<IpAddress, Traffic> injected_;
    std::uint64_t injected_in_all_ = 0;
};

Aftermath aftermath_of(std::uint64_t seed, const Assault& assault) {
    Siege siege{seed};
    SCOPED_TRACE(siege.where());
    siege.make_peace();
    siege.attack(assault);
    return siege.aftermath();
}

void expect_same_world(const Aftermath& attacked, const Aftermath& peaceful) {
    EXPECT_EQ(attacked.alice_heard, peaceful.alice_heard);
    EXPECT_EQ(attacked.bob_heard, peaceful.bob_heard);
    EXPECT_EQ(attacked.alice_paths, peaceful.alice_paths);
    EXPECT_EQ(attacked.bob_paths, peaceful.bob_paths);
    EXPECT_EQ(attacked.events, peaceful.events);
    EXPECT_EQ(attacked.registered, peaceful.registered);
    EXPECT_EQ(attacked.sessions, peaceful.sessions);
    EXPECT_EQ(attacked.half_open, peaceful.half_open);
    EXPECT_EQ(attacked.introductions, peaceful.introductions);
    EXPECT_EQ(attacked.relay_pairs, peaceful.relay_pairs);
}

/// The node behaves to the byte as if nobody had attacked it.
void expect_untouched_node(const Aftermath& attacked, const Aftermath& peaceful) {
    expect_same_world(attacked, peaceful);
    EXPECT_EQ(attacked.node_sent, peaceful.node_sent);
    EXPECT_EQ(attacked.injected_in_all, kForgeries);
    EXPECT_EQ(attacked.node_drops - peaceful.node_drops, kForgeries)
        << "every forged datagram is counted once";
}

TEST(Adversary, ForgedAndReplayedDatagramsMoveNothingAtANode) {
    constexpr std::uint64_t kSeed = 71;
    SCOPED_TRACE(fmt::format("seed {}", kSeed));
    expect_untouched_node(aftermath_of(kSeed, {.target = Target::kAlice}), aftermath_of(kSeed, {}));
}

TEST(Adversary, EnetCommandsInForgedTransportMessagesHaveNoEffectOnANode) {
    constexpr std::uint64_t kSeed = 72;
    SCOPED_TRACE(fmt::format("seed {}", kSeed));
    expect_untouched_node(
        aftermath_of(kSeed, {.target = Target::kAlice, .weapon = Weapon::kEnetInTheOpen}),
        aftermath_of(kSeed, {}));
}

TEST(Adversary, ForgedAndReplayedDatagramsMoveNothingAtTheServerAndAreNotAmplified) {
    constexpr std::uint64_t kSeed = 73;
    SCOPED_TRACE(fmt::format("seed {}", kSeed));
    const Aftermath attacked = aftermath_of(kSeed, {.target = Target::kServer});
    const Aftermath peaceful = aftermath_of(kSeed, {});
    expect_same_world(attacked, peaceful);
    ASSERT_EQ(attacked.injected_in_all, kForgeries);
    for (const auto& [address, in] : attacked.injected) {
        const auto sent_to = [&](const Aftermath& world) {
            const auto found = world.server_sent.find(address);
            return found == world.server_sent.end() ? Traffic{} : found->second;
        };
        const Traffic replies{sent_to(attacked).datagrams - sent_to(peaceful).datagrams,
                              sent_to(attacked).bytes - sent_to(peaceful).bytes};
        EXPECT_LE(replies.datagrams, in.datagrams) << address.to_string();
        EXPECT_LE(replies.bytes, in.bytes) << address.to_string();
    }
}

// ---- copies at the moment when they could matter

/// Replays every handshake datagram and opener that reaches `victim`, at once and three times,
/// from a stranger's address.
class Echo {
  public:
    Echo(Town& town, Peer& victim)
        : town_(town),
          victim_(victim),
          mallory_(town.lab().add_public_host("mallory", {kStrangers.front()})) {
        town_.lab().trace().observe([this](const TraceEvent& event) { note(event); });
    }

    void run_for(Duration duration) {
        for (Duration passed{0}; passed < duration; passed += 1ms) {
            town_.run_for(1ms);
            for (const ByteVector& payload : std::exchange(heard_, {})) {
                for (int i = 0; i < 3; ++i) send(payload);
            }
        }
    }

    [[nodiscard]] Traffic answered() const { return victim_.host().sent_to(mallory_.address()); }
    [[nodiscard]] Traffic injected() const { return injected_; }

  private:
    void note(const TraceEvent& event) {
        const ByteVector& payload = event.packet.payload;
        if (event.fate != Fate::kDelivered || payload.empty()) return;
        if (event.where != victim_.host().name()) return;
        if (event.packet.source.ip == mallory_.address()) return;
        if (payload.front() != std::byte{8}) heard_.push_back(payload);
    }

    void send(const ByteVector& payload) {
        injected_.add(payload.size());
        mallory_.send_raw(
            {.source = {mallory_.address(), 4000},
             .destination = {victim_.host().address(), *victim_.host().port_of(kSocketV4)},
             .payload = payload});
    }

    Town& town_;
    Peer& victim_;
    Host& mallory_;
    std::vector<ByteVector> heard_;
    Traffic injected_;
};

TEST(Adversary, CopiesOfAHandshakeUnderWayDrawNoMoreThanAnswersAndTheBudget) {
    for (const bool victim_asks : {false, true}) {
        Town town{74};
        Peer& alice = town.add_peer("alice", town.home("a", "open"));
        Peer& bob = town.add_peer("bob", town.home("b", "eim_apdf"));
        SCOPED_TRACE(town.where() + (victim_asks ? ", the victim asks" : ", the victim is asked"));
        ASSERT_TRUE(town.register_all());
        Echo echo{town, alice};
        victim_asks ? town.connect(alice, bob) : town.connect(bob, alice);
        echo.run_for(12s);
        EXPECT_GT(echo.injected().datagrams, 0U);
        EXPECT_LE(echo.answered().bytes, echo.injected().bytes + traversal::kBudgetOnTrust);
        EXPECT_TRUE(alice.is_direct());
        EXPECT_TRUE(bob.is_direct());
        EXPECT_EQ(alice.connections(), 1U);
    }
}

TEST(Adversary, ACopyOfTheServersAnswerFromElsewhereDoesNotMoveTheRegistration) {
    Town town{75};
    Peer& alice = town.add_peer("alice", town.home("a", "open"));
    Host& mallory = town.lab().add_public_host("mallory", {kStrangers.front()});
    SCOPED_TRACE(town.where());
    std::optional<Packet> answer;
    town.vps().cable().up.set_filter([&](const Packet& packet) {
        const bool is_answer =
            !packet.icmp && !packet.payload.empty() && packet.payload.front() == std::byte{7};
        if (is_answer) answer = packet;
        return !is_answer;
    });
    town.start(alice);
    ASSERT_TRUE(town.run_until([&] { return answer.has_value(); }, 5s));
    answer->source = {mallory.address(), 4000};
    mallory.send_raw(*answer);
    town.run_for(2s);
    EXPECT_EQ(alice.host().sent_to(mallory.address()), Traffic{});
    town.vps().cable().up.set_filter({});
    EXPECT_TRUE(town.run_until([&] { return alice.node().is_registered(); }, 15s));
}

TEST(Adversary, ARetryFromElsewhereDrawsNoInitiation) {
    Town town{76};
    Peer& alice = town.add_peer("alice", town.home("a", "open"));
    Peer& bob = town.add_peer("bob", town.home("b", "open"));
    Host& mallory = town.lab().add_public_host("mallory", {kStrangers.front()});
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    // Bob's answers are lost, so that the attempt stays under way.
    bob.host().cable().up.set_filter([](const Packet& packet) {
        return packet.icmp || packet.payload.empty() || packet.payload.front() != std::byte{7};
    });
    std::optional<SessionIndex> attempt;
    town.lab().trace().observe([&](const TraceEvent& event) {
        if (event.fate != Fate::kSent || event.packet.source.ip != alice.host().address()) return;
        const auto initiation = wire::parse_initiation(event.packet.payload);
        if (initiation && event.packet.payload.front() == std::byte{6} &&
            initiation->nonce_tag != wire::NonceTag{}) {
            attempt = initiation->sender;
        }
    });
    town.connect(alice, bob);
    ASSERT_TRUE(town.run_until([&] { return attempt.has_value(); }, 5s));
    ByteVector retry(wire::kRetrySize);
    wire::encode(wire::Retry{.receiver = *attempt, .cookie = {}}, MutableBytes{retry});
    mallory.send_raw({.source = {mallory.address(), 4000},
                      .destination = {alice.host().address(), *alice.host().port_of(kSocketV4)},
                      .payload = retry});
    town.run_for(1s);
    EXPECT_EQ(alice.host().sent_to(mallory.address()), Traffic{});
}

}  // namespace
}  // namespace pinhole::lab
