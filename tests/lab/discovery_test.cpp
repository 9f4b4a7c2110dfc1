// NAT behavior discovery by a real node against the real server: every NAT of the lab is told for
// what it is, over many seeds, and what cannot be told stays unknown.
#include <gtest/gtest.h>

#include "tests/lab/town.hpp"

namespace pinhole::lab {
namespace {

using traversal::NatReport;
using wire::Dependence;

constexpr std::uint64_t kSeeds = 20;
/// traversal.md: some seconds at most, and no flood.
constexpr Duration kTime = 3s;
constexpr std::uint64_t kDatagramsMax = 60;

enum class Server { kOneAddress, kTwoAddresses };

/// A town with one registered peer behind one NAT.
struct Household {
    Household(std::uint64_t seed, const NatProfile& profile, Server server = Server::kOneAddress,
              const traversal::DiscoveryOptions& options = {})
        : town(seed) {
        if (server == Server::kTwoAddresses) town.give_server_second_address();
        peer = &town.add_peer("ann", town.home("a", profile), {.nat_discovery = options});
        EXPECT_TRUE(town.register_all()) << town.where();
        before = peer->host().sent().datagrams;
        EXPECT_TRUE(town.run_until([&] { return report().is_complete; }, kTime)) << town.where();
        EXPECT_LE(peer->host().sent().datagrams - before, kDatagramsMax) << town.where();
    }
    [[nodiscard]] const NatReport& report() { return peer->node().nat_report(); }

