// Topology: who reaches whom, at what TTL, by which address.
#include <gtest/gtest.h>

#include "tests/lab/lab.hpp"
#include "tests/lab/mailbox.hpp"

namespace pinhole::lab {
namespace {

constexpr std::uint16_t kPort = 4000;

/// A lab with one public server that answers everything.
struct Net {
    explicit Net(LabOptions options = {}) : lab(1, options) {
        lab.trace().keep_lines();
        server.answers = true;
        run(server_host, server);
    }
    static void run(Host& host, Mailbox& mailbox) { host.start(mailbox, {kPort, kPort}); }
    void send(Host& host, Mailbox& from, const Endpoint& to,
              std::optional<std::uint8_t> ttl = std::nullopt) {
        host.mutate([&](Instant) { from.send(to, "hello", ttl); });
        lab.run_for(1s);
    }
    Endpoint server_at(Family family = Family::kV4) const {
        return {server_host.address(family), kPort};
    }

    Lab lab;
    Mailbox server;
    Host& server_host = lab.add_public_host("server", {"198.51.100.10", "2001:db8:5::10"});
};

/// The same, and one machine behind a NAT.
struct AtHome : Net {
    explicit AtHome(const NatProfile& profile)
        : home(lab.add_nat("home", profile, {"203.0.113.1"})), host(lab.add_host("alice", home)) {
        run(host, alice);
    }
    using Net::send;
    void send(const Endpoint& to, std::optional<std::uint8_t> ttl = std::nullopt) {
        Net::send(host, alice, to, ttl);
    }

    NatBox& home;
    Mailbox alice;
    Host& host;
};

TEST(Network, PublicHostsReachEachOtherInTwoCables) {
    Net net;
    Mailbox alice;
    Host& host = net.lab.add_public_host("alice", {"198.51.100.20"});
    Net::run(host, alice);
    net.send(host, alice, net.server_at());
    ASSERT_EQ(net.server.letters.size(), 1U);
    EXPECT_EQ(net.server.letters[0].at, Instant{10ms});
    EXPECT_EQ(net.server.letters[0].path.remote, endpoint("198.51.100.20:4000"));
    ASSERT_EQ(alice.letters.size(), 1U);
    EXPECT_EQ(alice.letters[0].at, Instant{20ms});
}

TEST(Network, NatShowsItsOwnAddressAndLetsTheAnswerIn) {
    AtHome net{profile_named("eim_apdf")};
    EXPECT_EQ(net.host.address(), ip("192.168.1.2"));
    net.send(net.server_at());
    ASSERT_EQ(net.server.letters.size(), 1U);
    EXPECT_EQ(net.server.letters[0].path.remote, endpoint("203.0.113.1:4000"));
    EXPECT_EQ(net.alice.letters.size(), 1U);
}

TEST(Network, EachRouterTakesOneFromTheTtlAndTheCoreItsHops) {
    struct Case {
        std::uint8_t ttl;
        bool arrives;
        bool maps;
    };
    // Own NAT, three hops of core, the server: the fifth hop count reaches it.
    for (const Case& expected : {Case{1, false, false}, Case{2, false, true}, Case{3, false, true},
                                 Case{4, false, true}, Case{5, true, true}}) {
        AtHome net{profile_named("eim_apdf")};
        net.send(net.server_at(), expected.ttl);
        EXPECT_EQ(net.server.letters.size(), expected.arrives ? 1U : 0U) << int{expected.ttl};
        EXPECT_EQ(net.home.model().mapping_count(net.lab.now()), expected.maps ? 1U : 0U);
        const auto errors = net.alice.heard<IcmpError>();
        ASSERT_EQ(errors.size(), expected.arrives ? 0U : 1U) << int{expected.ttl};
        if (expected.arrives) continue;
        EXPECT_EQ(errors[0].kind, IcmpError::Kind::kTimeExceeded);
        EXPECT_EQ(errors[0].path, (Path{kSocketV4, net.server_at()}));
    }
}

TEST(Network, IcmpFromTheCoreIsTranslatedThroughNestedNats) {
    Net net;
    NatBox& cgn = net.lab.add_nat("cgn", profile_named("apdm_apdf_r"), {"203.0.113.20"},
                                  {.lan = "100.64.0.0/24"});
    NatBox& home = net.lab.add_nat("home", profile_named("eim_apdf"), {}, {.under = &cgn});
    EXPECT_EQ(home.wan(), ip("100.64.0.2"));
    Mailbox alice;
    Host& host = net.lab.add_host("alice", home);
    Net::run(host, alice);
    net.send(host, alice, net.server_at());
    ASSERT_EQ(net.server.letters.size(), 1U);
    EXPECT_EQ(net.server.letters[0].path.remote.ip, ip("203.0.113.20"));
    EXPECT_EQ(alice.letters.size(), 1U);
    // Two NAT layers: TTL 2 dies at the carrier's NAT, 3 behind it.
    net.send(host, alice, endpoint("198.51.100.10:9"), std::uint8_t{2});
    EXPECT_EQ(cgn.model().mapping_count(net.lab.now()), 1U);
    net.send(host, alice, endpoint("198.51.100.10:9"), std::uint8_t{3});
    EXPECT_EQ(cgn.model().mapping_count(net.lab.now()), 2U);
    EXPECT_EQ(alice.heard<IcmpError>().size(), 2U);
}

TEST(Network, ClosedPortIsReportedUnlessTheHostsTraitsSayOtherwise) {
    AtHome net{profile_named("eim_apdf")};
    const Endpoint closed{net.server_host.address(), 9};
    net.send(closed);
    const auto errors = net.alice.heard<IcmpError>();
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].kind, IcmpError::Kind::kPortUnreachable);
    EXPECT_EQ(errors[0].path.remote, closed);

