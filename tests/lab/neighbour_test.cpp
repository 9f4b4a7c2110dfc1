// Homes that share something: a router, a private subnet, a carrier's ports or addresses; and one
// peer with many.
#include <gtest/gtest.h>

#include "shared/traversal/guess.hpp"
#include "tests/lab/couple.hpp"

namespace pinhole::lab {
namespace {

constexpr std::uint64_t kSeeds = 10;
constexpr Duration kDirectWithin = 10s;
constexpr Duration kRelayWithin = 3s;
/// Two sprays and the pause between them.
constexpr Duration kGuessedWithin = 60s;
/// Discovery has ended, and the server knows what it found.
constexpr Duration kSettled = 3s;

constexpr auto kApd = Behavior::kAddressAndPortDependent;

/// Both have this reason, or get it within 10 s.
void expect_reason(Couple& couple, traversal::Reason reason) {
    const auto has = [reason](Peer& peer) { return peer.path_changed()->reason == reason; };
    EXPECT_TRUE(
        couple.town().run_until([&] { return has(couple.alice()) && has(couple.bob()); }, 10s))
        << couple.where();
}

/// Direct where the NAT turns them round, else relayed for that reason.
void expect_meeting_by(Couple& couple, Hairpinning hairpinning) {
    if (hairpinning == Hairpinning::kNone) {
        ASSERT_TRUE(couple.run_until_connected(kRelayWithin)) << couple.where();
        expect_reason(couple, traversal::Reason::kNoHairpin);
    } else {
        ASSERT_TRUE(couple.run_until_direct(kDirectWithin)) << couple.where();
    }
}

TEST(IsolatedHousemates, MeetOutsideWhereTheRouterTurnsThemRoundAndAreRelayedElsewhere) {
    for (const Hairpinning hairpinning :
         {Hairpinning::kNone, Hairpinning::kExternalSource, Hairpinning::kFiltered}) {
        for (const Behavior filtering : kBehaviors) {
            for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
                Couple couple{seed, "two in one home that cannot see each other"};
                NatProfile profile =
                    generic_nat(Behavior::kEndpointIndependent, filtering, Allocation::kPreserving);
                profile.hairpinning = hairpinning;
                Host& a = couple.town().home("a", profile);
                NatBox& router = couple.town().nat("a");
                router.isolate_clients(true);
                couple.settle_in(a, couple.town().lab().add_host("b", router));
                ASSERT_TRUE(couple.start(kOrders[seed % kOrders.size()])) << couple.where();
                ASSERT_NO_FATAL_FAILURE(expect_meeting_by(couple, hairpinning));
                if (hairpinning != Hairpinning::kNone) {
                    EXPECT_EQ(couple.alice().path_changed()->remote->ip, router.wan())
                        << couple.where();
                }
                couple.expect_messages_flow(3, 3s);
            }
        }
    }
}

TEST(CarrierNeighbours, MeetWhereTheCarrierTurnsThemRoundAndAreRelayedElsewhere) {
    for (const Hairpinning hairpinning : {Hairpinning::kNone, Hairpinning::kExternalSource}) {
        for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
            Couple couple{seed, "two homes under one carrier that keeps them apart"};
            Lab& lab = couple.town().lab();
            NatProfile carrier = profile_named("eim_apdf");
            carrier.hairpinning = hairpinning;
            NatBox& above = lab.add_nat("carrier", carrier, {"203.0.113.1"},
                                        {.lan = "100.64.0.0/24", .isolates_clients = true});
            const NatProfile home = profile_named("eim_apdf");
            NatBox& home_a =
                lab.add_nat("nat_a", home, {}, {.under = &above, .lan = "192.168.1.0/24"});
            NatBox& home_b =
                lab.add_nat("nat_b", home, {}, {.under = &above, .lan = "192.168.2.0/24"});
            couple.settle_in(lab.add_host("a", home_a), lab.add_host("b", home_b));
            ASSERT_TRUE(couple.start(kOrders[seed % kOrders.size()])) << couple.where();
            ASSERT_NO_FATAL_FAILURE(expect_meeting_by(couple, hairpinning));
            couple.expect_messages_flow(3, 3s);
        }
    }
}