    Town town;
    Peer* peer = nullptr;
    std::uint64_t before = 0;
};

Dependence as_seen(Behavior behavior, Server server) {
    switch (behavior) {
        case Behavior::kEndpointIndependent:
            return server == Server::kTwoAddresses ? Dependence::kEndpointIndependent
                                                   : Dependence::kPortIndependent;
        case Behavior::kAddressDependent:
            return server == Server::kTwoAddresses ? Dependence::kAddressDependent
                                                   : Dependence::kPortIndependent;
        case Behavior::kAddressAndPortDependent: break;
    }
    return Dependence::kAddressAndPortDependent;
}

wire::Allocation as_seen(Allocation allocation) {
    switch (allocation) {
        case Allocation::kPreserving: return wire::Allocation::kPreserving;
        case Allocation::kSequential: return wire::Allocation::kSequential;
        case Allocation::kRandom: break;
    }
    return wire::Allocation::kRandom;
}

void expect_told(Household& house, const NatProfile& profile, Server server) {
    const NatReport& report = house.report();
    const bool translates = profile.translates && !profile.is_open;
    EXPECT_EQ(report.is_untranslated, !translates);
    EXPECT_EQ(report.behavior.mapping,
              translates ? as_seen(profile.mapping, server) : Dependence::kEndpointIndependent);
    EXPECT_EQ(
        report.behavior.filtering,
        as_seen(profile.is_open ? Behavior::kEndpointIndependent : profile.filtering, server));
    EXPECT_EQ(report.behavior.allocation,
              translates ? as_seen(profile.allocation) : wire::Allocation::kPreserving);
    if (report.behavior.allocation == wire::Allocation::kSequential) {
        EXPECT_EQ(report.behavior.step, profile.sequential_step);
    }
    EXPECT_EQ(report.behavior.first_port, 0);
    const bool is_strict = report.behavior.filtering == Dependence::kAddressAndPortDependent;
    const bool is_comparable = report.behavior.mapping != Dependence::kAddressAndPortDependent;
    if (is_strict && is_comparable) {
        EXPECT_EQ(report.suffers_first_packet_race, profile.first_packet_race);
        EXPECT_EQ(report.opener_ttl, 2);
    } else {
        EXPECT_NE(report.suffers_first_packet_race, true);
        EXPECT_EQ(report.opener_ttl, std::nullopt);
    }
    EXPECT_NE(report.hairpins, true);
    EXPECT_FALSE(report.mapping_lifetime || report.keeps_low_ports) << "nobody asked";
}

class Discovery : public testing::TestWithParam<std::tuple<std::size_t, Server>> {
  protected:
    [[nodiscard]] static const NamedProfile& profile() {
        return all_profiles()[std::get<0>(GetParam())];
    }
    [[nodiscard]] static Server server() { return std::get<1>(GetParam()); }
};

TEST_P(Discovery, TellsTheProfile) {
    if (profile().profile.blocks_udp) {
        Town town{1};
        Peer& ann = town.add_peer("ann", town.home("a", profile().profile));
        town.start(ann);
        town.run_for(10s);
        EXPECT_EQ(ann.node().nat_report(), NatReport{}) << "nothing came back, nothing is known";
        return;
    }
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        SCOPED_TRACE(fmt::format("{} seed {}", profile().name, seed));
        Household house{seed, profile().profile, server()};
        expect_told(house, profile().profile, server());
        if (HasFailure()) return;
    }
}

INSTANTIATE_TEST_SUITE_P(All, Discovery,
                         testing::Combine(testing::Range(std::size_t{0}, all_profiles().size()),
                                          testing::Values(Server::kOneAddress,
                                                          Server::kTwoAddresses)),
                         [](const auto& each) {
                             return std::string{all_profiles()[std::get<0>(each.param)].name} +
                                    (std::get<1>(each.param) == Server::kOneAddress ? "_one"
                                                                                    : "_two");
                         });

TEST(DiscoveryOfSequences, FindsTheStepAndWhereItStands) {
    for (const int step : {-2, 1, 2, 8}) {
        for (const Behavior mapping :
             {Behavior::kEndpointIndependent, Behavior::kAddressAndPortDependent}) {
            NatProfile profile =
                generic_nat(mapping, Behavior::kAddressAndPortDependent, Allocation::kSequential);
            profile.sequential_step = step;
            for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
                Household house{seed, profile};
                const wire::NatBehavior& behavior = house.report().behavior;
                ASSERT_EQ(behavior.allocation, wire::Allocation::kSequential)
                    << "step " << step << ", " << house.town.where();
                ASSERT_EQ(behavior.step, step) << house.town.where();
                // The next flow of anybody inside gets the next port.
                NatModel next = house.town.nat("a").model();
                const auto port =
                    next.outbound(house.town.lab().now(), *Endpoint::parse("192.168.1.77:7777"),
                                  *Endpoint::parse("192.0.2.200:1"));
                ASSERT_TRUE(port.has_value());
                const int ahead = port->port - behavior.newest_port;
                EXPECT_TRUE(ahead == step || std::abs(ahead) > 60'000)
                    << ahead << " instead of " << step << ", " << house.town.where();
            }
        }
    }
}

TEST(DiscoveryOfPortBlocks, NamesTheBlockThatTheMappingsWereSeenIn) {
    NatProfile profile = generic_nat(Behavior::kAddressAndPortDependent,
                                     Behavior::kAddressAndPortDependent, Allocation::kRandom);
    profile.port_block = 512;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Household house{seed, profile};
        const wire::NatBehavior& behavior = house.report().behavior;
        EXPECT_EQ(behavior.allocation, wire::Allocation::kRandom) << house.town.where();
        EXPECT_GE(behavior.first_port, profile.ports.first) << house.town.where();
        EXPECT_LT(behavior.last_port, profile.ports.first + 512) << house.town.where();
        EXPECT_LT(behavior.first_port, behavior.last_port) << house.town.where();
    }
}

TEST(DiscoveryOfPortBlocks, LeavesAPortOfTheSmallestToThePeers) {
    NatProfile profile = generic_nat(Behavior::kAddressAndPortDependent,
                                     Behavior::kAddressAndPortDependent, Allocation::kRandom);
    profile.port_block = 8;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Household house{seed, profile};
        const NatModel& nat = house.town.nat("a").model();
        // The main socket towards two ports, four spares, and a fifth one where four random ports
        // of eight happened to look like a sequence.
        EXPECT_LE(nat.mapping_count(house.town.lab().now()), 7U) << house.town.where();
    }
}

