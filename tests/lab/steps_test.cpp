// The step table of protocol.md, measured: which step is done when, in one-way delays. Every leg,
// to the server and between the peers, takes the same `d`.
#include <gtest/gtest.h>

#include "tests/lab/couple.hpp"

namespace pinhole::lab {
namespace {

/// One way, any leg.
constexpr Duration kLeg = 40ms;
/// Of the cable in a home, part of the leg.
constexpr Duration kLan = 5ms;

// First payload bytes (protocol.md).
constexpr std::byte kBindingResponse{5};
constexpr std::byte kInitiation{6};
constexpr std::byte kResponse{7};

/// "2.0 d": how many legs fit into it.
std::string legs(std::optional<Duration> since) {
    if (!since) return "-";
    return fmt::format("{:.2f} d",
                       static_cast<double>(since->count()) / static_cast<double>(kLeg.count()));
}

constexpr Duration round_trips(double count) {
    return Duration{static_cast<Duration::rep>(count * 2 * static_cast<double>(kLeg.count()))};
}

/// When datagrams of a kind first arrived somewhere, from the moment of the last `clear`.
class Arrivals {
  public:
    explicit Arrivals(Town& town) {
        town.lab().trace().observe([this](const TraceEvent& event) { note(event); });
    }

    void clear() { first_.clear(); }
    [[nodiscard]] std::optional<Instant> first(std::byte kind, std::string_view at) const {
        const auto found = first_.find({kind, std::string{at}});
        return found == first_.end() ? std::nullopt : std::optional{found->second};
    }

  private:
    void note(const TraceEvent& event) {
        if (event.fate != Fate::kDelivered || event.packet.payload.empty()) return;
        first_.try_emplace({event.packet.payload.front(), std::string{event.where}}, event.at);
    }

    std::map<std::pair<std::byte, std::string>, Instant> first_;
};

void even_out(Town& town, std::string_view profile) {
    const Duration lan = profile == "open" ? 0ms : kLan;
    for (const std::string home : {"a", "b"}) {
        town.uplink(home).set_quality({.delay = kLeg / 2 - lan});
    }
    town.vps().cable().set_quality({.delay = kLeg / 2});
}

/// Instants since the step before the first line; nothing where a step did not show.
struct Steps {
    std::optional<Duration> binding;
    std::optional<Duration> handshake;
    std::optional<Duration> registered;
    std::optional<Duration> introduced_a;
    std::optional<Duration> introduced_b;
    std::optional<Duration> message_1;
    std::optional<Duration> message_2;
    std::optional<Duration> connected_a;
    std::optional<Duration> connected_b;
    std::optional<Duration> first_message;
    std::optional<Duration> direct;
    /// From the start of the process, asked at once.
    std::optional<Duration> started;
    /// Datagrams that the relay carried until A could send.
    std::uint64_t relayed = 0;
};

/// Where, and what the two know of each other.
struct Terms {
    std::string_view nat;
    /// A pinned B's key.
    bool is_pinned = false;
    /// B pinned A's key, and takes the calls of such peers only.
    bool is_asked = false;
};

/// The two of the table, registered, where every leg takes the same.
struct TwoHomes {
    explicit TwoHomes(const Terms& terms)
        : alice(town.add_peer("alice", town.home("a", terms.nat))),
          bob(town.add_peer(
              "bob", town.home("b", terms.nat),
              {.accept = terms.is_asked ? node::AcceptPolicy::kKnown : node::AcceptPolicy::kAll})) {
        even_out(town, terms.nat);
        EXPECT_TRUE(town.register_all());
        if (terms.is_asked) town.trust(bob, "alice", alice.key());
        town.run_for(1s);
    }