/// RFC 4787 REQ-6 lets a NAT forget a mapping that only packets from outside use.
TEST(ShortMemory, ThatOnlyOwnPacketsRefreshIsKeptAwakeByBothSidesThroughAOneWayTalk) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Couple couple{seed, "30 s, refreshed from inside only"};
        Town& town = couple.town();
        // A mapping that was forgotten comes back with another port, and the talk loses its path.
        NatProfile profile = generic_nat(Behavior::kEndpointIndependent, kApd, Allocation::kRandom);
        profile.mapping_lifetime = profile.first_reply_lifetime = 30s;
        profile.refresh_inbound = false;
        Host& a = town.home("a", profile);
        Host& b = town.home("b", profile);
        couple.settle_in(a, b);
        ASSERT_TRUE(couple.start(Order::kEarlyCalls)) << couple.where();
        ASSERT_TRUE(couple.run_until_direct(kDirectWithin)) << couple.where();
        const auto alice_was = couple.alice().path_history();
        const auto bob_was = couple.bob().path_history();
        const auto remote = couple.bob().path_changed()->remote;
        for (int second = 0; second < 120; ++second) {
            ASSERT_TRUE(town.send(couple.alice(), "on and on")) << couple.where();
            town.run_for(1s);
        }
        town.run_for(5min);
        EXPECT_EQ(couple.bob().received().size(), 120U) << couple.where();
        EXPECT_EQ(couple.alice().path_history(), alice_was) << couple.where();
        EXPECT_EQ(couple.bob().path_history(), bob_was) << couple.where();
        EXPECT_EQ(couple.bob().path_changed()->remote, remote) << couple.where();
    }
}

/// Both homes number their LANs alike, and a stranger in each has the other peer's address.
TEST(EqualSubnets, LeadToThePeerAndNeverToTheStrangerOfThatAddress) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Couple couple{seed, "two homes with one subnet"};
        Lab& lab = couple.town().lab();
        NatBox& home_a = lab.add_nat("nat_a", profile_named("eim_apdf"), {"203.0.113.1"});
        NatBox& home_b = lab.add_nat("nat_b", profile_named("eim_apdf"), {"203.0.113.2"});
        Host& a = lab.add_host("a", home_a, {"192.168.1.2"});
        lab.add_host("stranger_a", home_a, {"192.168.1.3"});
        Host& b = lab.add_host("b", home_b, {"192.168.1.3"});
        lab.add_host("stranger_b", home_b, {"192.168.1.2"});
        couple.settle_in(a, b);
        ASSERT_TRUE(couple.start(kOrders[seed % kOrders.size()])) << couple.where();
        ASSERT_TRUE(couple.run_until_direct(kDirectWithin)) << couple.where();
        couple.expect_messages_flow(3, 3s);
        EXPECT_EQ(couple.alice().path_changed()->remote->ip, home_b.wan()) << couple.where();
        couple.expect_budgets_kept();
        // A machine without programs answers every datagram with an ICMP error.
        EXPECT_EQ(lab.trace().count(Fate::kClosedPort), 0U) << couple.where();
    }
}

TEST(CarrierLimit, OfMappingsLeavesThePairATalkAndTheOtherSubscribersTheirs) {
    std::size_t direct = 0;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Couple couple{seed, "128 mappings a subscriber x eim_apdf"};
        Town& town = couple.town();
        NatProfile carrier = generic_nat(kApd, kApd, Allocation::kRandom);
        carrier.mappings_per_host_max = 128;
        Host& a = town.home("a", carrier);
        Host& b = town.home("b", "eim_apdf");
        Peer& neighbour = town.add_peer("neighbour", town.lab().add_host("n", town.nat("a")));
        couple.draw_delays({"a", "b"});
        couple.settle_in(a, b);
        ASSERT_TRUE(couple.start(Order::kEarlyCalls, kSettled)) << couple.where();
        ASSERT_TRUE(couple.run_until_connected(kRelayWithin)) << couple.where();
        couple.expect_messages_flow(3, 3s);
        if (couple.run_until_direct(kGuessedWithin)) ++direct;
        couple.expect_messages_flow(3, 3s);
        EXPECT_LE(town.nat("a").model().mapping_count(town.lab().now(), a.address()), 128U);
        EXPECT_GT(town.lab().trace().count(Fate::kMappingLimit), 0U) << "it was met";
        EXPECT_TRUE(neighbour.troubles().empty()) << couple.where();
        EXPECT_EQ(neighbour.registrations(), 1U) << couple.where();
    }
    fmt::print("128 mappings a subscriber: {} of {} direct\n", direct, kSeeds);
    EXPECT_GE(direct, kSeeds - 2);
}

TEST(RejectingRouters, WhoseIcmpErrorsAreNotTheEndOfATry) {
    std::size_t rejections = 0;
    for (const std::string_view name : {"eim_adf", "eim_apdf"}) {
        for (const Order order : kOrders) {
            for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
                Couple couple{seed, fmt::format("{} that rejects", name)};
                NatProfile profile = profile_named(name);
                profile.rejects = true;
                Host& a = couple.town().home("a", profile);
                Host& b = couple.town().home("b", profile);
                couple.draw_delays({"a", "b"});
                couple.settle_in(a, b);
                for (const char* home : {"a", "b"}) {
                    couple.town().uplink(home).down.tap_exit(
                        [&](Instant, const Packet& packet) { rejections += packet.icmp ? 1 : 0; });
                }
                ASSERT_TRUE(couple.start(order)) << couple.where();
                ASSERT_TRUE(couple.run_until_direct(kDirectWithin)) << couple.where();
                couple.expect_messages_flow(3, 3s);
            }
        }
    }
    EXPECT_GT(rejections, kSeeds) << "there was something to survive";
}

