// Are the simulated internets what they claim to be? Plain datagrams, sent in a chosen order.
#include <system_error>

#include <gmock/gmock.h>

#include "tests/netns/lab_fixture.hpp"

namespace pinhole::netns {
namespace {

const Place kServer{kServerAddress, 3478};
const Place kServerSecondPort{kServerAddress, 3479};
constexpr std::uint16_t kAlicePort = 40000;
constexpr std::uint16_t kBobPort = 50000;
const Place kAliceOutside{kWanA, kAlicePort};
const Place kBobOutside{kWanB, kBobPort};
// Passes the sender's own router and dies in the core, before the other router.
constexpr int kOpenerTtl = 2;

class Topology : public LabTest {
  protected:
    void build_with_sockets(const std::vector<std::string>& words) {
        build(words);
        if (HasFatalFailure()) return;
        server_ = socket_in("srv", kServer);
        second_ = socket_in("srv", kServerSecondPort);
        alice_ = socket_in("alice", {"0.0.0.0", kAlicePort});
        bob_ = socket_in("bob", {"0.0.0.0", kBobPort});
    }

    // Where `listener` sees a datagram of `sender` coming from.
    static Place seen_from(LabSocket& sender, LabSocket& listener, const Place& to) {
        sender.send("who am I", to);
        const auto heard = listener.receive();
        return heard ? heard->from : Place{"nowhere", 0};
    }

    static void expect_hears(LabSocket& socket, const std::string& text, const Place& from) {
        const auto heard = socket.receive();
        ASSERT_TRUE(heard) << "waited for: " << text;
        EXPECT_EQ(heard->text, text);
        EXPECT_EQ(heard->from, from);
    }