    net.host.set_traits({.hears_icmp = false});
    net.send(closed);
    net.host.set_traits({});
    net.server_host.set_traits({.answers_closed_ports = false});
    net.send(closed);
    EXPECT_EQ(net.alice.heard<IcmpError>().size(), 1U);
}

TEST(Network, ClosedPortBehindANatIsReportedThroughIt) {
    AtHome net{profile_named("eim_eif")};
    net.send(net.server_at());
    net.host.kill();
    net.send(net.server_host, net.server, endpoint("203.0.113.1:4000"));
    const auto errors = net.server.heard<IcmpError>();
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].path.remote, endpoint("203.0.113.1:4000"));
}

TEST(Network, LanMembersTalkPrivatelyUnlessIsolated) {
    Net net;
    NatBox& home = net.lab.add_nat("home", profile_named("eim_apdf"), {"203.0.113.1"});
    Mailbox alice;
    Mailbox bob;
    Host& alice_host = net.lab.add_host("alice", home);
    Host& bob_host = net.lab.add_host("bob", home);
    Net::run(alice_host, alice);
    Net::run(bob_host, bob);
    // A switch takes nothing from the TTL.
    net.send(alice_host, alice, {bob_host.address(), kPort}, std::uint8_t{1});
    ASSERT_EQ(bob.letters.size(), 1U);
    EXPECT_EQ(bob.letters[0].path.remote, endpoint("192.168.1.2:4000"));
    home.isolate_clients(true);
    net.send(alice_host, alice, {bob_host.address(), kPort});
    EXPECT_EQ(bob.letters.size(), 1U);
    EXPECT_EQ(net.lab.trace().count(Fate::kIsolated), 1U);
}

TEST(Network, SamePrivateSubnetInTwoHomesReachesTheLocalStranger) {
    Net net;
    NatBox& home_a = net.lab.add_nat("home_a", profile_named("eim_apdf"), {"203.0.113.1"});
    NatBox& home_b = net.lab.add_nat("home_b", profile_named("eim_apdf"), {"203.0.113.2"});
    Mailbox alice;
    Mailbox stranger;
    Mailbox bob;
    Host& alice_host = net.lab.add_host("alice", home_a, {"192.168.1.10"});
    Net::run(alice_host, alice);
    Net::run(net.lab.add_host("stranger", home_a, {"192.168.1.20"}), stranger);
    Net::run(net.lab.add_host("bob", home_b, {"192.168.1.20"}), bob);
    net.send(alice_host, alice, endpoint("192.168.1.20:4000"));
    EXPECT_EQ(stranger.letters.size(), 1U);
    EXPECT_TRUE(bob.letters.empty());
    net.send(alice_host, alice, endpoint("192.168.1.77:4000"));
    EXPECT_EQ(net.lab.trace().count(Fate::kNoRoute), 1U) << net.lab.trace().text();
}