/// A carrier whose mappings leave by either of two addresses.
class TwoAddresses : public testing::Test {
  protected:
    template <class Story>
    static void tell(NatProfile carrier, std::string_view other, Story story) {
        carrier.pooling = Pooling::kArbitrary;
        for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
            Couple couple{seed, fmt::format("two addresses at random x {}", other)};
            NatBox& nat = couple.town().lab().add_nat(
                "nat_a", carrier, {"192.0.2.11", "192.0.2.12"}, {.lan = "192.168.77.0/24"});
            Host& a = couple.town().lab().add_host("a", nat);
            Host& b = couple.town().home("b", other);
            couple.settle_in(a, b);
            couple.town().give_server_second_address();
            ASSERT_TRUE(couple.start(kOrders[seed % kOrders.size()])) << couple.where();
            story(couple);
            couple.expect_messages_flow(3, 3s);
        }
    }
};

TEST_F(TwoAddresses, OfASteadyMappingDoNotMatter) {
    tell(profile_named("eim_apdf"), "eim_apdf", [](Couple& couple) {
        ASSERT_TRUE(couple.run_until_direct(kDirectWithin)) << couple.where();
        couple.expect_budgets_kept();
    });
}

TEST_F(TwoAddresses, OfAHardMappingAreLearntByWhoeverLetsThemIn) {
    tell(generic_nat(kApd, kApd, Allocation::kRandom), "eim_eif", [](Couple& couple) {
        ASSERT_TRUE(couple.run_until_direct(kDirectWithin)) << couple.where();
        couple.expect_budgets_kept();
    });
}

TEST_F(TwoAddresses, OfAHardMappingDoNotCostAStrictPeerItsTalk) {
    std::size_t direct = 0;
    tell(generic_nat(kApd, kApd, Allocation::kRandom), "eim_apdf", [&direct](Couple& couple) {
        ASSERT_TRUE(couple.run_until_connected(kRelayWithin)) << couple.where();
        couple.expect_messages_flow(3, 3s);
        // A guess may hit the right address, or not.
        direct += couple.run_until_direct(kGuessedWithin) ? 1 : 0;
        couple.expect_budgets_kept(traversal::kSpraysMax);
    });
    fmt::print("two addresses at random x eim_apdf: {} of {} direct\n", direct, kSeeds);
}

TEST(Hub, OfThirtyPeersBehindMixedNatsGoesDirectWithAllAndKeepsItsMappingsFew) {
    constexpr std::array<std::string_view, 10> kProfiles{
        "open",      "eim_eif",    "eim_adf",    "eim_apdf",   "linux_masquerade_input_drop",
        "adm_eif_r", "adm_apdf_r", "apdm_eif_s", "apdm_adf_r", "apdm_apdf_r"};
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        Town town{seed};
        town.give_server_second_address();
        Peer& hub = town.add_peer("hub", town.home("hub", "eim_adf"));
        std::vector<Peer*> others;
        for (std::size_t i = 0; i < 30; ++i) {
            const std::string name = fmt::format("p{}", i);
            others.push_back(&town.add_peer(name, town.home(name, kProfiles[i % 10])));
        }
        ASSERT_TRUE(town.register_all()) << town.where();
        town.run_for(kSettled);
        for (std::size_t i = 0; i < others.size(); ++i) {
            if (i % 2 == 0) town.connect(hub, *others[i]);
            if (i % 2 == 1) town.connect(*others[i], hub);
        }
        const auto is_direct = [](const Peer* peer) { return peer->is_direct(); };
        town.run_until([&] { return std::ranges::all_of(others, is_direct); }, 30s);
        for (std::size_t i = 0; i < others.size(); ++i) {
            EXPECT_TRUE(others[i]->is_direct()) << kProfiles[i % 10] << ", " << town.where();
        }
        for (Peer* peer : others) ASSERT_TRUE(town.send(*peer, peer->id())) << town.where();
        town.run_until([&] { return hub.received().size() == others.size(); }, 5s);
        EXPECT_EQ(hub.received().size(), others.size()) << town.where();
        // Two sockets to talk by, and what discovery had.
        EXPECT_LE(town.nat("hub").model().mapping_count(town.lab().now()), 10U) << town.where();
    }
}

}  // namespace
}  // namespace pinhole::lab