    std::unique_ptr<LabSocket> server_, second_, alice_, bob_;
};

TEST_F(Topology, TwoNatsKeepThePortAndOneMapping) {
    ASSERT_NO_FATAL_FAILURE(build_with_sockets({"two-nats"}));
    EXPECT_EQ(seen_from(*alice_, *server_, kServer), kAliceOutside);
    EXPECT_EQ(seen_from(*alice_, *second_, kServerSecondPort), kAliceOutside);
    EXPECT_EQ(seen_from(*bob_, *server_, kServer), kBobOutside);
}

TEST_F(Topology, TwoNatsLetInOnlyThePortThatWasWrittenTo) {
    ASSERT_NO_FATAL_FAILURE(build_with_sockets({"two-nats"}));
    second_->send("before", kAliceOutside);
    EXPECT_TRUE(alice_->hears_nothing());
    ASSERT_EQ(seen_from(*alice_, *server_, kServer), kAliceOutside);
    second_->send("from another port", kAliceOutside);
    bob_->send("from another address", kAliceOutside);
    EXPECT_TRUE(alice_->hears_nothing());
    server_->send("answer", kAliceOutside);
    expect_hears(*alice_, "answer", kServer);
}

TEST_F(Topology, PrivateAddressesEndAtTheCore) {
    ASSERT_NO_FATAL_FAILURE(build_with_sockets({"two-nats"}));
    alice_->send("to your LAN", {kBob, kBobPort});
    EXPECT_TRUE(bob_->hears_nothing());
}

TEST_F(Topology, RoutersThatDropEarlyDatagramsCanBePunchedInAnyOrder) {
    ASSERT_NO_FATAL_FAILURE(build_with_sockets({"two-nats", "--input", "drop"}));
    bob_->send("early", kAliceOutside);
    EXPECT_TRUE(alice_->hears_nothing());
    alice_->send("hello", kBobOutside);
    expect_hears(*bob_, "hello", kAliceOutside);
    bob_->send("hello back", kAliceOutside);
    expect_hears(*alice_, "hello back", kBobOutside);
}

// The router takes bob's early datagram for its own and remembers it, so alice's leaves from
// another port, and trying again does not help.
TEST_F(Topology, RoutersThatAcceptEarlyDatagramsSpoilThePunch) {
    ASSERT_NO_FATAL_FAILURE(build_with_sockets({"two-nats", "--input", "accept"}));
    bob_->send("early", kAliceOutside);
    for (int attempt = 0; attempt < 3; ++attempt) {
        alice_->send("hello", kBobOutside);
        EXPECT_TRUE(bob_->hears_nothing());
        bob_->send("again", kAliceOutside);
        EXPECT_TRUE(alice_->hears_nothing());
    }
}

TEST_F(Topology, OpenersThatDieInTheCoreSaveThePunch) {
    ASSERT_NO_FATAL_FAILURE(build_with_sockets({"two-nats", "--input", "accept"}));
    bob_->send("opener", kAliceOutside, kOpenerTtl);
    alice_->send("opener", kBobOutside, kOpenerTtl);
    EXPECT_TRUE(alice_->hears_nothing());
    EXPECT_TRUE(bob_->hears_nothing());
    bob_->send("hello", kAliceOutside);
    expect_hears(*alice_, "hello", kBobOutside);
    alice_->send("hello back", kBobOutside);
    expect_hears(*bob_, "hello back", kAliceOutside);
}

TEST_F(Topology, MappingsExpire) {
    ASSERT_NO_FATAL_FAILURE(build_with_sockets({"two-nats", "--udp-timeout", "1"}));
    ASSERT_EQ(seen_from(*alice_, *server_, kServer), kAliceOutside);
    EXPECT_FALSE(alice_->receive(Milliseconds{2'500}));
    server_->send("too late", kAliceOutside);
    EXPECT_TRUE(alice_->hears_nothing());
}

TEST_F(Topology, SymmetricNatsMapEachDestinationAnew) {
    ASSERT_NO_FATAL_FAILURE(build_with_sockets({"two-nats", "--ipv4", "symmetric"}));
    const Place first = seen_from(*alice_, *server_, kServer);
    const Place second = seen_from(*alice_, *second_, kServerSecondPort);
    EXPECT_EQ(first.address, kWanA);
    EXPECT_EQ(second.address, kWanA);
    EXPECT_NE(first.port, second.port);
}

TEST_F(Topology, OneNatJoinsItsHostsAndDoesNotHairpin) {
    ASSERT_NO_FATAL_FAILURE(build_with_sockets({"same-nat"}));
    EXPECT_EQ(seen_from(*alice_, *server_, kServer), kAliceOutside);
    EXPECT_EQ(seen_from(*bob_, *server_, kServer), (Place{kWanA, kBobPort}));
    alice_->send("around the corner", {kWanA, kBobPort});
    EXPECT_TRUE(bob_->hears_nothing());
    alice_->send("across the LAN", {kBobOnLanA, kBobPort});
    expect_hears(*bob_, "across the LAN", {kAlice, kAlicePort});
}

TEST_F(Topology, PublicHostIsReachedFromBehindANat) {
    ASSERT_NO_FATAL_FAILURE(build_with_sockets({"one-public"}));
    bob_->send("unasked", kAliceOutside);
    EXPECT_TRUE(alice_->hears_nothing());
    EXPECT_EQ(seen_from(*alice_, *bob_, kBobOutside), kAliceOutside);
    bob_->send("answer", kAliceOutside);
    expect_hears(*alice_, "answer", kBobOutside);
    EXPECT_EQ(seen_from(*bob_, *server_, kServer), kBobOutside);
}

TEST_F(Topology, Ipv6FirewallsLetInAnswersOnly) {
    ASSERT_NO_FATAL_FAILURE(build({"ipv6-firewalls"}));
    const Place alice{kAlice6, kAlicePort};
    const Place bob{kBob6, kBobPort};
    const auto alice_socket = socket_in("alice", alice);
    const auto bob_socket = socket_in("bob", bob);
    bob_socket->send("early", alice);
    EXPECT_TRUE(alice_socket->hears_nothing());
    alice_socket->send("hello", bob);
    expect_hears(*bob_socket, "hello", alice);
    bob_socket->send("hello back", alice);
    expect_hears(*alice_socket, "hello back", bob);
    const auto server = socket_in("srv", {kServerAddress6, 3478});
    EXPECT_EQ(seen_from(*alice_socket, *server, {kServerAddress6, 3478}), alice);
}

TEST_F(Topology, Ipv6FirewallsHaveSymmetricIpv4BesideThem) {
    ASSERT_NO_FATAL_FAILURE(build_with_sockets({"ipv6-firewalls"}));
    EXPECT_NE(seen_from(*bob_, *server_, kServer).port,
              seen_from(*bob_, *second_, kServerSecondPort).port);
}

TEST_F(Topology, Ipv6FirewallsCanBeWithoutIpv4) {
    ASSERT_NO_FATAL_FAILURE(build_with_sockets({"ipv6-firewalls", "--ipv4", "none"}));
    EXPECT_THROW(alice_->send("hello", kServer), std::system_error);
}

TEST_F(Topology, RefusesToBuildOverWhatIsLeft) {
    ASSERT_NO_FATAL_FAILURE(build({"one-public"}));
    const Finished again = lab({"up", "two-nats"});
    EXPECT_EQ(again.status, 1);
    EXPECT_THAT(again.text, ::testing::HasSubstr("left over from before: srv core nata alice bob"));
}

TEST_F(Topology, DownRemovesAHalfBuiltTopologyAndEndsItsPrograms) {
    ASSERT_NO_FATAL_FAILURE(build({"two-nats"}));
    Process& sleeper = start("alice", {"sleeper", {"sleep", "60"}, {}});
    Process remover{{"ip", {"ip", "netns", "delete", full_name("nata")}, {}}};
    ASSERT_EQ(remover.wait_for_exit(Milliseconds{10'000}), 0) << remover.log();
    EXPECT_EQ(lab({"down"}).status, 0);
    EXPECT_TRUE(sleeper.wait_for_exit(Milliseconds{5'000}));
    EXPECT_NO_FATAL_FAILURE(build({"two-nats"}));
}

TEST_F(Topology, AddressesLiveInChildNamespacesOnly) {
    ASSERT_NO_FATAL_FAILURE(build({"ipv6-firewalls"}));
    Process lister{{"ip", {"ip", "-o", "address", "show"}, {}}};
    ASSERT_EQ(lister.wait_for_exit(Milliseconds{10'000}), 0) << lister.log();
    ASSERT_FALSE(lister.lines().empty());
    for (const Line& line : lister.lines()) {
        EXPECT_THAT(line.text, ::testing::HasSubstr(": lo "));
    }
}

}  // namespace
}  // namespace pinhole::netns
