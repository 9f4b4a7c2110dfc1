// What a host does for the program on it, and what the lab promises as a whole.
#include "tests/lab/host.hpp"

#include <gtest/gtest.h>

#include "tests/lab/lab.hpp"
#include "tests/lab/mailbox.hpp"

namespace pinhole::lab {
namespace {

struct Pair {
    explicit Pair(std::uint64_t seed = 1) : lab(seed) { lab.trace().keep_lines(); }
    void send(const Endpoint& to, std::string_view text = "hello") {
        alice_host.mutate([&](Instant) { alice.send(to, text); });
        lab.run_for(1s);
    }
    void start() {
        alice_host.start(alice);
        bob_host.start(bob, {4000, 4000});
    }

    Lab lab;
    Mailbox alice;
    Mailbox bob;
    Host& alice_host = lab.add_public_host("alice", {"198.51.100.1", "2001:db8::1"});
    Host& bob_host = lab.add_public_host("bob", {"198.51.100.2"});
};

const Endpoint kBob = endpoint("198.51.100.2:4000");

TEST(Host, TellsAProgramItsSocketsAndAddressesAtTheStart) {
    Pair pair;
    pair.start();
    const auto opened = pair.alice.heard<SocketOpened>();
    ASSERT_EQ(opened.size(), 2U);
    EXPECT_EQ(opened[0].socket, kSocketV4);
    EXPECT_GE(opened[0].local.port, 32768);
    EXPECT_EQ(opened[0].local.port, pair.alice_host.port_of(kSocketV4));
    EXPECT_EQ(opened[1].socket, kSocketV6);
    EXPECT_EQ(opened[1].local.ip.family(), Family::kV6);
    const auto interfaces = pair.alice.heard<InterfacesChanged>();
    ASSERT_EQ(interfaces.size(), 1U);
    ASSERT_EQ(interfaces[0].addresses.size(), 2U);
    EXPECT_EQ(interfaces[0].addresses[0].ip, ip("198.51.100.1"));
}

TEST(Host, RestartedProgramGetsOtherPortsAndHearsNothingOfTheOldOnes) {
    Pair pair;
    pair.start();
    pair.send(kBob);
    const Endpoint old = pair.bob.letters.at(0).path.remote;
    Mailbox reborn;
    pair.alice_host.kill();
    EXPECT_FALSE(pair.alice_host.is_running());
    pair.alice_host.start(reborn);
    EXPECT_NE(pair.alice_host.port_of(kSocketV4), old.port);
    pair.bob_host.mutate([&](Instant) { pair.bob.send(old, "late"); });
    pair.lab.run_for(1s);
    EXPECT_TRUE(reborn.letters.empty());
    EXPECT_EQ(pair.bob.heard<IcmpError>().size(), 1U);
}

TEST(Host, OpensAndClosesSocketsOnRequest) {
    Pair pair;
    pair.start();
    const SocketId extra{7};
    pair.bob.requests = {OpenSocket{extra, Family::kV4, 5000},
                         OpenSocket{SocketId{8}, Family::kV4, 5000}};
    pair.bob_host.drain();
    ASSERT_EQ(pair.bob.heard<SocketOpened>().size(), 3U);
    EXPECT_EQ(pair.bob.heard<SocketFailed>().at(0).socket, SocketId{8}) << "the port is taken";
    pair.send(endpoint("198.51.100.2:5000"));
    ASSERT_EQ(pair.bob.letters.size(), 1U);
    EXPECT_EQ(pair.bob.letters[0].path.socket, extra);
    pair.bob.requests = {CloseSocket{extra}};
    pair.bob_host.drain();
    pair.send(endpoint("198.51.100.2:5000"));
    EXPECT_EQ(pair.bob.letters.size(), 1U);
}

TEST(Host, WakesAProgramAtItsDeadlineAndOnlyThen) {
    Pair pair;
    pair.start();
    pair.alice_host.mutate([&](Instant now) { pair.alice.wake_at = now + 500ms; });
    pair.alice_host.mutate([&](Instant now) { pair.alice.wake_at = now + 300ms; });
    pair.lab.run_for(1s);
    ASSERT_EQ(pair.alice.timeouts.size(), 1U);
    EXPECT_EQ(pair.alice.timeouts[0], Instant{300ms});
    pair.alice_host.mutate([&](Instant now) { pair.alice.wake_at = now + 100ms; });
    pair.alice_host.mutate([&](Instant now) { pair.alice.wake_at = now + 200ms; });
    pair.lab.run_for(1s);
    ASSERT_EQ(pair.alice.timeouts.size(), 2U);
    EXPECT_EQ(pair.alice.timeouts[1], Instant{1200ms});
}

TEST(Host, SplitsARunIntoDatagrams) {
    Pair pair;
    pair.start();
    const std::string run(2500, 'r');
    pair.alice_host.mutate([&](Instant) {
        ASSERT_TRUE(pair.alice.out.push(
            {.path = {kSocketV4, kBob}, .bytes = as_bytes(run), .segment_size = 1000}));
    });
    pair.lab.run_for(1s);
    ASSERT_EQ(pair.bob.letters.size(), 3U);
    EXPECT_EQ(pair.bob.letters[0].text.size(), 1000U);
    EXPECT_EQ(pair.bob.letters[2].text.size(), 500U);
}

TEST(Host, CountsWhatItSendsByDestination) {
    Pair pair;
    pair.start();
    pair.send(kBob, "12345");
    pair.send(kBob, "123");
    pair.send(endpoint("198.51.100.9:1"), "1");
    EXPECT_EQ(pair.alice_host.sent_to(kBob.ip), (Traffic{2, 8}));
    EXPECT_EQ(pair.alice_host.sent(), (Traffic{3, 9}));
    EXPECT_EQ(pair.bob_host.received(), (Traffic{2, 8}));
    EXPECT_EQ(pair.bob_host.sent_to(kBob.ip), Traffic{});
}

TEST(Host, RoamingTellsTheProgramAndMovesTheSource) {
    Pair pair;
    pair.start();
    pair.alice_host.change_addresses({ip("198.51.100.77")});
    ASSERT_EQ(pair.alice.heard<InterfacesChanged>().size(), 2U);
    EXPECT_EQ(pair.alice.heard<InterfacesChanged>()[1].addresses.at(0).ip, ip("198.51.100.77"));
    pair.send(kBob);
    EXPECT_EQ(pair.bob.letters.at(0).path.remote.ip, ip("198.51.100.77"));
    pair.bob_host.mutate([&](Instant) {
        pair.bob.send({ip("198.51.100.1"), *pair.alice_host.port_of(kSocketV4)}, "to the old");
    });
    pair.lab.run_for(1s);
    EXPECT_TRUE(pair.alice.letters.empty());
}

TEST(Host, FallsBackToItsSecondInterfaceWhenTheFirstGoesAway) {
    Pair pair;
    NatBox& wifi = pair.lab.add_nat("wifi", profile_named("eim_apdf"), {"203.0.113.1"});
    NatBox& cellular = pair.lab.add_nat("cellular", profile_named("apdm_apdf_r"), {"203.0.113.2"},
                                        {.lan = "10.0.0.0/24"});
    Mailbox phone;
    Host& phone_host = pair.lab.add_host("phone", wifi);
    pair.lab.add_interface(phone_host, cellular);
    phone_host.start(phone);
    pair.start();
    const auto send = [&] {
        phone_host.mutate([&](Instant) { phone.send(kBob, "hello"); });
        pair.lab.run_for(1s);
        return pair.bob.letters.back().path.remote.ip;
    };
    EXPECT_EQ(send(), wifi.wan());
    phone_host.set_interface_up(false, 0);
    ASSERT_EQ(phone.heard<InterfacesChanged>().back().addresses.size(), 1U);
    EXPECT_EQ(phone.heard<InterfacesChanged>().back().addresses[0].ip, ip("10.0.0.2"));
    EXPECT_EQ(send(), cellular.wan());
    phone_host.set_interface_up(true, 0);
    EXPECT_EQ(send(), wifi.wan());
}

TEST(Host, WithoutAnAddressOfTheFamilyNothingLeaves) {
    Pair pair;
    pair.start();
    pair.bob_host.mutate([&](Instant) { pair.bob.send(endpoint("[2001:db8::1]:1"), "x"); });
    EXPECT_EQ(pair.lab.trace().count(Fate::kNoRoute), 1U);
    EXPECT_EQ(pair.bob_host.sent(), Traffic{});
}

TEST(Host, DeliversASpoofedPacketWithTheSourceItClaims) {
    Pair pair;
    pair.start();
    Host& mallory = pair.lab.add_public_host("mallory", {"198.51.100.66"});
    mallory.send_raw({.source = endpoint("198.51.100.1:1"),
                      .destination = kBob,
                      .payload = to_vector(as_bytes("x"))});
    pair.lab.run_for(1s);
    ASSERT_EQ(pair.bob.letters.size(), 1U);
    EXPECT_EQ(pair.bob.letters[0].path.remote, endpoint("198.51.100.1:1"));
}

/// Sends to itself forever without waiting.
struct Flooder {
    void handle_datagram(Instant, const Datagram&) {}
    void handle_timeout(Instant) {}
    std::optional<Transmit> poll_transmit() {
        return Transmit{.path = {kSocketV4, kBob}, .bytes = as_bytes("x")};
    }
    Instant next_timeout() const { return kNever; }
};

/// Asks to be woken now, always.
struct Insomniac {
    void handle_datagram(Instant, const Datagram&) {}
    void handle_timeout(Instant) {}
    std::optional<Transmit> poll_transmit() { return {}; }
    Instant next_timeout() const { return Instant{}; }
};

TEST(Host, EndsTheTestWhenAProgramSpins) {
    Lab lab{4711};
    Host& host = lab.add_public_host("alice", {"198.51.100.1"});
    Flooder flooder;
    try {
        host.start(flooder);
        FAIL() << "a flood without end went unnoticed";
    } catch (const LabFailure& failure) {
        EXPECT_NE(std::string{failure.what()}.find("seed 4711"), std::string::npos);
    }
    Host& other = lab.add_public_host("bob", {"198.51.100.2"});
    Insomniac insomniac;
    other.start(insomniac);
    EXPECT_THROW(lab.run_for(1s), LabFailure);
}

/// Counts down in events; each may change the core it came from.
struct Talker {
    void handle_datagram(Instant, const Datagram&) {}
    void handle_timeout(Instant) {}
    std::optional<Transmit> poll_transmit() { return out.pop(); }
    std::optional<int> poll_event() { return left > 0 ? std::optional{left--} : std::nullopt; }
    Instant next_timeout() const { return kNever; }