TEST(DiscoveryOfHairpins, TellsWhetherTheNatTurnsPacketsRound) {
    for (const Hairpinning hairpinning : {Hairpinning::kNone, Hairpinning::kExternalSource,
                                          Hairpinning::kFiltered, Hairpinning::kInternalSource}) {
        for (const Behavior filtering : kBehaviors) {
            NatProfile profile =
                generic_nat(Behavior::kEndpointIndependent, filtering, Allocation::kPreserving);
            profile.hairpinning = hairpinning;
            for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
                Household house{seed, profile};
                ASSERT_EQ(house.report().hairpins, hairpinning != Hairpinning::kNone)
                    << static_cast<int>(filtering) << ", " << house.town.where();
            }
        }
    }
}

TEST(DiscoveryOfOpenerTtl, CountsTheNatsOnOurSide) {
    for (const std::string_view home : {"eim_apdf", "linux_masquerade"}) {
        for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
            Town town{seed};
            NatBox& carrier = town.lab().add_nat("carrier", profile_named("eim_apdf"),
                                                 {"203.0.113.50"}, {.lan = "100.64.0.0/24"});
            NatBox& box = town.lab().add_nat("home", profile_named(home), {"100.64.0.9"},
                                             {.under = &carrier, .lan = "192.168.1.0/24"});
            Peer& ann = town.add_peer("ann", town.lab().add_host("host", box));
            ASSERT_TRUE(town.register_all());
            ASSERT_TRUE(town.run_until([&] { return ann.node().nat_report().is_complete; }, kTime));
            EXPECT_EQ(ann.node().nat_report().opener_ttl, 3) << home << ", " << town.where();
            EXPECT_EQ(ann.node().nat_report().is_untranslated, false);
        }
    }
}

TEST(DiscoveryOfLowPorts, SeesWhetherTheyStayLow) {
    const auto profiles = {std::pair{"linux_masquerade_random", true},
                           std::pair{"linux_masquerade_input_drop", true},
                           std::pair{"apdm_apdf_r", false}};
    for (const auto& [name, keeps] : profiles) {
        for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
            Household house{seed, profile_named(name), Server::kOneAddress, {.low_ports = true}};
            EXPECT_EQ(house.report().keeps_low_ports, keeps) << name << house.town.where();
            EXPECT_EQ(house.report().behavior.has_low_ports, keeps) << house.town.where();
            EXPECT_EQ(house.report().behavior.allocation, as_seen(profile_named(name).allocation))
                << "the low ones are a class of their own, " << house.town.where();
        }
    }
}

TEST(DiscoveryOfLifetimes, TellsTheLongestStepThatAMappingLivedThrough) {
    const std::array lifetimes{std::pair{4s, 0s},   std::pair{6s, 5s},   std::pair{20s, 12s},
                               std::pair{40s, 25s}, std::pair{60s, 55s}, std::pair{120s, 110s}};
    for (const auto& [lifetime, expected] : lifetimes) {
        for (const bool refreshes_inbound : {false, true}) {
            NatProfile profile = profile_named("eim_apdf");
            profile.mapping_lifetime = profile.first_reply_lifetime = lifetime;
            profile.refresh_inbound = refreshes_inbound;
            Household house{3, profile, Server::kOneAddress, {.lifetime = true}};
            EXPECT_FALSE(house.report().mapping_lifetime);
            ASSERT_TRUE(house.town.run_until(
                [&] { return house.report().mapping_lifetime.has_value(); }, 4min))
                << lifetime.count() << house.town.where();
            if (refreshes_inbound) {
                EXPECT_EQ(house.report().mapping_lifetime, expected) << house.town.where();
            } else {
                // Only what we send refreshes, and the idle socket sends nothing.
                EXPECT_LE(*house.report().mapping_lifetime, Duration{expected});
            }
            EXPECT_TRUE(house.peer->node().is_registered()) << house.town.where();
        }
    }
}

