#include "tests/vnet/topology.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "tests/vnet/network.hpp"

namespace pinhole::vnet {
namespace {

std::string complaint_about(std::string_view text, const Params& params = {}) {
    try {
        static_cast<void>(parse_topology(text, params));
    } catch (const TopologyError& error) {
        return error.what();
    }
    return "none";
}

TEST(Topology, ReadsNodesLinksAndNats) {
    const Topology topology = parse_topology(
        "# a home under a carrier's NAT\n"
        "core hops=4\n"
        "host srv at inet ip=198.51.100.10,2001:db8:5::10 delay=5ms\n"
        "\n"
        "nat cgn at inet wan=203.0.113.20,203.0.113.21 lan=100.64.0.1/24 profile=apdm_apdf_r "
        "block=8 ports=20000-20063\n"
        "nat home at cgn lan=192.168.1.1/24 lan6=2001:db8:a::1/64 map=EIM filter=ADF timeout=5s "
        "refresh_in=0 hairpin=int\n"
        "host alice at home up.rate=5mbit dn.rate=50mbit loss=2% jitter=3ms  # the slow one\n"
        "also alice at inet ip=192.0.2.7\n");
    EXPECT_EQ(topology.core_hops, 4);
    ASSERT_EQ(topology.nats.size(), 2U);
    const NatSpec& cgn = topology.nats[0];
    EXPECT_EQ(cgn.wan, (std::vector{lab::ip("203.0.113.20"), lab::ip("203.0.113.21")}));
    EXPECT_EQ(cgn.profile.mapping, lab::Behavior::kAddressAndPortDependent);
    EXPECT_EQ(cgn.profile.allocation, lab::Allocation::kRandom);
    EXPECT_EQ(cgn.profile.port_block, 8);
    EXPECT_EQ(cgn.profile.ports.first, 20'000);
    EXPECT_EQ(cgn.profile.ports.last, 20'063);
    const NatSpec& home = topology.nats[1];
    EXPECT_EQ(home.uplink.at, "cgn");
    EXPECT_EQ(home.profile.filtering, lab::Behavior::kAddressDependent);
    EXPECT_EQ(home.profile.mapping_lifetime, 5s);
    EXPECT_EQ(home.profile.first_reply_lifetime, 5s);
    EXPECT_FALSE(home.profile.refresh_inbound);
    EXPECT_EQ(home.profile.hairpinning, lab::Hairpinning::kInternalSource);
    EXPECT_EQ(home.lan6->length, 64U);
    ASSERT_EQ(topology.interfaces.size(), 3U);
    const InterfaceSpec& alice = topology.interfaces[1];
    EXPECT_EQ(alice.uplink.up.rate, 5'000'000U);
    EXPECT_EQ(alice.uplink.down.rate, 50'000'000U);
    EXPECT_DOUBLE_EQ(alice.uplink.up.loss, 0.02);
    EXPECT_DOUBLE_EQ(alice.uplink.down.loss, 0.02);
    EXPECT_EQ(alice.uplink.down.jitter, 3ms);
    EXPECT_EQ(topology.interfaces[2].number, 1U);
}

TEST(Topology, LinksAreNeverWithoutDelayByThemselves) {
    const Topology topology = parse_topology("host srv at inet ip=198.51.100.10");
    EXPECT_GE(topology.interfaces[0].uplink.up.delay, 5ms);
    EXPECT_GE(topology.interfaces[0].uplink.down.delay, 5ms);
}

TEST(Topology, ParamsHaveDefaultsAndOverrides) {
    const std::string_view text =
        "param a=eim_eif\n"
        "nat home at inet wan=192.0.2.1 lan=192.168.1.1/24 routed=192.0.2.16/28 profile=$a\n"
        "host alice at home\n";
    EXPECT_EQ(parse_topology(text).nats[0].profile.filtering, lab::Behavior::kEndpointIndependent);
    const Topology open = parse_topology(text, {{"a", "none"}});
    EXPECT_FALSE(open.nats[0].profile.translates);
    EXPECT_EQ(open.nats[0].lan_in_use()->ip, lab::ip("192.0.2.16"));
    EXPECT_EQ(parse_topology(text, {{"a", "apdm_random"}}).nats[0].profile.mapping,
              lab::Behavior::kAddressAndPortDependent);
}

TEST(Topology, MistakesAreReportedWithTheirLine) {
    const std::string good = "host srv at inet ip=198.51.100.10\n";
    const std::string nat = "nat home at inet wan=192.0.2.1 lan=192.168.1.1/24";
    struct Case {
        std::string text;
        std::string complaint;
    };
    for (const auto& [text, complaint] : std::vector<Case>{
             {"", "line 0: there is no host"},
             {good + "hots b at inet", "line 2: \"hots\" is none of: param core host also nat"},
             {good + "\nhost b inet", "line 3: expected: host NAME at NODE ..."},
             {"host", "line 1: expected: host NAME at NODE ..."},
             {"host Bob at inet ip=192.0.2.1", "line 1: \"Bob\" is no name"},
             {good + "host srv at inet ip=192.0.2.1", "line 2: the name srv is taken"},
             {good + "host inet at inet ip=192.0.2.1", "line 2: the name inet is taken"},
             {good + "host b at home", "line 2: there is no NAT home above this line"},
             {good + "also b at inet ip=192.0.2.1", "line 2: there is no host b"},
             {good + "host b at inet", "line 2: a host at the core needs ip="},
             {good + "host b at inet ip=192.0.2", "line 2: not an address: \"192.0.2\""},
             {good + "host b at inet ip=192.0.2.1 map=EIM", "line 2: a host has no option map"},
             {good + "host b at inet ip=192.0.2.1 delay", "line 2: \"delay\" is not an option"},
             {good + "host b at inet ip=192.0.2.1 delay=5", "line 2: \"5\" is not a duration"},
             {good + "host b at inet ip=192.0.2.1 delay=-5ms", "line 2: \"-5ms\" is not a dur"},
             {good + "host b at inet ip=192.0.2.1 loss=101%", "line 2: \"101%\" is not a prob"},
             {good + "host b at inet ip=192.0.2.1 loss=nan", "line 2: \"nan\" is not a prob"},
             {good + "host b at inet ip=192.0.2.1 rate=5mb", "line 2: \"5mb\" is not a rate"},
             {good + nat + " map=SYM", "line 2: \"SYM\" is not one of EIM ADM APDM"},
             {good + nat + " profile=cone", "line 2: \"cone\" is not a profile: none"},
             {good + nat + " profile=open", "line 2: without translation a NAT needs routed="},
             {good + nat + " ports=9-1", "line 2: \"9-1\" is not a range of ports"},
             {good + nat + " ports=1-70000", "line 2: \"70000\" is not a number"},
             {good + nat + " color=red", "line 2: a NAT has no option color"},
             {good + nat + " firewall=eim_eif", "line 2: the firewall of lan6 must not translate"},
             {good + "nat home at inet wan=192.0.2.1", "line 2: a NAT needs lan="},
             {good + "nat home at inet lan=192.168.1.1/24", "line 2: a NAT at the core needs wan="},
             {good + "nat h at inet wan=192.0.2.1 lan=10.0.0.1/31", "line 2: lan is too small"},
             {good + "nat h at inet wan=192.0.2.1 lan=2001:db8::1/64", "line 2: lan is of the o"},
             {good + nat + " profile=$a", "line 2: there is no param a"},
             {good + "core hops=0", "line 2: hops is a number from 1 to 9"},
         }) {
        EXPECT_THAT(complaint_about(text), ::testing::StartsWith(complaint)) << text;
    }
    EXPECT_THAT(complaint_about(good, {{"b", "none"}}),
                ::testing::HasSubstr("there is no param b"));
}

TEST(Topology, EveryFileInTheFolderCanBeBuilt) {
    std::size_t count = 0;
    const std::filesystem::path folder = PINHOLE_SOURCE_DIR "/tests/vnet/topologies";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        ++count;
        std::ifstream file{entry.path()};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        ASSERT_EQ(complaint_about(text), "none") << entry.path();
        Network network{parse_topology(text), 1};
        for (const char* name : {"srv", "alice", "bob"}) {
            EXPECT_NE(network.interface_named(name), nullptr) << entry.path() << " " << name;
        }
        EXPECT_EQ(network.interface_named("srv")->addresses().at(0), lab::ip("198.51.100.10"))
            << entry.path();
        for (Interface& interface : network.interfaces()) {
            EXPECT_GE(interface.cable().up.quality().delay, 5ms) << entry.path();
            EXPECT_GE(interface.cable().down.quality().delay, 5ms) << entry.path();
        }
    }
    EXPECT_GE(count, 8U);
}

}  // namespace
}  // namespace pinhole::vnet