    int left = 0;
    TransmitQueue out{16};
};

TEST(Host, ServesWhatAListenerDoesInsideAnEvent) {
    Pair pair;
    pair.start();
    Talker talker;
    Host& host = pair.lab.add_public_host("talker", {"198.51.100.3"});
    std::vector<int> events;
    host.start(talker, [&](Instant, int event) {
        events.push_back(event);
        ASSERT_TRUE(talker.out.push({.path = {kSocketV4, kBob}, .bytes = as_bytes("x")}));
    });
    host.mutate([&](Instant) { talker.left = 3; });
    pair.lab.run_for(1s);
    EXPECT_EQ(events, (std::vector{3, 2, 1}));
    EXPECT_EQ(pair.bob.letters.size(), 3U);
}

TEST(Lab, RunUntilSaysWhetherAndWhen) {
    Pair pair;
    pair.start();
    pair.alice_host.mutate([&](Instant) { pair.alice.send(kBob, "x"); });
    const Reached reached = pair.lab.run_until([&] { return !pair.bob.letters.empty(); }, 1s);
    EXPECT_TRUE(reached);
    EXPECT_EQ(reached.at, Instant{10ms});
    const Reached never = pair.lab.run_until([] { return false; }, 1s);
    EXPECT_FALSE(never);
    EXPECT_EQ(never.at, Instant{1010ms});
    EXPECT_EQ(pair.lab.now(), never.at);
}

TEST(Lab, RunsScriptedActionsInOrder) {
    Lab lab{1};
    std::vector<int> order;
    lab.after(20ms, [&] { order.push_back(2); });
    lab.after(10ms, [&] {
        order.push_back(1);
        lab.after(10ms, [&] { order.push_back(3); });
    });
    lab.run_for(1s);
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(Lab, StopsAScenarioThatNeverEnds) {
    Lab lab{5, {.steps_max = 100}};
    std::function<void()> again = [&] { lab.after(1ms, again); };
    again();
    EXPECT_THROW(lab.run_for(1h), LabFailure);
}

/// A noisy conversation whose every detail depends on the seed.
std::pair<std::uint64_t, std::string> noisy_trace(std::uint64_t seed, std::string_view last_word) {
    Lab lab{seed};
    lab.trace().keep_lines();
    NatBox& home = lab.add_nat("home", profile_named("apdm_apdf_r"), {"203.0.113.1"});
    Mailbox alice;
    Mailbox server;
    server.answers = true;
    Host& alice_host = lab.add_host("alice", home);
    Host& server_host = lab.add_public_host("server", {"198.51.100.10"});
    home.uplink().set_quality({.jitter = 7ms, .loss = 0.1, .duplication = 0.1, .reordering = 0.1});
    alice_host.start(alice);
    server_host.start(server, {4000, 0});
    for (int i = 0; i < 200; ++i) {
        lab.after(i * 3ms, [&, i] {
            alice_host.mutate([&](Instant) {
                alice.send(endpoint("198.51.100.10:4000"), i == 199 ? last_word : "word");
            });
        });
    }
    lab.run_for(2s);
    return {lab.trace().digest(), lab.trace().text()};
}

TEST(Lab, SameSeedGivesTheSameTraceAndAnotherSeedAnother) {
    const auto first = noisy_trace(1, "end");
    const auto again = noisy_trace(1, "end");
    EXPECT_EQ(first.first, again.first);
    EXPECT_EQ(first.second, again.second);
    EXPECT_FALSE(first.second.empty());
    // For comparing builds: the digest is the same with every compiler.
    RecordProperty("digest", fmt::format("{:016x}", first.first));
    EXPECT_NE(first.first, noisy_trace(2, "end").first);
    EXPECT_NE(first.first, noisy_trace(1, "eND").first) << "the digest covers payload bytes";
}

TEST(Lab, AddingAPartDoesNotChangeTheRandomnessOfOthers) {
    const auto port = [](bool has_neighbor) {
        Lab lab{3};
        if (has_neighbor) lab.add_public_host("neighbor", {"198.51.100.9"});
        Host& host = lab.add_public_host("alice", {"198.51.100.1"});
        Mailbox alice;
        host.start(alice);
        return host.port_of(kSocketV4);
    };
    EXPECT_EQ(port(false), port(true));
}

TEST(Trace, ShowsEachStationOfADatagramToAnObserver) {
    Pair pair;
    pair.start();
    std::vector<std::string> stations;
    pair.lab.trace().observe([&](const TraceEvent& event) {
        stations.push_back(fmt::format("{} {}", event.where, name_of(event.fate)));
    });
    pair.send(kBob);
    EXPECT_EQ(stations, (std::vector<std::string>{"alice sent", "bob delivered"}));
    EXPECT_NE(pair.lab.trace().text().find("> 198.51.100.2:4000 ttl 61 size 5 kind 104 delivered"),
              std::string::npos)
        << pair.lab.trace().text();
}

}  // namespace
}  // namespace pinhole::lab