TEST(Network, HairpinWorksOnlyWhereTheNatHasIt) {
    for (const Hairpinning mode :
         {Hairpinning::kNone, Hairpinning::kExternalSource, Hairpinning::kInternalSource}) {
        Net net;
        NatProfile profile = profile_named("eim_eif");
        profile.hairpinning = mode;
        NatBox& home = net.lab.add_nat("home", profile, {"203.0.113.1"});
        Mailbox alice;
        Mailbox bob;
        Host& alice_host = net.lab.add_host("alice", home);
        Host& bob_host = net.lab.add_host("bob", home);
        alice_host.start(alice, {4001, 0});
        bob_host.start(bob, {4002, 0});
        net.send(bob_host, bob, net.server_at());
        net.send(alice_host, alice, endpoint("203.0.113.1:4002"));
        const bool turns = mode != Hairpinning::kNone;
        ASSERT_EQ(bob.letters.size(), turns ? 2U : 1U);
        if (!turns) continue;
        const bool shows_external = mode == Hairpinning::kExternalSource;
        EXPECT_EQ(bob.letters[1].path.remote,
                  endpoint(shows_external ? "203.0.113.1:4001" : "192.168.1.2:4001"));
    }
}

TEST(Network, Ipv6FirewallAdmitsOnlyAnswersAndKeepsAddresses) {
    Net net;
    NatBox& home = net.lab.add_nat("home", profile_named("eim_apdf"), {"203.0.113.1"},
                                   {.lan_v6 = "2001:db8:a::/64", .firewall = firewall_v6()});
    Mailbox alice;
    Host& host = net.lab.add_host("alice", home);
    Net::run(host, alice);
    const IpAddress own = host.address(Family::kV6);
    EXPECT_TRUE(prefix("2001:db8:a::/64").contains(own));
    net.send(net.server_host, net.server, {own, kPort});
    EXPECT_TRUE(alice.letters.empty());
    net.send(host, alice, net.server_at(Family::kV6));
    ASSERT_EQ(net.server.letters.size(), 1U);
    EXPECT_EQ(net.server.letters[0].path.remote, (Endpoint{own, kPort}));
    EXPECT_EQ(alice.letters.size(), 1U);
}

TEST(Network, RoutedBlocksAreKnownAboveEveryRouterThatDoesNotTranslate) {
    Net net;
    NatBox& provider = net.lab.add_nat(
        "provider", profile_named("apdm_apdf_r"), {"203.0.113.20"},
        {.lan = "100.64.0.0/24", .lan_v6 = "2001:db8:c::/64", .firewall = open_profile()});
    const auto add_home = [&](std::string name, std::string_view block) -> NatBox& {
        return net.lab.add_nat(std::move(name), profile_named("eim_apdf"), {},
                               {.under = &provider, .lan_v6 = block, .firewall = open_profile()});
    };
    Mailbox alice;
    Mailbox bob;
    Host& alice_host = net.lab.add_host("alice", add_home("home_a", "2001:db8:a::/64"));
    Host& bob_host = net.lab.add_host("bob", add_home("home_b", "2001:db8:b::/64"));
    Net::run(alice_host, alice);
    Net::run(bob_host, bob);
    net.send(net.server_host, net.server, {alice_host.address(Family::kV6), kPort});
    EXPECT_EQ(alice.letters.size(), 1U) << net.lab.trace().text();
    // Their common provider joins the two homes; three routers are on the way.
    net.send(alice_host, alice, {bob_host.address(Family::kV6), kPort}, std::uint8_t{3});
    EXPECT_TRUE(bob.letters.empty());
    net.send(alice_host, alice, {bob_host.address(Family::kV6), kPort}, std::uint8_t{4});
    EXPECT_EQ(bob.letters.size(), 1U) << net.lab.trace().text();
}

TEST(Network, RebootForgetsAndWanChangeMoves) {
    AtHome net{profile_named("eim_eif")};
    net.send(net.server_at());
    net.home.reboot();
    net.send(net.server_host, net.server, endpoint("203.0.113.1:4000"));
    EXPECT_EQ(net.alice.letters.size(), 1U);
    EXPECT_EQ(net.lab.trace().count(Fate::kNoMapping), 1U);

    net.home.change_wan({ip("203.0.113.50")});
    net.send(net.server_at());
    EXPECT_EQ(net.server.letters.back().path.remote, endpoint("203.0.113.50:4000"));
    net.send(net.server_host, net.server, endpoint("203.0.113.1:4000"));
    EXPECT_EQ(net.lab.trace().count(Fate::kNoRoute), 1U);
}

