// What becomes of packets that are too large for a link, on a test's clock.
#include <gtest/gtest.h>

#include "shared/base/cursor.hpp"
#include "tests/vnet/control.hpp"

namespace pinhole::vnet {
namespace {

using lab::Packet;
using lab::Transport;

constexpr std::string_view kHome =
    "core hops=3\n"
    "host srv at inet ip=198.51.100.10,2001:db8:5::10\n"
    "nat home at inet wan=192.0.2.1 lan=192.168.1.1/24 lan6=2001:db8:a::1/64 alloc=random\n"
    "host alice at home\n"
    "host bob at home\n";

struct Couple {
    Endpoint alice;
    Endpoint server;
};
const Couple kV4{lab::endpoint("192.168.1.2:40000"), lab::endpoint("198.51.100.10:3478")};
const Couple kV6{lab::endpoint("[2001:db8:a::3]:40000"), lab::endpoint("[2001:db8:5::10]:3478")};

class MtuTest : public ::testing::Test {
  protected:
    MtuTest() {
        for (Interface& interface : network_.interfaces()) {
            interface.emit_to(
                [&box = inbox_[interface.host()]](Bytes raw) { box.push_back(to_vector(raw)); });
        }
    }

    void tell(std::string_view command) { EXPECT_EQ(execute(network_, command), "ok") << command; }
    void send(std::string_view host, const Packet& packet) {
        for (const ByteVector& raw : write_pieces(packet, ++id_)) {
            network_.interface_named(host)->send(network_.now(), raw);
        }
        network_.run_until(network_.now() + 1s);
    }
    /// What a host got since the last call.
    std::vector<ByteVector> got(const std::string& host) { return std::exchange(inbox_[host], {}); }
    /// The only thing that it got, which is an ICMP error.
    lab::IcmpQuote error_at(const std::string& host) {
        const auto packets = got(host);
        EXPECT_EQ(packets.size(), 1U);
        const auto packet = packets.empty() ? failure(Refusal::kMalformed) : parse_ip(packets[0]);
        EXPECT_TRUE(packet && packet->icmp);
        return packet && packet->icmp ? *packet->icmp : lab::IcmpQuote{};
    }
    void expect_too_big(const lab::IcmpQuote& quote, const Packet& about, std::size_t mtu) {
        EXPECT_EQ(quote.kind, IcmpError::Kind::kTooBig);
        EXPECT_EQ(quote.mtu, mtu);
        EXPECT_EQ(quote.source, about.source);
        EXPECT_EQ(quote.destination, about.destination);
        EXPECT_EQ(quote.payload_size, about.payload.size());
    }

