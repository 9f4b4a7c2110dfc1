// Raw packets through a whole network, on a test's clock.
#include "tests/vnet/interface.hpp"

#include <gtest/gtest.h>

#include "tests/vnet/network.hpp"

namespace pinhole::vnet {
namespace {

using lab::Packet;
using lab::Transport;

constexpr std::string_view kHome =
    "core hops=3\n"
    "host srv at inet ip=198.51.100.10,2001:db8:5::10 delay=5ms\n"
    "nat home at inet wan=192.0.2.1 lan=192.168.1.1/24 lan6=2001:db8:a::1/64 delay=10ms "
    "map=APDM alloc=random\n"
    "host alice at home delay=5ms\n";
const Endpoint kServer = lab::endpoint("198.51.100.10:3478");
const Endpoint kAlice = lab::endpoint("192.168.1.2:40000");

class InterfaceTest : public ::testing::Test {
  protected:
    InterfaceTest() {
        for (Interface& interface : network_.interfaces()) {
            interface.emit_to([&box = inbox_[interface.host()]](Bytes raw) {
                const auto packet = parse_ip(raw);
                ASSERT_TRUE(packet);
                box.push_back(*packet);
            });
        }
    }

    void send(std::string_view host, const Packet& packet) {
        network_.interface_named(host)->send(network_.now(), write_ip(packet));
    }
    void pass(Duration duration) { network_.run_until(network_.now() + duration); }

    /// The only packet that `host` has got in a second, or a failure.
    Packet only(const std::string& host) {
        pass(1s);
        EXPECT_EQ(inbox_[host].size(), 1U) << host;
        Packet out = inbox_[host].empty() ? Packet{} : inbox_[host].front();
        inbox_[host].clear();
        return out;
    }

    Network network_{parse_topology(kHome), 1};
    std::map<std::string, std::vector<Packet>> inbox_;
};

TEST_F(InterfaceTest, DatagramsAreTranslatedDelayedAndCostHops) {
    send("alice", {.source = kAlice, .destination = kServer, .payload = {std::byte{7}}});
    pass(19'999us);
    EXPECT_TRUE(inbox_["srv"].empty()) << "5 + 10 + 5 ms";
    pass(1us);
    ASSERT_EQ(inbox_["srv"].size(), 1U);
    const Packet heard = only("srv");
    EXPECT_EQ(heard.source.ip, lab::ip("192.0.2.1"));
    EXPECT_NE(heard.source.port, kAlice.port) << "random";
    EXPECT_EQ(heard.ttl, 64 - 1 - 3);

    send("srv", {.source = kServer, .destination = heard.source, .payload = {}});
    const Packet answer = only("alice");
    EXPECT_EQ(answer.destination, kAlice);
    EXPECT_EQ(answer.ttl, 64 - 3 - 1);
    EXPECT_EQ(network_.interface_named("alice")->sent().datagrams, 1U);
    EXPECT_EQ(network_.interface_named("alice")->sent().bytes, 1U);
    EXPECT_EQ(network_.interface_named("alice")->sent_to().at(kServer.ip).datagrams, 1U);
    EXPECT_EQ(network_.interface_named("alice")->received().datagrams, 1U);
}

TEST_F(InterfaceTest, OpenersDieWhereTheirTtlEndsAndTheSenderHearsOfIt) {
    send("alice", {.source = kAlice, .destination = kServer, .ttl = 1, .payload = {}});
    EXPECT_EQ(only("alice").source.ip, lab::ip("192.168.1.1")) << "at home";
    send("alice", {.source = kAlice, .destination = kServer, .ttl = 2, .payload = {}});
    const Packet error = only("alice");
    ASSERT_TRUE(error.icmp);
    EXPECT_EQ(error.icmp->kind, IcmpError::Kind::kTimeExceeded);
    EXPECT_EQ(error.icmp->source, kAlice) << "translated back in the quote";
    EXPECT_EQ(error.icmp->destination, kServer);
    EXPECT_TRUE(inbox_["srv"].empty());
}

TEST_F(InterfaceTest, TcpKeepsItsPortWhateverHappensToUdp) {
    Packet segment{.source = kAlice, .destination = {kServer.ip, 80}, .payload = ByteVector(16)};
    segment.transport = Transport::kTcp;
    send("alice", segment);
    const Packet heard = only("srv");
    EXPECT_EQ(heard.source, (Endpoint{lab::ip("192.0.2.1"), kAlice.port}));
    EXPECT_EQ(heard.transport, Transport::kTcp);
    Packet answer = segment;
    answer.source = segment.destination;
    answer.destination = heard.source;
    send("srv", answer);
    EXPECT_EQ(only("alice").destination, kAlice);
    // From elsewhere nothing is let in.
    answer.source.port = 81;
    send("srv", answer);
    pass(1s);
    EXPECT_TRUE(inbox_["alice"].empty());
}

TEST_F(InterfaceTest, EchoPassesBothWays) {
    Packet request{.source = {kAlice.ip, 77},
                   .destination = {kServer.ip, 0},
                   .payload = {std::byte{8}, std::byte{0}, std::byte{0}, std::byte{1}},
                   .transport = Transport::kEcho};
    send("alice", request);
    const Packet heard = only("srv");
    EXPECT_EQ(heard.source.ip, lab::ip("192.0.2.1"));
    Packet reply = heard;
    std::swap(reply.source, reply.destination);
    reply.payload[0] = std::byte{0};
    send("srv", reply);
    EXPECT_EQ(only("alice").destination, (Endpoint{kAlice.ip, 77}));
}

TEST_F(InterfaceTest, PortUnreachableComesBackWithTheQuoteTranslated) {
    send("alice", {.source = kAlice, .destination = kServer, .payload = {}});
    const Packet heard = only("srv");
    Packet error = lab::icmp_error(IcmpError::Kind::kPortUnreachable, heard);
    error.source.ip = kServer.ip;
    send("srv", error);
    const Packet got = only("alice");
    ASSERT_TRUE(got.icmp);
    EXPECT_EQ(got.icmp->source, kAlice);
    EXPECT_EQ(got.icmp->destination, kServer);
}

TEST_F(InterfaceTest, Ipv6PassesTheFirewallOutwardsOnly) {
    const Endpoint alice{lab::ip("2001:db8:a::3"), 40'000};
    ASSERT_EQ(network_.interface_named("alice")->addresses().at(1), alice.ip);
    const Endpoint server{lab::ip("2001:db8:5::10"), 3478};
    send("srv", {.source = server, .destination = alice, .payload = {}});
    pass(1s);
    EXPECT_TRUE(inbox_["alice"].empty());
    send("alice", {.source = alice, .destination = server, .payload = {}});
    EXPECT_EQ(only("srv").source, alice);
    send("srv", {.source = server, .destination = alice, .payload = {}});
    EXPECT_EQ(only("alice").source, server);
}

TEST_F(InterfaceTest, CountsWhatItRefuses) {
    Interface& alice = *network_.interface_named("alice");
    alice.send(network_.now(), as_bytes("no packet at all"));
    EXPECT_EQ(alice.refused()[Refusal::kMalformed], 1U);
    EXPECT_EQ(alice.sent().datagrams, 0U);
}

}  // namespace
}  // namespace pinhole::vnet
