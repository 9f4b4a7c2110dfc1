#include "tests/lab/nat_model.hpp"

#include <set>

#include <gtest/gtest.h>

#include "tests/lab/nat_profiles.hpp"
#include "tests/lab/packet.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::lab {
namespace {

const Endpoint kInside = endpoint("192.168.1.2:40000");
const Endpoint kNeighbor = endpoint("192.168.1.3:40000");
const IpAddress kWan = ip("203.0.113.1");
const Endpoint kServer = endpoint("198.51.100.10:3478");
const Endpoint kServerOtherPort = endpoint("198.51.100.10:3479");
const Endpoint kOther = endpoint("198.51.100.20:3478");

Instant at(Duration since_start) {
    return Instant{since_start};
}

/// A NAT under test with its own random stream.
struct Bench {
    explicit Bench(const NatProfile& profile, std::vector<IpAddress> wan = {kWan})
        : nat(profile, std::move(wan), random) {}
    explicit Bench(std::string_view name) : Bench(profile_named(name)) {}

    Endpoint out(Duration when, const Endpoint& internal, const Endpoint& remote) {
        const auto external = nat.outbound(at(when), internal, remote);
        EXPECT_TRUE(external.has_value());
        return external.value_or(Endpoint{});
    }
    bool lets_in(Duration when, const Endpoint& remote, const Endpoint& external) {
        return nat.inbound(at(when), remote, external).has_value();
    }

