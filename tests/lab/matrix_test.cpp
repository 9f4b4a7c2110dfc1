// The nine by nine of RFC 4787: which pairs a plain puncher connects, and the first-packet race.
#include <array>
#include <string>

#include <gtest/gtest.h>

#include "tests/lab/lab.hpp"
#include "tests/lab/reference_puncher.hpp"

namespace pinhole::lab {
namespace {

constexpr std::uint16_t kServerPort = 3478;

/// Two homes, a server, and a puncher in each home.
struct TwoHomes {
    TwoHomes(std::uint64_t seed, const NatProfile& profile_a, const NatProfile& profile_b)
        : lab(seed) {
        server_host.start(server, StartPorts{.v4 = kServerPort});
        nat_a = &lab.add_nat("home_a", profile_a, {"203.0.113.1"});
        nat_b = &lab.add_nat("home_b", profile_b, {"203.0.113.2"});
        host_a = &lab.add_host("alice", *nat_a);
        host_b = &lab.add_host("bob", *nat_b);
    }

    /// Discovery, then punching; B starts `skew` after A.
    Reached connect(ReferencePuncher& a, ReferencePuncher& b, Duration skew) {
        host_a->start(a);
        host_b->start(b);
        const Endpoint server_at{server_host.address(), kServerPort};
        host_a->mutate([&](Instant now) { a.discover(now, server_at); });
        host_b->mutate([&](Instant now) { b.discover(now, server_at); });
        EXPECT_TRUE(lab.run_until([&] { return a.mapped() && b.mapped(); }, 1s));
        host_a->mutate([&](Instant now) { a.punch(now, {*b.mapped()}); });
        lab.after(skew, [&] { host_b->mutate([&](Instant now) { b.punch(now, {*a.mapped()}); }); });
        return lab.run_until([&] { return a.direct() && b.direct(); }, 10s);
    }

    Lab lab;
    EchoServer server;
    Host& server_host = lab.add_public_host("server", {"198.51.100.10"});
    NatBox* nat_a = nullptr;
    NatBox* nat_b = nullptr;
    Host* host_a = nullptr;
    Host* host_b = nullptr;
};

bool connects(std::uint64_t seed, const NatProfile& a, const NatProfile& b, PunchStyle style_a = {},
              PunchStyle style_b = {}, Duration skew = 7ms) {
    TwoHomes homes{seed, a, b};
    ReferencePuncher alice{style_a};
    ReferencePuncher bob{style_b};
    return static_cast<bool>(homes.connect(alice, bob, skew));
}

NatProfile behavior_at(std::size_t index) {
    return generic_nat(kBehaviors[index / 3], kBehaviors[index % 3], Allocation::kRandom);
}

// D = direct, - = not without help, * = depends on the order of arrival. The upper triangle; the
// table is symmetric. Order: EIM/EIF, EIM/ADF, EIM/APDF, ADM/EIF ... APDM/APDF.
constexpr std::array<std::string_view, 9> kExpected{
    "DDDDDDDDD",  // EIM/EIF
    " DDDDDDDD",  // EIM/ADF
    "  D*--*--",  // EIM/APDF
    "   DD*DD*",  // ADM/EIF
    "    --D--",  // ADM/ADF
    "     -D--",  // ADM/APDF
    "      DDD",  // APDM/EIF
    "       --",  // APDM/ADF
    "        -",  // APDM/APDF
};

char expected_at(std::size_t a, std::size_t b) {
    return a <= b ? kExpected[a][b] : kExpected[b][a];
}

TEST(Matrix, PlainPunchingConnectsExactlyThePairsThatTheoryAllows) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        for (std::size_t a = 0; a < 9; ++a) {
            for (std::size_t b = 0; b < 9; ++b) {
                const char expected = expected_at(a, b);
                if (expected == '*') continue;
                EXPECT_EQ(connects(seed, behavior_at(a), behavior_at(b)), expected == 'D')
                    << "row " << a << " column " << b << " seed " << seed;
            }
        }
    }
}

TEST(Matrix, HardMappingWithOpenFilterConnectsWhenThatSideStaysSilentFirst) {
    for (std::size_t a = 0; a < 9; ++a) {
        for (std::size_t b = 0; b < 9; ++b) {
            if (expected_at(a, b) != '*') continue;
            const bool a_listens = behavior_at(a).filtering == Behavior::kEndpointIndependent;
            const PunchStyle listens{.stays_silent = true};
            EXPECT_TRUE(connects(4, behavior_at(a), behavior_at(b),
                                 a_listens ? listens : PunchStyle{},
                                 a_listens ? PunchStyle{} : listens))
                << "row " << a << " column " << b;
        }
    }
}

