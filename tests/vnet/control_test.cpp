#include "tests/vnet/control.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace pinhole::vnet {
namespace {

using ::testing::StartsWith;

constexpr std::string_view kHomes =
    "host srv at inet ip=198.51.100.10\n"
    "nat home at inet wan=192.0.2.1 lan=192.168.1.1/24 profile=eim_apdf\n"
    "host alice at home\n"
    "also alice at inet ip=192.0.2.77\n";
const Endpoint kServer = lab::endpoint("198.51.100.10:3478");
const Endpoint kAlice = lab::endpoint("192.168.1.2:40000");

class ControlTest : public ::testing::Test {
  protected:
    ControlTest() {
        network_.interface_named("srv")->emit_to([this](Bytes raw) {
            const auto packet = parse_ip(raw);
            ASSERT_TRUE(packet);
            seen_ = packet->source;
        });
    }

    /// Where the server sees alice after she has sent to it; nothing if it hears nothing.
    std::optional<Endpoint> alice_as_seen() {
        seen_.reset();
        network_.interface_named("alice")->send(
            network_.now(), write_ip({.source = kAlice, .destination = kServer, .payload = {}}));
        network_.run_until(network_.now() + 1s);
        return seen_;
    }

    std::string tell(std::string_view command) { return execute(network_, command); }

    Network network_{parse_topology(kHomes), 1};
    std::optional<Endpoint> seen_;
};

TEST_F(ControlTest, SetChangesALinkInOneDirectionOrBoth) {
    EXPECT_EQ(tell("set alice loss=10% dn.delay=70ms"), "ok");
    lab::Cable& cable = network_.interface_named("alice")->cable();
    EXPECT_DOUBLE_EQ(cable.up.quality().loss, 0.1);
    EXPECT_DOUBLE_EQ(cable.down.quality().loss, 0.1);
    EXPECT_EQ(cable.up.quality().delay, 5ms);
    EXPECT_EQ(cable.down.quality().delay, 70ms);
    EXPECT_EQ(tell("set alice.1 delay=9ms"), "ok");
    EXPECT_EQ(network_.interface_named("alice.1")->cable().up.quality().delay, 9ms);
}

TEST_F(ControlTest, LinkCanBeCutAndMended) {
    ASSERT_TRUE(alice_as_seen());
    EXPECT_EQ(tell("set home link=down"), "ok");
    EXPECT_FALSE(alice_as_seen());
    EXPECT_EQ(tell("set home link=up"), "ok");
    EXPECT_TRUE(alice_as_seen());
}

TEST_F(ControlTest, SetChangesANatAndRebootForgetsItsMappings) {
    EXPECT_EQ(alice_as_seen(), (Endpoint{lab::ip("192.0.2.1"), kAlice.port}));
    EXPECT_EQ(tell("set home profile=apdm_apdf_r ports=5000-5999"), "ok");
    EXPECT_EQ(alice_as_seen()->port, kAlice.port) << "what is mapped stays";
    EXPECT_EQ(tell("reboot home"), "ok");
    const std::uint16_t port = alice_as_seen()->port;
    EXPECT_TRUE(port >= 5000 && port <= 5999) << port;
}

TEST_F(ControlTest, WanGivesANatAnotherAddress) {
    ASSERT_TRUE(alice_as_seen());
    EXPECT_EQ(tell("wan home 192.0.2.99"), "ok");
    EXPECT_EQ(alice_as_seen()->ip, lab::ip("192.0.2.99"));
}

TEST_F(ControlTest, StatsCountWhatHappenedWhere) {
    ASSERT_TRUE(alice_as_seen());
    const auto stats = nlohmann::json::parse(tell("stats"));
    EXPECT_EQ(stats["hosts"]["alice"].size(), 2U) << "interfaces";
    EXPECT_EQ(stats["hosts"]["alice"][0]["sent"]["datagrams"], 1);
    EXPECT_EQ(stats["hosts"]["alice"][0]["sent_to"]["198.51.100.10"]["datagrams"], 1);
    EXPECT_EQ(stats["hosts"]["srv"][0]["received"]["datagrams"], 1);
    EXPECT_EQ(stats["nats"]["home"]["mappings"], 1);
    EXPECT_EQ(stats["at"]["home"]["translated"], 1);
    tell("set alice loss=1");
    EXPECT_FALSE(alice_as_seen());
    EXPECT_EQ(nlohmann::json::parse(tell("stats"))["at"]["alice>home"]["lost"], 1);
}

TEST_F(ControlTest, StatsTellHowLongPacketsWaitedForARate) {
    tell("set alice up.rate=1gbit");
    ASSERT_TRUE(alice_as_seen());
    const auto stats = nlohmann::json::parse(tell("stats"));
    EXPECT_EQ(stats["hosts"]["alice"][0]["waited_up"]["0"], 1);
    EXPECT_TRUE(stats["hosts"]["alice"][0]["waited_down"].empty()) << "no rate, no queue";
}

TEST_F(ControlTest, WrongCommandsChangeNothing) {
    for (const char* command :
         {"", "sing", "set", "set alice", "set nobody delay=9ms", "set alice delay=9ms tune=high",
          "set alice link=maybe", "set home delay=9ms profile=cone", "set home profile=open",
          "reboot", "reboot alice", "wan home", "wan home 2001:db8::1", "wan alice 192.0.2.5"}) {
        EXPECT_THAT(tell(command), StartsWith("error: ")) << command;
    }
    EXPECT_EQ(network_.interface_named("alice")->cable().up.quality().delay, 5ms);
    EXPECT_EQ(network_.nat("home")->uplink().up.quality().delay, 5ms);
    EXPECT_EQ(alice_as_seen(), (Endpoint{lab::ip("192.0.2.1"), kAlice.port}));
}

}  // namespace
}  // namespace pinhole::vnet