    Town town{1};
    Peer& alice;
    Peer& bob;
};

/// From the start of a process that asks at once, as a command line does, to its first message.
std::optional<Duration> measure_start(const Terms& terms) {
    TwoHomes homes{terms};
    Town& town = homes.town;
    Peer& alice = homes.alice;
    Peer& bob = homes.bob;
    town.kill(alice);
    town.run_for(1s);
    const Instant start = town.lab().now();
    town.start(alice);
    if (terms.is_pinned) town.trust(alice, "bob", bob.key());
    town.connect(alice, bob);
    EXPECT_TRUE(town.run_until([&] { return alice.is_connected(); }, 5s)) << town.where();
    EXPECT_TRUE(town.send(alice, "hello")) << town.where();
    if (!town.run_until([&] { return !bob.received().empty(); }, 5s)) return std::nullopt;
    return bob.received().front().at - start;
}

Steps measure(const Terms& terms) {
    TwoHomes homes{terms};
    Town& town = homes.town;
    Peer& alice = homes.alice;
    Peer& bob = homes.bob;
    Arrivals arrivals{town};

    Steps steps;
    steps.started = measure_start(terms);
    // A start of its own, of an id that the server knows.
    town.kill(alice);
    town.run_for(1s);
    arrivals.clear();
    const Instant start = town.lab().now();
    const auto since = [](Instant from, std::optional<Instant> at) -> std::optional<Duration> {
        return at ? std::optional{*at - from} : std::nullopt;
    };
    town.start(alice);
    EXPECT_TRUE(town.run_until([&] { return alice.node().is_registered(); }, 5s));
    steps.registered = town.lab().now() - start;
    steps.binding = since(start, arrivals.first(kBindingResponse, "a"));
    steps.handshake = since(start, arrivals.first(kResponse, "a"));

    if (terms.is_pinned) town.trust(alice, "bob", bob.key());

    town.run_for(1s);
    arrivals.clear();
    const Instant asked = town.lab().now();
    town.connect(alice, bob);
    EXPECT_TRUE(town.run_until([&] { return alice.is_connected(); }, 5s)) << town.where();
    steps.relayed = town.server().metrics().relayed.datagrams;
    EXPECT_TRUE(town.send(alice, "hello")) << town.where();
    EXPECT_TRUE(town.run_until([&] { return !bob.received().empty(); }, 5s)) << town.where();
    town.run_until([&] { return alice.is_direct() && bob.is_direct(); }, 5s);
    steps.introduced_a = since(asked, alice.introduced_at());
    steps.introduced_b = since(asked, bob.introduced_at());
    steps.message_1 = since(asked, arrivals.first(kInitiation, "b"));
    steps.message_2 = since(asked, arrivals.first(kResponse, "a"));
    steps.connected_a = since(asked, alice.connected_at());
    steps.connected_b = since(asked, bob.connected_at());
    steps.first_message = since(asked, bob.received().front().at);
    if (alice.direct_at() && bob.direct_at()) {
        steps.direct = since(asked, std::max(*alice.direct_at(), *bob.direct_at()));
    }
    return steps;
}

TEST(Steps, FirstMessageArrivesInTheRoundTripsOfTheTable) {
    const Steps open = measure({.nat = "open"});
    const Steps home = measure({.nat = "eim_apdf"});
    const Steps pinned_home = measure({.nat = "eim_apdf", .is_pinned = true});
    const Steps relay = measure({.nat = "apdm_apdf_r"});
    const Steps pinned = measure({.nat = "apdm_apdf_r", .is_pinned = true});
    const Steps asked = measure({.nat = "apdm_apdf_r", .is_pinned = true, .is_asked = true});

    const auto row = [&](std::string_view step, std::optional<Duration> Steps::* at) {
        fmt::print("{:32} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}\n", step, legs(open.*at),
                   legs(home.*at), legs(pinned_home.*at), legs(relay.*at), legs(pinned.*at),
                   legs(asked.*at));
    };
    fmt::print("{:32} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}\n", "all legs d", "open", "home",
               "pinned", "relay", "pinned", "asked");
    row("process start: binding response", &Steps::binding);
    row("  handshake response", &Steps::handshake);
    row("  registered", &Steps::registered);
    row("connect: introduction at A", &Steps::introduced_a);
    row("  introduction at B", &Steps::introduced_b);
    row("  message 1 at B, direct", &Steps::message_1);
    row("  message 2 at A, direct", &Steps::message_2);
    row("  A may send", &Steps::connected_a);
    row("  B may send", &Steps::connected_b);
    row("  A's first message at B", &Steps::first_message);
    row("  both say direct", &Steps::direct);
    row("process start to first message", &Steps::started);

    for (const Steps* direct : {&open, &home, &pinned_home}) {
        ASSERT_TRUE(direct->message_2 && direct->first_message);
        EXPECT_LE(*direct->message_2, round_trips(2.05)) << "authenticated path";
        EXPECT_LE(*direct->connected_a, round_trips(2.05)) << "the application may send";
        // With a pin the relay is open first, and carries the first message.
        EXPECT_LE(*direct->first_message, round_trips(direct == &pinned_home ? 3.05 : 2.55));
    }
    for (const Steps* relayed : {&relay, &pinned, &asked}) {
        ASSERT_TRUE(relayed->first_message);
        EXPECT_FALSE(relayed->direct);
    }
    EXPECT_LE(*relay.first_message, round_trips(4.5));
    EXPECT_LE(*pinned.first_message, round_trips(3.2)) << "message 1 rides in connect";
    EXPECT_LE(*asked.first_message, round_trips(4.2)) << "and waits there for B's accept";
    // Message 2 only; without a pin copies of message 1 besides.
    EXPECT_EQ(pinned.relayed, 1U);
    EXPECT_GE(relay.relayed, 2U);
    for (const Steps* any : {&open, &home, &pinned_home, &relay, &pinned, &asked}) {
        EXPECT_LE(*any->registered, 3 * round_trips(1.0)) << "binding, handshake, register";
        // `connect` leaves with `register`, two round trips after the start.
        ASSERT_TRUE(any->started);
        EXPECT_LE(*any->started, round_trips(2.05) + *any->first_message);
    }
}

}  // namespace
}  // namespace pinhole::lab
