// A gateway that maps ports makes the hardest NAT easy; one behind another NAT does not, and says
// so.
#include <gtest/gtest.h>

#include "tests/lab/town.hpp"

namespace pinhole::lab {
namespace {

/// Long before the first port would be guessed.
constexpr Duration kPlainChecks = 3s;
constexpr std::uint64_t kMappingSeeds = 20;

NatProfile mapping(std::string_view profile) {
    NatProfile out = profile_named(profile);
    out.maps_ports = true;
    return out;
}

/// Alice may use her gateway, bob has the NAT of most homes.
class MappedHome {
  public:
    MappedHome(std::uint64_t seed, Host& (*settle)(Town&)) : town(seed), alice(nullptr) {
        alice = &town.add_peer("alice", settle(town), {.maps_ports = true});
        bob = &town.add_peer("bob", town.home("b", "eim_apdf"));
    }

    /// Both registered, whoever is told to calls, and the path is what comes of it.
    void connect(bool alice_calls) {
        ASSERT_TRUE(town.register_all()) << town.where();
        alice_calls ? town.connect(*alice, *bob) : town.connect(*bob, *alice);
    }
    Reached run_until_direct() {
        return town.run_until([&] { return alice->is_direct() && bob->is_direct(); }, kPlainChecks);
    }
    [[nodiscard]] node::PortMapping mapping() const { return alice->node().port_mapping(); }

    Town town;
    Peer* alice;
    Peer* bob = nullptr;
};

Host& home_that_maps(Town& town) {
    return town.home("a", mapping("apdm_apdf_r"));
}

Host& home_that_does_not(Town& town) {
    return town.home("a", "apdm_apdf_r");
}

Host& home_under_a_carrier(Town& town) {
    Lab& lab = town.lab();
    NatBox& carrier = lab.add_nat("carrier", profile_named("apdm_apdf_r"), {"203.0.113.77"},
                                  {.lan = "100.64.0.0/16"});
    NatBox& home = lab.add_nat("home", mapping("eim_apdf"), {"100.64.0.11"}, {.under = &carrier});
    return lab.add_host("a", home);
}

TEST(PortMappings, JoinAHardHomeToOneThatLetsInOnlyWhomItWroteTo) {
    for (std::uint64_t seed = 1; seed <= kMappingSeeds; ++seed) {
        MappedHome pair{seed, home_that_maps};
        pair.connect(seed % 2 == 0);
        ASSERT_TRUE(pair.run_until_direct()) << pair.town.where();
        const node::PortMapping mapping = pair.mapping();
        ASSERT_EQ(mapping.state, node::MappingState::kMapped) << pair.town.where();
        EXPECT_EQ(mapping.via, MappingProtocol::kPcp);
        EXPECT_EQ(pair.bob->path_changed()->remote, mapping.external) << pair.town.where();
        pair.town.kill_server();
        ASSERT_TRUE(pair.town.send(*pair.bob, "through the mapped port"));
        EXPECT_TRUE(pair.town.run_until([&] { return pair.alice->texts().size() == 1; }, 3s))
            << pair.town.where();
    }
}

TEST(PortMappings, AreWhatMakesThatPairDirect) {
    MappedHome pair{1, home_that_does_not};
    pair.connect(true);
    EXPECT_FALSE(pair.run_until_direct()) << pair.town.where();
    EXPECT_EQ(pair.mapping().state, node::MappingState::kUnmapped);
    EXPECT_EQ(pair.mapping().reason, PortUnmapped::Reason::kNoGateway);
}

TEST(PortMappings, OfAHomeUnderACarrierAreRefusedAsDoubleNat) {
    MappedHome pair{1, home_under_a_carrier};
    pair.connect(true);
    ASSERT_TRUE(pair.town.run_until([&] { return pair.bob->is_connected(); }, 3s));
    EXPECT_EQ(pair.mapping().state, node::MappingState::kUnmapped);
    EXPECT_EQ(pair.mapping().reason, PortUnmapped::Reason::kDoubleNat);
    EXPECT_EQ(pair.mapping().external, Endpoint::parse("100.64.0.11:0").value_or(Endpoint{}));
}

TEST(PortMappings, AreNotAskedForUnlessWanted) {
    Town town{1};
    Peer& alice = town.add_peer("alice", town.home("a", mapping("apdm_apdf_r")));
    ASSERT_TRUE(town.register_all());
    town.run_for(1s);
    EXPECT_EQ(alice.node().port_mapping().state, node::MappingState::kOff);
}

TEST(PortMappings, AreNotNeededByAPublicMachine) {
    Town town{1};
    Peer& alice = town.add_peer("alice", town.home("a", "open"), {.maps_ports = true});
    ASSERT_TRUE(town.register_all());
    town.run_for(1s);
    EXPECT_EQ(alice.node().port_mapping().state, node::MappingState::kNotNeeded);
}

TEST(PortMappings, AreAskedForAnewWhenTheAddressChanges) {
    MappedHome pair{1, home_that_maps};
    pair.connect(true);
    ASSERT_TRUE(pair.run_until_direct());
    const auto before = pair.mapping().external;
    pair.town.nat("a").change_wan({*IpAddress::parse("203.0.113.99")});
    ASSERT_TRUE(pair.town.run_until(
        [&] {
            const auto now = pair.mapping();
            return now.state == node::MappingState::kMapped && now.external != before;
        },
        120s))
        << pair.town.where();
    EXPECT_EQ(pair.mapping().external->ip, IpAddress::parse("203.0.113.99"));
}

}  // namespace
}  // namespace pinhole::lab