TEST(Matrix, WithoutPeerReflexiveLearningHardPairsStayApart) {
    const PunchStyle plain{.learns_peer_reflexive = false};
    const auto direct = [&](std::string_view a, std::string_view b) {
        return connects(5, profile_named(a), profile_named(b), plain, plain);
    };
    EXPECT_TRUE(direct("eim_apdf", "eim_apdf"));
    EXPECT_TRUE(direct("eim_eif", "eim_adf"));
    EXPECT_FALSE(direct("eim_eif", "apdm_apdf_r"));
    EXPECT_FALSE(direct("eim_adf", "adm_adf_r"));
}

TEST(Matrix, PublicHostConnectsWithEverythingThatLetsUdpOut) {
    for (const NamedProfile& named : all_profiles()) {
        if (!named.profile.translates) continue;
        NatProfile open = generic_nat(Behavior::kEndpointIndependent,
                                      Behavior::kEndpointIndependent, Allocation::kPreserving);
        if (named.profile.blocks_udp) continue;
        EXPECT_TRUE(connects(6, open, named.profile)) << named.name;
    }
}

// The lab's default: 5 ms per cable, four cables, so 20 ms one way.
constexpr Duration kOneWay = 20ms;

TEST(FirstPacketRace, BothRoutersAcceptingInputFailWhenTheSkewExceedsTheOneWayDelay) {
    const NatProfile accepts = profile_named("linux_masquerade");
    EXPECT_TRUE(connects(7, accepts, accepts, {}, {}, 0ms));
    EXPECT_TRUE(connects(7, accepts, accepts, {}, {}, kOneWay / 4));
    EXPECT_FALSE(connects(7, accepts, accepts, {}, {}, kOneWay * 2));
    EXPECT_FALSE(connects(7, accepts, accepts, {}, {}, 150ms));
}

TEST(FirstPacketRace, DroppingInputConnectsAtAnySkew) {
    const NatProfile drops = profile_named("linux_masquerade_input_drop");
    for (const Duration skew : {0ms, 5ms, 40ms, 150ms}) {
        EXPECT_TRUE(connects(8, drops, drops, {}, {}, skew));
    }
}

TEST(FirstPacketRace, OpenersThatPassTheOwnRouterAndDieInTheCoreConnect) {
    const NatProfile accepts = profile_named("linux_masquerade");
    const PunchStyle openers{.openers = 2, .opener_ttl = 2, .full_ttl_after = 200ms};
    for (const Duration skew : {0ms, 5ms, 40ms, 150ms}) {
        EXPECT_TRUE(connects(9, accepts, accepts, openers, openers, skew));
    }
}

TEST(FirstPacketRace, OpenersWithTtl1NeverLeaveTheOwnRouterAndDoNotHelp) {
    const NatProfile accepts = profile_named("linux_masquerade");
    const PunchStyle openers{.openers = 2, .opener_ttl = 1, .full_ttl_after = 200ms};
    EXPECT_FALSE(connects(10, accepts, accepts, openers, openers, 150ms));
}

TEST(FirstPacketRace, OpenersThatReachTheOtherRouterPoisonIt) {
    const NatProfile accepts = profile_named("linux_masquerade");
    // Own router, three hops of core, and the other router looks before it counts.
    const PunchStyle openers{.openers = 2, .opener_ttl = 5, .full_ttl_after = 200ms};
    EXPECT_FALSE(connects(11, accepts, accepts, openers, openers, 150ms));
}

TEST(FirstPacketRace, PeerReflexiveLearningSavesAnAddressDependentFilter) {
    const NatProfile accepts = profile_named("linux_masquerade");
    EXPECT_TRUE(connects(12, profile_named("eim_adf"), accepts, {}, {}, 150ms));
    const PunchStyle plain{.learns_peer_reflexive = false};
    EXPECT_FALSE(connects(12, profile_named("eim_adf"), accepts, plain, plain, 150ms));
}

TEST(FirstPacketRace, PortUnreachableFromTheOtherRouterReachesTheSender) {
    const NatProfile accepts = profile_named("linux_masquerade");
    TwoHomes homes{13, accepts, accepts};
    ReferencePuncher alice;
    ReferencePuncher bob;
    homes.connect(alice, bob, 150ms);
    ASSERT_FALSE(alice.icmp_errors().empty());
    EXPECT_EQ(alice.icmp_errors().front().kind, IcmpError::Kind::kPortUnreachable);
    EXPECT_EQ(alice.icmp_errors().front().path, (Path{kSocketV4, *bob.mapped()}));
}

}  // namespace
}  // namespace pinhole::lab
