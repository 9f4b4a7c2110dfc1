// Do the programs do what they promise, on the kernel's own routers?
#include <fstream>
#include <string>

#include <gmock/gmock.h>

#include "tests/netns/peers_fixture.hpp"

namespace pinhole::netns {
namespace {

using ::testing::StartsWith;

constexpr int status_of(Exit code) {
    return static_cast<int>(code);
}

class Programs : public PeersTest {
  protected:
    // Builds the topology, has alice and bob talk, kills the rendezvous and has them talk on; both
    // then leave in good order. `remotes_` tells afterwards where each met the other.
    void talk_and_outlive_the_rendezvous(const std::vector<std::string>& topology,
                                         const std::string& via) {
        ASSERT_NO_FATAL_FAILURE(build(topology));
        Process& rendezvous = start_rendezvous();
        ChatPeer alice = start_chat("alice", via);
        ChatPeer bob = start_chat("bob", via, {"alice"});
        ASSERT_FALSE(HasFailure());
        expect_direct(alice, bob);
        ASSERT_FALSE(HasFailure());
        ASSERT_NO_FATAL_FAILURE(expect_talk(alice, bob, "with the rendezvous"));
        ASSERT_NO_FATAL_FAILURE(kill_at_once(rendezvous));
        ASSERT_NO_FATAL_FAILURE(expect_talk(alice, bob, "without the rendezvous"));
        alice_met_ = expect_still_direct(alice, "bob");
        bob_met_ = expect_still_direct(bob, "alice");
        for (ChatPeer* side : {&bob, &alice}) {
            side->process().close_input();
            EXPECT_EQ(side->process().wait_for_exit(Milliseconds{15'000}), status_of(Exit::kOk));
        }
    }

    // The remote endpoint of the path that was reported last.
    static std::string expect_still_direct(ChatPeer& side, const std::string& towards) {
        const auto path = side.last_event({{"event", "path"}, {"peer", towards}});
        EXPECT_TRUE(path);
        if (!path) return {};
        EXPECT_EQ(path->value("path", ""), "direct") << *path;
        return path->value("remote", "");
    }

    std::string alice_met_;
    std::string bob_met_;
};

TEST_F(Programs, TalkDirectlyBehindRoutersThatDropEarlyDatagrams) {
    talk_and_outlive_the_rendezvous({"two-nats", "--input", "drop"}, kServerAddress);
    EXPECT_THAT(alice_met_, StartsWith(std::string{kWanB} + ":"));
    EXPECT_THAT(bob_met_, StartsWith(std::string{kWanA} + ":"));
}

TEST_F(Programs, TalkDirectlyBehindRoutersThatAcceptEarlyDatagrams) {
    talk_and_outlive_the_rendezvous({"two-nats", "--input", "accept"}, kServerAddress);
    EXPECT_THAT(alice_met_, StartsWith(std::string{kWanB} + ":"));
    EXPECT_THAT(bob_met_, StartsWith(std::string{kWanA} + ":"));
}

TEST_F(Programs, TalkDirectlyOnOneLan) {
    talk_and_outlive_the_rendezvous({"same-nat"}, kServerAddress);
    EXPECT_THAT(alice_met_, ::testing::Not(StartsWith(kWanA)));
    EXPECT_THAT(bob_met_, ::testing::Not(StartsWith(kWanA)));
}

TEST_F(Programs, TalkDirectlyWhenOneIsPublic) {
    talk_and_outlive_the_rendezvous({"one-public"}, kServerAddress);
    EXPECT_THAT(alice_met_, StartsWith(std::string{kWanB} + ":"));
    EXPECT_THAT(bob_met_, StartsWith(std::string{kWanA} + ":"));
}

// The IPv4 routers are symmetric here, so only IPv6 can be direct.
TEST_F(Programs, TalkDirectlyOverIpv6ThroughFirewalls) {
    talk_and_outlive_the_rendezvous({"ipv6-firewalls"}, kServerAddress);
    EXPECT_THAT(alice_met_, StartsWith("[2001:db8:b:1:"));
    EXPECT_THAT(bob_met_, StartsWith("[2001:db8:a:1:"));
}

TEST_F(Programs, TalkDirectlyWithoutAnyIpv4) {
    talk_and_outlive_the_rendezvous({"ipv6-firewalls", "--ipv4", "none"},
                                    "[" + std::string{kServerAddress6} + "]:3478");
    EXPECT_THAT(alice_met_, StartsWith("[2001:db8:b:1:"));
    EXPECT_THAT(bob_met_, StartsWith("[2001:db8:a:1:"));
}

TEST_F(Programs, TalkThroughTheRelayBehindSymmetricNatsAndSaySo) {
    ASSERT_NO_FATAL_FAILURE(build({"two-nats", "--ipv4", "symmetric"}));
    start_rendezvous();
    ChatPeer alice = start_chat("alice", kServerAddress);
    ChatPeer bob = start_chat("bob", kServerAddress, {"alice"});
    const Json relayed{{"event", "path"}, {"peer", "alice"}, {"path", "relay"}};
    ASSERT_TRUE(bob.wait_for_event(relayed, Milliseconds{20'000}));
    ASSERT_NO_FATAL_FAILURE(expect_talk(alice, bob, "by the relay"));
}

TEST_F(Programs, PingUntilDirectIs5WhenThereIsOnlyTheRelay) {
    ASSERT_NO_FATAL_FAILURE(build({"two-nats", "--ipv4", "symmetric"}));
    start_rendezvous();
    start_chat("alice", kServerAddress);
    EXPECT_EQ(run_peer({"bob",
                        "bob",
                        {"ping", "alice", "--id", "bob", "--via", kServerAddress, "--until-direct",
                         "--count", "20"}}),
              status_of(Exit::kOnlyRelay));
}

TEST_F(Programs, PingUntilDirectEndsWell) {
    ASSERT_NO_FATAL_FAILURE(build({"two-nats"}));
    start_rendezvous();
    start_chat("alice", kServerAddress);
    EXPECT_EQ(
        run_peer({"bob",
                  "bob",
                  {"ping", "alice", "--id", "bob", "--via", kServerAddress, "--until-direct"}}),
        status_of(Exit::kOk));
}

TEST_F(Programs, MessageIsDeliveredAndThePeerEndsWell) {
    ASSERT_NO_FATAL_FAILURE(build({"two-nats"}));
    start_rendezvous();
    ChatPeer bob = start_chat("bob", kServerAddress);
    EXPECT_EQ(run_peer({"alice",
                        "alice",
                        {"--id", "alice", "--via", kServerAddress, "--message",
                         "one shot, two NATs", "bob"}}),
              status_of(Exit::kOk));
    EXPECT_TRUE(bob.wait_for_event(
        {{"event", "message"}, {"peer", "alice"}, {"text", "one shot, two NATs"}},
        Milliseconds{5'000}));
}

TEST_F(Programs, UnreachableRendezvousIsReported) {
    ASSERT_NO_FATAL_FAILURE(build({"two-nats"}));
    // Nobody listens there, so an ICMP error comes back; and nobody is there at all.
    for (const char* via : {kServerAddress, "198.51.100.77"}) {
        EXPECT_EQ(
            run_peer({"alice", "alice", {"--id", "alice", "--via", via, "--message", "hi", "bob"}}),
            status_of(Exit::kUnreachable))
            << via;
    }
}

TEST_F(Programs, UnknownPeerIsReported) {
    ASSERT_NO_FATAL_FAILURE(build({"two-nats"}));
    start_rendezvous();
    EXPECT_EQ(run_peer({"alice",
                        "alice",
                        {"--id", "alice", "--via", kServerAddress, "--message", "hi", "nobody"}}),
              status_of(Exit::kUnknownPeer));
}

TEST_F(Programs, IdIsNotGivenToAForeignKey) {
    ASSERT_NO_FATAL_FAILURE(build({"two-nats"}));
    start_rendezvous();
    start_chat("alice", kServerAddress);
    EXPECT_EQ(run_peer({"bob",
                        "impostor",
                        {"--id", "alice", "--via", kServerAddress, "--message", "hi", "bob"}}),
              status_of(Exit::kIdentity));
}

// Removes the databases of the rendezvous: it keeps its own key and forgets whose the ids are.
void forget_registrations(const std::filesystem::path& state) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(state)) {
        if (!entry.is_regular_file()) continue;
        std::string magic(15, '\0');
        std::ifstream{entry.path(), std::ios::binary}.read(magic.data(), 15);
        if (magic != "SQLite format 3") continue;
        for (const char* suffix : {"", "-wal", "-shm"}) {
            std::filesystem::remove(entry.path().string() + suffix);
        }
    }
}

TEST_F(Programs, PeerRefusesAKnownNameWithAnotherKey) {
    ASSERT_NO_FATAL_FAILURE(build({"two-nats"}));
    Process& rendezvous = start_rendezvous();
    ChatPeer alice = start_chat("alice", kServerAddress);
    const PeerRun call{
        "bob", "bob", {"--id", "bob", "--via", kServerAddress, "--message", "hi", "alice"}};
    ASSERT_EQ(run_peer(call), status_of(Exit::kOk));
    ASSERT_NO_FATAL_FAILURE(kill_at_once(alice.process()));
    ASSERT_NO_FATAL_FAILURE(kill_at_once(rendezvous));
    forget_registrations(folder("rendezvous"));
    start_rendezvous();
    ChatPeer impostor{
        "alice",
        start_peer({"alice", "impostor", {"--id", "alice", "--via", kServerAddress, "--json"}})};
    ASSERT_TRUE(impostor.wait_for_event({{"event", "registered"}}, Milliseconds{10'000}));
    EXPECT_EQ(run_peer(call), status_of(Exit::kIdentity));
    EXPECT_FALSE(impostor.wait_for_event({{"event", "message"}}, Milliseconds{500}));
}

TEST_F(Programs, PeersComeBackToARestartedRendezvous) {
    ASSERT_NO_FATAL_FAILURE(build({"two-nats"}));
    Process& rendezvous = start_rendezvous();
    ChatPeer alice = start_chat("alice", kServerAddress);
    ChatPeer bob = start_chat("bob", kServerAddress, {"alice"});
    expect_direct(alice, bob);
    ASSERT_NO_FATAL_FAILURE(kill_at_once(rendezvous));
    start_rendezvous();
    ASSERT_NO_FATAL_FAILURE(expect_talk(alice, bob, "meanwhile"));
    // A newcomer finds both of them as soon as they have noticed.
    for (const ChatPeer* known : {&alice, &bob}) {
        int status = -1;
        const auto deadline = std::chrono::steady_clock::now() + Milliseconds{90'000};
        while (status != status_of(Exit::kOk) && std::chrono::steady_clock::now() < deadline) {
            status = run_peer({"core",
                               "carol",
                               {"--id", "carol", "--via", kServerAddress, "--message",
                                "hello " + known->id(), known->id()}});
        }
        EXPECT_EQ(status, status_of(Exit::kOk)) << known->id() << " did not come back";
    }
    EXPECT_TRUE(bob.wait_for_event({{"event", "message"}, {"peer", "carol"}, {"text", "hello bob"}},
                                   Milliseconds{5'000}));
}

}  // namespace
}  // namespace pinhole::netns