TEST(DiscoveryAgain, FollowsTheNetworkButNotTooOften) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Town town{seed};
        Host& host = town.home("a", "eim_apdf");
        NatBox& other = town.lab().add_nat("cafe", profile_named("apdm_apdf_r"), {"203.0.113.77"},
                                           {.lan = "192.168.77.0/24"});
        town.lab().add_interface(host, other);
        host.set_interface_up(false, 1);
        Peer& ann = town.add_peer("ann", host);
        ASSERT_TRUE(town.register_all()) << town.where();
        town.run_for(kTime);
        ASSERT_EQ(ann.node().nat_report().behavior.mapping, Dependence::kPortIndependent);
        host.set_interface_up(false, 0);
        host.set_interface_up(true, 1);
        town.run_for(5s);
        EXPECT_EQ(ann.node().nat_report().behavior.mapping, Dependence::kPortIndependent)
            << "too early, " << town.where();
        town.run_for(10s);
        EXPECT_EQ(ann.node().nat_report().behavior.mapping, Dependence::kAddressAndPortDependent)
            << town.where();
        EXPECT_EQ(ann.node().nat_report().external->ip.to_string(), "203.0.113.77");
    }
}

TEST(DiscoveryTold, MakesTheServerTellTheHardButOpenSideToListen) {
    constexpr std::array kHard{std::pair{"apdm_eif_r", Server::kOneAddress},
                               std::pair{"adm_eif_r", Server::kTwoAddresses}};
    for (std::uint64_t seed = 1; seed <= 2 * kSeeds; ++seed) {
        const auto& [hard, server] = kHard[seed / 2 % kHard.size()];
        Town town{seed};
        if (server == Server::kTwoAddresses) town.give_server_second_address();
        Peer& ann = town.add_peer("ann", town.home("a", hard));
        Peer& bob = town.add_peer("bob", town.home("b", "eim_apdf"));
        ASSERT_TRUE(town.register_all()) << hard << ", " << town.where();
        town.run_for(kTime);
        const std::size_t registrations = ann.registrations();
        const bool ann_asks = seed % 2 == 0;
        town.connect(ann_asks ? ann : bob, ann_asks ? bob : ann);
        std::optional<Instant> bob_wrote;
        const auto ann_wrote = town.run_until(
            [&] {
                if (!bob_wrote && bob.host().sent_to(town.nat("a").wan()).datagrams > 0) {
                    bob_wrote = town.lab().now();
                }
                return ann.host().sent_to(town.nat("b").wan()).datagrams > 0;
            },
            5s);
        ASSERT_TRUE(ann_wrote) << hard << ", " << town.where();
        ASSERT_TRUE(bob_wrote) << "she wrote first, " << hard << ", " << town.where();
        // Both heard of the introduction at the same time; she waited until his datagram came.
        EXPECT_GE(ann_wrote.at - *bob_wrote, 10ms) << hard << ", " << town.where();
        const auto is_direct = [&] { return ann.is_direct() && bob.is_direct(); };
        EXPECT_TRUE(town.run_until(is_direct, 2s)) << hard << ", " << town.where();
        EXPECT_EQ(ann.registrations(), registrations) << "telling the server is no registration";
    }
}

TEST(DiscoveryUnderLoss, NeverClaimsWhatALostAnswerOnlySuggests) {
    std::size_t told = 0;
    for (std::uint64_t seed = 1; seed <= 4 * kSeeds; ++seed) {
        LabOptions options;
        options.link.loss = 0.05;
        Town town{seed, options};
        Peer& ann = town.add_peer("ann", town.home("a", "eim_eif"));
        ASSERT_TRUE(town.register_all()) << town.where();
        town.run_for(kTime);
        const NatReport& report = ann.node().nat_report();
        EXPECT_NE(report.behavior.mapping, Dependence::kAddressAndPortDependent) << town.where();
        EXPECT_EQ(report.behavior.allocation, wire::Allocation::kPreserving) << town.where();
        told += report.behavior.filtering == Dependence::kPortIndependent ? 1U : 0U;
    }
    EXPECT_GE(told, 4 * kSeeds - 2) << "three tries make up for what is lost";
}

}  // namespace
}  // namespace pinhole::lab