    Network network_{parse_topology(kHome), 1};
    std::map<std::string, std::vector<ByteVector>> inbox_;
    std::uint32_t id_ = 0;
};

Packet datagram(const Endpoint& from, const Endpoint& to, std::size_t size) {
    return {.source = from, .destination = to, .payload = ByteVector(size, std::byte{5})};
}

TEST_F(MtuTest, WhatDoesNotFitIsReportedFromEveryPlaceWithItsMtu) {
    for (const char* narrow :
         {"set home up.mtu=1300", "set srv dn.mtu=1300", "set alice up.mtu=1300"}) {
        SCOPED_TRACE(narrow);
        tell(narrow);
        for (const auto& [alice, server] : {kV4, kV6}) {
            const std::size_t headers = alice.ip.is_v4() ? 28 : 48;
            const Packet big = datagram(alice, server, 1301 - headers);
            send("alice", big);
            expect_too_big(error_at("alice"), big, 1300);
            EXPECT_TRUE(got("srv").empty());
            send("alice", datagram(alice, server, 1300 - headers));
            EXPECT_EQ(got("srv").size(), 1U) << "fits";
        }
        tell("set home mtu=0");
        tell("set srv mtu=0");
        tell("set alice mtu=0");
    }
}

TEST_F(MtuTest, WhatDoesNotFitIntoTheLanIsReportedByTheOuterEndpoint) {
    send("alice", datagram(kV4.alice, kV4.server, 1));
    const Endpoint mapped = parse_ip(got("srv").at(0))->source;
    ASSERT_NE(mapped.port, kV4.alice.port);
    tell("set alice dn.mtu=1280");
    const Packet big = datagram(kV4.server, mapped, 1400);
    send("srv", big);
    expect_too_big(error_at("srv"), big, 1280);
    EXPECT_TRUE(got("alice").empty());
}

TEST_F(MtuTest, WhatDoesNotFitAfterAHairpinIsReportedByTheOuterEndpoint) {
    tell("set home hairpin=1");
    send("alice", datagram(kV4.alice, kV4.server, 1));
    const Endpoint alice = parse_ip(got("srv").at(0))->source;
    tell("set alice dn.mtu=1280");
    const Packet big = datagram(lab::endpoint("192.168.1.4:50000"), alice, 1400);
    send("bob", big);
    expect_too_big(error_at("bob"), big, 1280);
}

TEST_F(MtuTest, BlackHoleSaysNothing) {
    for (const char* narrow :
         {"set home up.mtu=1300 up.icmp=off", "set alice up.mtu=1300 up.icmp=off"}) {
        tell(narrow);
        for (const auto& [alice, server] : {kV4, kV6}) {
            send("alice", datagram(alice, server, 1400));
            EXPECT_TRUE(got("alice").empty()) << narrow;
            EXPECT_TRUE(got("srv").empty()) << narrow;
        }
    }
}

TEST_F(MtuTest, TcpSenderIsShownItsSequenceNumber) {
    tell("set srv dn.mtu=1300");
    Packet segment = datagram(kV4.alice, kV4.server, 1400);
    segment.transport = Transport::kTcp;
    segment.payload[3] = std::byte{99};
    send("alice", segment);
    const lab::IcmpQuote quote = error_at("alice");
    expect_too_big(quote, segment, 1300);
    EXPECT_EQ(Reader{quote.payload_start}.u32(), 0x05050563U);
}

TEST_F(MtuTest, WithoutDfItIsCutUpWhereItDoesNotFit) {
    Packet packet = datagram(kV4.alice, kV4.server, 1400);
    packet.may_fragment = true;
    for (const char* narrow :
         {"set alice up.mtu=600", "set home up.mtu=600", "set srv dn.mtu=600"}) {
        SCOPED_TRACE(narrow);
        tell(narrow);
        send("alice", packet);
        const auto pieces = got("srv");
        ASSERT_EQ(pieces.size(), 3U);
        Reassembly reassembly;
        for (std::size_t i = 0; i < 2; ++i) EXPECT_FALSE(reassembly.add(pieces[i]));
        const auto whole = reassembly.add(pieces[2]);
        ASSERT_TRUE(whole);
        EXPECT_EQ(parse_ip(whole->packet)->payload, packet.payload);
        EXPECT_TRUE(got("alice").empty());
        tell("set home mtu=0");
        tell("set srv mtu=0");
        tell("set alice mtu=0");
    }
}

TEST_F(MtuTest, SmallerLinkCutsFragmentsAgain) {
    tell("set srv dn.mtu=600");
    Packet packet = datagram(kV4.alice, kV4.server, 1400);
    packet.may_fragment = true;
    packet.fragment_size = 1000;
    send("alice", packet);
    EXPECT_EQ(got("srv").size(), 3U);
    // Nobody but its sender may cut a packet of IPv6.
    Packet v6 = datagram(kV6.alice, kV6.server, 1400);
    v6.fragment_size = 1000;
    send("alice", v6);
    EXPECT_TRUE(got("srv").empty());
    EXPECT_EQ(error_at("alice").mtu, 600U);
}

TEST_F(MtuTest, NatTreatsFragmentsAsItsProfileSaysInBothDirections) {
    struct Expectation {
        const char* command;
        std::size_t pieces;
    };
    for (const auto& [command, pieces] :
         {Expectation{"set home fragments=pass", 2}, Expectation{"set home fragments=first", 1},
          Expectation{"set home fragments=drop", 0}}) {
        SCOPED_TRACE(command);
        tell(command);
        send("alice", datagram(kV4.alice, kV4.server, 1));
        const Endpoint mapped = parse_ip(got("srv").at(0))->source;
        Packet packet = datagram(kV4.alice, kV4.server, 1400);
        packet.fragment_size = 1000;
        send("alice", packet);
        EXPECT_EQ(got("srv").size(), pieces);
        std::swap(packet.source, packet.destination);
        packet.destination = mapped;
        send("srv", packet);
        EXPECT_EQ(got("alice").size(), pieces);
        // Inside it is not asked.
        packet.destination = kV4.alice;
        packet.source = lab::endpoint("192.168.1.4:50000");
        send("bob", packet);
        EXPECT_EQ(got("alice").size(), 2U);
    }
    EXPECT_GT(network_.fates().at("alice")[lab::Fate::kIncomplete], 0U);
    EXPECT_EQ(network_.fates().at("home")[lab::Fate::kFragment], 4U);
}

}  // namespace
}  // namespace pinhole::vnet