TEST(Network, BlackoutLosesEverythingAndEnds) {
    AtHome net{profile_named("eim_apdf")};
    net.home.uplink().set_up(false);
    net.send(net.server_at());
    EXPECT_TRUE(net.server.letters.empty());
    net.home.uplink().set_up(true);
    net.send(net.server_at());
    EXPECT_EQ(net.server.letters.size(), 1U);
}

TEST(Network, UdpBlockedLetsNothingOut) {
    AtHome net{udp_blocked()};
    net.send(net.server_at());
    EXPECT_TRUE(net.server.letters.empty());
    EXPECT_EQ(net.lab.trace().count(Fate::kUdpBlocked), 1U);
}

TEST(Network, TooBigIsReportedFromTheOwnLinkAndFromAfar) {
    AtHome net{profile_named("eim_apdf")};
    const std::string big(1300, 'x');
    const auto send_big = [&] {
        net.host.mutate([&](Instant) { net.alice.send(net.server_at(), big); });
        net.lab.run_for(1s);
    };
    LinkQuality small;
    small.mtu = 1280;
    net.home.uplink().set_quality(small);
    send_big();
    net.home.uplink().set_quality({});
    net.server_host.cable().set_quality(small);
    send_big();
    net.server_host.cable().set_quality({});
    net.host.cable().set_quality(small);
    send_big();
    EXPECT_TRUE(net.server.letters.empty());
    const auto errors = net.alice.heard<IcmpError>();
    ASSERT_EQ(errors.size(), 3U) << net.lab.trace().text();
    for (const IcmpError& error : errors) {
        EXPECT_EQ(error.kind, IcmpError::Kind::kTooBig);
        EXPECT_EQ(error.path.remote, net.server_at());
    }
}

TEST(Network, FragmentsArriveUnlessTheNatTakesThem) {
    for (const Fragments fragments : {Fragments::kPass, Fragments::kFirstOnly, Fragments::kDrop}) {
        NatProfile profile = profile_named("eim_apdf");
        profile.fragments = fragments;
        AtHome net{profile};
        LinkQuality small;
        small.mtu = 600;
        net.host.cable().set_quality(small);
        net.host.send_raw({.source = {net.host.address(), kPort},
                           .destination = net.server_at(),
                           .payload = ByteVector(1000),
                           .may_fragment = true,
                           .fragment_size = 600});
        net.lab.run_for(1s);
        const bool is_whole = fragments == Fragments::kPass;
        EXPECT_EQ(net.server.letters.size(), is_whole ? 1U : 0U) << net.lab.trace().text();
        EXPECT_EQ(net.lab.trace().count(Fate::kFragment), is_whole ? 0U : 1U);
        EXPECT_EQ(net.lab.trace().count(Fate::kIncomplete),
                  fragments == Fragments::kFirstOnly ? 1U : 0U);
    }
}

TEST(Network, TwoHomesUnderOneCarrierReachEachOtherByTheirCarrierAddresses) {
    Net net;
    NatBox& cgn = net.lab.add_nat("cgn", profile_named("eim_apdf"), {"203.0.113.20"},
                                  {.lan = "100.64.0.0/24"});
    NatBox& home_a = net.lab.add_nat("home_a", profile_named("eim_eif"), {}, {.under = &cgn});
    NatBox& home_b = net.lab.add_nat("home_b", profile_named("eim_eif"), {}, {.under = &cgn});
    Mailbox alice;
    Mailbox bob;
    Host& alice_host = net.lab.add_host("alice", home_a);
    Host& bob_host = net.lab.add_host("bob", home_b);
    Net::run(alice_host, alice);
    Net::run(bob_host, bob);
    net.send(bob_host, bob, net.server_at());
    net.send(alice_host, alice, {home_b.wan(), kPort});
    EXPECT_EQ(bob.letters.size(), 2U);  // the server's answer and alice
    net.send(alice_host, alice, {cgn.wan(), kPort});
    EXPECT_EQ(net.lab.trace().count(Fate::kNoHairpin), 1U);
}

}  // namespace
}  // namespace pinhole::lab