    test::SeededRandom random{7};
    NatModel nat;
};

TEST(NatModel, MappingDependsOnExactlyWhatTheBehaviorSays) {
    for (const Allocation allocation :
         {Allocation::kPreserving, Allocation::kSequential, Allocation::kRandom}) {
        for (const Behavior mapping : kBehaviors) {
            Bench bench{generic_nat(mapping, Behavior::kEndpointIndependent, allocation)};
            const Endpoint first = bench.out(0s, kInside, kServer);
            const Endpoint other_port = bench.out(0s, kInside, kServerOtherPort);
            const Endpoint other_address = bench.out(0s, kInside, kOther);
            EXPECT_EQ(first, bench.out(1s, kInside, kServer));
            EXPECT_EQ(first == other_port, mapping != Behavior::kAddressAndPortDependent);
            EXPECT_EQ(first == other_address, mapping == Behavior::kEndpointIndependent);
            EXPECT_EQ(first.ip, kWan);
        }
    }
}

TEST(NatModel, FilteringDependsOnExactlyWhatTheBehaviorSays) {
    for (const Behavior mapping : kBehaviors) {
        for (const Behavior filtering : kBehaviors) {
            Bench bench{generic_nat(mapping, filtering, Allocation::kRandom)};
            const Endpoint external = bench.out(0s, kInside, kServer);
            EXPECT_TRUE(bench.lets_in(1s, kServer, external));
            EXPECT_EQ(bench.lets_in(1s, kServerOtherPort, external),
                      filtering != Behavior::kAddressAndPortDependent);
            EXPECT_EQ(bench.lets_in(1s, kOther, external),
                      filtering == Behavior::kEndpointIndependent);
            EXPECT_FALSE(bench.lets_in(1s, kServer, {kWan, 9}));
        }
    }
}

TEST(NatModel, SaysWhyItRefuses) {
    Bench bench{"eim_apdf"};
    const Endpoint external = bench.out(0s, kInside, kServer);
    EXPECT_EQ(bench.nat.inbound(at(0s), kOther, external).error(), NatDrop::kFiltered);
    EXPECT_EQ(bench.nat.inbound(at(0s), kOther, {kWan, 9}).error(), NatDrop::kNoMapping);
    Bench blocked{"udp_blocked"};
    EXPECT_EQ(blocked.nat.outbound(at(0s), kInside, kServer).error(), NatDrop::kUdpBlocked);
}

TEST(NatModel, AnswersAcceptedInboundFromThePortItCameInOn) {
    for (const std::string_view name : {"apdm_eif_r", "adm_eif_s", "apdm_eif_p"}) {
        Bench bench{name};
        const Endpoint external = bench.out(0s, kInside, kServer);
        ASSERT_TRUE(bench.lets_in(1s, kOther, external));
        EXPECT_EQ(bench.out(2s, kInside, kOther), external) << name;
    }
}

TEST(NatModel, KeepsAnExistingFlowWhenTheSameRemoteComesInElsewhere) {
    Bench bench{"apdm_eif_r"};
    const Endpoint towards_server = bench.out(0s, kInside, kServer);
    const Endpoint towards_other = bench.out(0s, kInside, kOther);
    ASSERT_NE(towards_server, towards_other);
    ASSERT_TRUE(bench.lets_in(1s, kOther, towards_server));
    EXPECT_EQ(bench.out(2s, kInside, kOther), towards_other);
}

TEST(NatModel, PreservesThePortUntilTwoHostsWantTheSame) {
    Bench bench{"eim_apdf"};
    EXPECT_EQ(bench.out(0s, kInside, kServer).port, 40000);
    EXPECT_NE(bench.out(0s, kNeighbor, kOther).port, 40000);
}

TEST(NatModel, LinuxSharesAPortBetweenHostsUntilTheDestinationClashes) {
    // Measured in the kernel: host 2 got its own port towards server 2 and another towards server
    // 1, which makes its mapping depend on the destination.
    Bench bench{"linux_masquerade_input_drop"};
    EXPECT_EQ(bench.out(0s, kInside, kServer).port, 40000);
    EXPECT_EQ(bench.out(0s, kNeighbor, kOther).port, 40000);
    const Endpoint clashing = bench.out(0s, kNeighbor, kServer);
    EXPECT_NE(clashing.port, 40000);
    EXPECT_EQ(bench.nat.inbound(at(1s), kServer, {kWan, 40000}), kInside);
    EXPECT_EQ(bench.nat.inbound(at(1s), kOther, {kWan, 40000}), kNeighbor);
    EXPECT_EQ(bench.nat.inbound(at(1s), kServer, clashing), kNeighbor);
}

TEST(NatModel, SequentialPortsAreOneStepApart) {
    for (const int step : {1, 2, -1, -7}) {
        NatProfile profile = profile_named("apdm_apdf_s");
        profile.sequential_step = step;
        profile.ports = {20000, 20999};  // so small that 100 steps may wrap
        Bench bench{profile};
        int last = bench.out(0s, kInside, {kServer.ip, 1}).port;
        for (std::uint16_t remote_port = 2; remote_port < 100; ++remote_port) {
            const int next = bench.out(0s, kInside, {kServer.ip, remote_port}).port;
            const int expected = 20000 + (last - 20000 + step + 1000) % 1000;
            EXPECT_EQ(next, expected) << "step " << step;
            last = next;
        }
    }
}

TEST(NatModel, RandomPortsFillTheRangeAndThenRunOut) {
    NatProfile profile = profile_named("apdm_apdf_r");
    profile.ports = {30000, 30063};
    Bench bench{profile};
    std::set<std::uint16_t> ports;
    for (std::uint16_t remote_port = 1; remote_port <= 64; ++remote_port) {
        ports.insert(bench.out(0s, kInside, {kServer.ip, remote_port}).port);
    }
    EXPECT_EQ(ports.size(), 64U);
    EXPECT_EQ(*ports.begin(), 30000);
    EXPECT_EQ(*ports.rbegin(), 30063);
    EXPECT_EQ(bench.nat.outbound(at(0s), kInside, kOther).error(), NatDrop::kPortsExhausted);
    EXPECT_TRUE(bench.nat.outbound(at(121s), kInside, kOther).has_value());
}

TEST(NatModel, LinuxForgetsAOneWayFlowAfter30Seconds) {
    Bench bench{"linux_masquerade_input_drop"};
    const Endpoint external = bench.out(0s, kInside, kServer);
    EXPECT_EQ(bench.nat.internal_of(at(30s - 1us), external, kServer), kInside);
    EXPECT_EQ(bench.nat.internal_of(at(30s), external, kServer), std::nullopt);
    EXPECT_FALSE(bench.lets_in(30s, kServer, external));
}

TEST(NatModel, LinuxRemembersATwoWayFlowFor120Seconds) {
    Bench bench{"linux_masquerade_input_drop"};
    const Endpoint external = bench.out(0s, kInside, kServer);
    EXPECT_TRUE(bench.lets_in(100ms, kServer, external));
    // Two-way, but younger than two seconds: still 30 s.
    EXPECT_EQ(bench.nat.internal_of(at(30s + 100ms), external, kServer), std::nullopt);
    EXPECT_EQ(bench.nat.internal_of(at(30s), external, kServer), kInside);
    bench.out(3s, kInside, kServer);
    EXPECT_TRUE(bench.lets_in(123s - 1us, kServer, external));
    EXPECT_TRUE(bench.lets_in(242s, kServer, external)) << "inbound refreshes on Linux";
    EXPECT_FALSE(bench.lets_in(362s, kServer, external));
}

TEST(NatModel, OnlyOutboundRefreshesWhenTheProfileSaysSo) {
    NatProfile profile = profile_named("eim_eif");
    profile.refresh_inbound = false;
    Bench bench{profile};
    const Endpoint external = bench.out(0s, kInside, kServer);
    for (int second = 10; second < 120; second += 10) {
        EXPECT_TRUE(bench.lets_in(std::chrono::seconds{second}, kServer, external));
        EXPECT_TRUE(bench.lets_in(std::chrono::seconds{second}, kOther, external));
    }
    EXPECT_FALSE(bench.lets_in(120s, kServer, external));
    EXPECT_FALSE(bench.lets_in(120s, kOther, external));
}

TEST(NatModel, AnExpiredMappingFreesItsPortForSomebodyElse) {
    Bench bench{"eim_apdf"};
    const Endpoint external = bench.out(0s, kInside, kServer);
    EXPECT_EQ(bench.out(120s, kNeighbor, kServer), external);
    EXPECT_EQ(bench.nat.inbound(at(121s), kServer, external), kNeighbor);
    EXPECT_NE(bench.out(122s, kInside, kServer), external);
}

TEST(NatModel, UnsolicitedInboundTakesTheTupleOnlyWhereInputAccepts) {
    for (const bool has_race : {true, false}) {
        Bench bench{has_race ? "linux_masquerade" : "linux_masquerade_input_drop"};
        const Endpoint external = bench.out(0s, kInside, kServer);
        EXPECT_EQ(external.port, 40000);
        EXPECT_FALSE(bench.lets_in(1s, kOther, external));
        EXPECT_EQ(bench.out(2s, kInside, kOther).port != 40000, has_race);
        EXPECT_EQ(bench.lets_in(3s, kOther, external), !has_race);
        EXPECT_EQ(bench.out(4s, kInside, kServerOtherPort), external) << "other flows keep it";
    }
}

TEST(NatModel, RetryingKeepsTheRaceAliveAndSilenceEndsIt) {
    Bench bench{"linux_masquerade"};
    const Endpoint external = bench.out(0s, kInside, kServer);
    for (int second = 0; second < 100; second += 10) {
        EXPECT_FALSE(bench.lets_in(std::chrono::seconds{second}, kOther, external));
        bench.out(std::chrono::seconds{second}, kInside, kServer);
    }
    EXPECT_NE(bench.out(101s, kInside, kOther), external);
    // Both sides silent for 30 s, then ours first.
    EXPECT_EQ(bench.out(132s, kInside, kOther).port, 40000);
    EXPECT_TRUE(bench.lets_in(133s, kOther, {kWan, 40000}));
}

TEST(NatModel, HairpinsAsTheProfileSays) {
    for (const Hairpinning mode : {Hairpinning::kNone, Hairpinning::kExternalSource,
                                   Hairpinning::kFiltered, Hairpinning::kInternalSource}) {
        NatProfile profile = profile_named("eim_eif");
        profile.hairpinning = mode;
        Bench bench{profile};
        const Endpoint mine = bench.out(0s, kInside, kServer);
        const Endpoint theirs = bench.out(0s, kNeighbor, kServer);
        const auto turned = bench.nat.hairpin(at(1s), kInside, theirs);
        if (mode == Hairpinning::kNone) {
            EXPECT_EQ(turned.error(), NatDrop::kNoHairpin);
            continue;
        }
        ASSERT_TRUE(turned.has_value());
        EXPECT_EQ(turned->destination, kNeighbor);
        EXPECT_EQ(turned->source, mode == Hairpinning::kInternalSource ? kInside : mine);
    }
}

TEST(NatModel, HairpinMeetsNoFilterWhateverTheClass) {
    for (const Behavior mapping : kBehaviors) {
        for (const Behavior filtering : kBehaviors) {
            NatProfile profile = generic_nat(mapping, filtering, Allocation::kRandom);
            profile.hairpinning = Hairpinning::kExternalSource;
            Bench bench{profile};
            const Endpoint theirs = bench.out(0s, kNeighbor, kServer);
            const auto turned = bench.nat.hairpin(at(1s), kInside, theirs);
            ASSERT_TRUE(turned.has_value());
            EXPECT_EQ(turned->destination, kNeighbor);
            // The answer goes back the way it came, and from where it was called.
            const auto answer = bench.nat.hairpin(at(2s), kNeighbor, turned->source);
            ASSERT_TRUE(answer.has_value());
            EXPECT_EQ(answer->source, theirs);
            EXPECT_EQ(answer->destination, kInside);
            EXPECT_EQ(bench.nat.hairpin(at(300s), kInside, theirs).error(), NatDrop::kNoMapping);
        }
    }
}

TEST(NatModel, FilteredHairpinPassesTheSameFilterAsTheWan) {
    NatProfile profile = profile_named("eim_apdf");
    profile.hairpinning = Hairpinning::kFiltered;
    Bench bench{profile};
    const Endpoint mine = bench.out(0s, kInside, kServer);
    const Endpoint theirs = bench.out(0s, kNeighbor, kServer);
    EXPECT_EQ(bench.nat.hairpin(at(1s), kInside, theirs).error(), NatDrop::kFiltered);
    EXPECT_TRUE(bench.nat.hairpin(at(2s), kNeighbor, mine).has_value());
    EXPECT_TRUE(bench.nat.hairpin(at(3s), kInside, theirs).has_value());
}

TEST(NatModel, FirewallKeepsAddressesAndAdmitsOnlyAnswers) {
    Bench bench{profile_named("firewall_v6"), {}};
    const Endpoint inside = endpoint("[2001:db8:a::2]:40000");
    const Endpoint remote = endpoint("[2001:db8:b::2]:50000");
    EXPECT_FALSE(bench.lets_in(0s, remote, inside));
    EXPECT_EQ(bench.out(1s, inside, remote), inside);
    EXPECT_EQ(bench.nat.inbound(at(2s), remote, inside), inside);
    EXPECT_FALSE(bench.lets_in(2s, {remote.ip, 50001}, inside));
}

TEST(NatModel, AForwardedPortIsOneForAllAndOpenToAll) {
    Bench bench{"apdm_apdf_r"};
    const Endpoint before = bench.out(0s, kInside, kOther);
    const Endpoint forwarded = bench.nat.forward(at(0s), kInside).value();
    EXPECT_EQ(forwarded, (Endpoint{kWan, kInside.port}));
    EXPECT_EQ(bench.nat.forward(at(0s), kInside), forwarded) << "asked twice, given once";
    EXPECT_NE(bench.nat.forward(at(0s), kNeighbor), forwarded);
    EXPECT_EQ(bench.nat.inbound(at(0s), kServer, forwarded), kInside);
    EXPECT_EQ(bench.out(0s, kInside, kServer), forwarded);
    EXPECT_EQ(bench.out(0s, kInside, kServerOtherPort), forwarded);
    EXPECT_EQ(bench.out(0s, kInside, kOther), before) << "what existed keeps its port";
    EXPECT_EQ(bench.nat.inbound(at(0s), kOther, forwarded), kInside);
    EXPECT_EQ(bench.out(0s, kInside, kOther), forwarded) << "and is answered from where it came in";
    bench.nat.unforward(kInside);
    EXPECT_FALSE(bench.lets_in(0s, endpoint("198.51.100.99:1"), forwarded));
}

TEST(NatModel, RebootForgetsAndRenumberMoves) {
    Bench bench{"eim_apdf"};
    const Endpoint external = bench.out(0s, kInside, kServer);
    bench.nat.flush();
    EXPECT_FALSE(bench.lets_in(1s, kServer, external));
    bench.nat.renumber({ip("203.0.113.99")});
    EXPECT_EQ(bench.out(2s, kInside, kServer).ip, ip("203.0.113.99"));
    EXPECT_FALSE(bench.nat.owns(kWan));
}

TEST(NatModel, PortBlockConfinesEachHostAndRunsOut) {
    NatProfile profile = profile_named("apdm_apdf_r");
    profile.ports = {20000, 20063};
    profile.port_block = 8;
    Bench bench{profile};
    for (std::uint16_t remote_port = 1; remote_port <= 8; ++remote_port) {
        const auto port = bench.out(0s, kInside, {kServer.ip, remote_port}).port;
        EXPECT_TRUE(20000 <= port && port <= 20007);
    }
    EXPECT_EQ(bench.nat.outbound(at(0s), kInside, kOther).error(), NatDrop::kPortsExhausted);
    const auto neighbors = bench.out(0s, kNeighbor, kServer).port;
    EXPECT_TRUE(20008 <= neighbors && neighbors <= 20015);
}

TEST(NatModel, LimitHurtsOnlyTheHostThatReachesIt) {
    NatProfile profile = profile_named("apdm_apdf_r");
    profile.mappings_per_host_max = 3;
    Bench bench{profile};
    for (std::uint16_t remote_port = 1; remote_port <= 3; ++remote_port) {
        bench.out(0s, kInside, {kServer.ip, remote_port});
    }
    EXPECT_EQ(bench.nat.outbound(at(0s), kInside, kOther).error(), NatDrop::kLimit);
    bench.out(0s, kNeighbor, kOther);
    EXPECT_EQ(bench.nat.mapping_count(at(0s), kInside.ip), 3U);
    EXPECT_EQ(bench.nat.mapping_count(at(0s)), 4U);
}

TEST(NatModel, PairedPoolingGivesAHostOneAddressAndArbitraryMany) {
    for (const Pooling pooling : {Pooling::kPaired, Pooling::kArbitrary}) {
        NatProfile profile = profile_named("apdm_apdf_r");
        profile.pooling = pooling;
        Bench bench{profile, {kWan, ip("203.0.113.2"), ip("203.0.113.3")}};
        std::set<IpAddress> seen;
        for (std::uint16_t remote_port = 1; remote_port <= 50; ++remote_port) {
            seen.insert(bench.out(0s, kInside, {kServer.ip, remote_port}).ip);
        }
        EXPECT_EQ(seen.size(), pooling == Pooling::kPaired ? 1U : 3U);
    }
}

TEST(NatModel, LinuxRandomKeepsLowPortsLow) {
    Bench bench{"linux_masquerade_random"};
    for (std::uint16_t i = 0; i < 200; ++i) {
        const auto low = bench.out(0s, {kInside.ip, 1000}, {kOther.ip, i}).port;
        EXPECT_TRUE(600 <= low && low <= 1023) << low;
        EXPECT_GE(bench.out(0s, kInside, {kOther.ip, i}).port, 1024);
    }
}

TEST(NatModel, ForgetsTheDeadSoThatPortsAndMemoryComeBack) {
    Bench bench{"apdm_apdf_r"};
    // Far more flows than a range has ports, each gone before the next thousand comes.
    for (int i = 0; i < 70'000; ++i) {
        const Endpoint remote{IpAddress::v4(0xc6336400U + static_cast<std::uint32_t>(i) / 60000),
                              static_cast<std::uint16_t>(i % 60000)};
        ASSERT_TRUE(bench.nat.outbound(at(i * 100ms), kInside, remote).has_value()) << i;
    }
    EXPECT_EQ(bench.nat.mapping_count(at(69'999 * 100ms)), 1200U);
    EXPECT_LE(bench.nat.session_count(), 2400U);
}

TEST(NatProfiles, NamesAreUniqueAndCoverTheGrid) {
    std::set<std::string_view> names;
    for (const NamedProfile& named : all_profiles()) names.insert(named.name);
    EXPECT_EQ(names.size(), all_profiles().size());
    EXPECT_GE(names.size(), 27U);
    EXPECT_EQ(profile_named("adm_adf_s").allocation, Allocation::kSequential);
}

}  // namespace
}  // namespace pinhole::lab
