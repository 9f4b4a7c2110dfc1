// UDP does not get out of alice's network: the real programs over TCP.
#include <string>

#include <gmock/gmock.h>

#include "tests/netns/peers_fixture.hpp"

namespace pinhole::netns {
namespace {

constexpr Milliseconds kPatience{30'000};

class UdpBlocked : public PeersTest {
  protected:
    /// From now on alice's router forwards no UDP.
    static void block_udp() {
        const Finished done =
            lab({"exec", "nata", "nft",
                 "add table inet blocked; add chain inet blocked forward { type filter hook "
                 "forward priority -10; }; add rule inet blocked forward meta l4proto udp drop"});
        ASSERT_EQ(done.status, 0) << done.text;
    }
    static void free_udp() {
        const Finished done = lab({"exec", "nata", "nft", "delete table inet blocked"});
        ASSERT_EQ(done.status, 0) << done.text;
    }
};

TEST_F(UdpBlocked, TalksOverTcpAndSaysWhy) {
    ASSERT_NO_FATAL_FAILURE(build({"two-nats"}));
    ASSERT_NO_FATAL_FAILURE(block_udp());
    start_rendezvous({"--tcp"});
    ChatPeer alice = start_chat("alice", kServerAddress);
    EXPECT_TRUE(alice.last_event({{"event", "registered"}, {"over_tcp", true}}));
    ChatPeer bob = start_chat("bob", kServerAddress, {"alice"});
    EXPECT_TRUE(bob.last_event({{"event", "registered"}, {"over_tcp", false}}));
    ASSERT_TRUE(alice.wait_for_event(
        {{"event", "path"}, {"peer", "bob"}, {"path", "relay"}, {"reason", "udp_blocked"}},
        kPatience));
    EXPECT_TRUE(bob.wait_for_event(
        {{"event", "path"}, {"peer", "alice"}, {"path", "relay"}, {"reason", "peer_udp_blocked"}},
        kPatience));
    ASSERT_NO_FATAL_FAILURE(expect_talk(alice, bob, "over TCP"));
    EXPECT_TRUE(alice.process().wait_for_line(
        [](const Line& line) {
            return line.text.find("over TCP: UDP does not get out of this network") !=
                   std::string::npos;
        },
        kPatience));
}

TEST_F(UdpBlocked, GoesDirectWhenUdpIsFreeAgain) {
    ASSERT_NO_FATAL_FAILURE(build({"two-nats", "--input", "drop"}));
    ASSERT_NO_FATAL_FAILURE(block_udp());
    start_rendezvous({"--tcp"});
    ChatPeer alice = start_chat("alice", kServerAddress);
    ChatPeer bob = start_chat("bob", kServerAddress, {"alice"});
    ASSERT_NO_FATAL_FAILURE(expect_talk(alice, bob, "over TCP"));
    ASSERT_NO_FATAL_FAILURE(free_udp());
    EXPECT_TRUE(alice.wait_for_event({{"event", "registered"}, {"over_tcp", false}}, kPatience));
    expect_direct(alice, bob);
    ASSERT_NO_FATAL_FAILURE(expect_talk(alice, bob, "directly"));
}

TEST_F(UdpBlocked, WithoutTcpAtTheServerItSaysWhatWouldHelp) {
    ASSERT_NO_FATAL_FAILURE(build({"two-nats"}));
    ASSERT_NO_FATAL_FAILURE(block_udp());
    start_rendezvous();
    Process& alice = start_peer(
        {"alice", "alice", {"--id", "alice", "--via", kServerAddress, "--message", "hi", "bob"}});
    alice.close_input();
    EXPECT_EQ(alice.wait_for_exit(kPatience), static_cast<int>(Exit::kUnreachable));
    EXPECT_TRUE(alice.wait_for_line(
        [](const Line& line) { return line.text.find("rendezvous --tcp") != std::string::npos; },
        kPatience));
}

}  // namespace
}  // namespace pinhole::netns
