#include "shared/net/interfaces.hpp"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pinhole::net {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// An ordinary address of an ordinary interface, changed by `change`.
InterfaceAddress address(std::string_view ip,
                         const std::function<void(InterfaceAddress&)>& change = {}) {
    InterfaceAddress out;
    out.interface_name = "eth0";
    out.ip = IpAddress::parse(ip).value();
    out.prefix_length = out.ip.is_v4() ? 24 : 64;
    out.mtu = 1500;
    out.up = true;
    if (change) change(out);
    return out;
}

InterfaceAddress on(std::string_view name, std::string_view ip, bool holds_default_route = false) {
    return address(ip, [&](InterfaceAddress& out) {
        out.interface_name = name;
        out.holds_default_route = holds_default_route;
    });
}

std::vector<std::string> usable(const std::vector<InterfaceAddress>& all) {
    std::vector<std::string> out;
    for (const LocalAddress& kept : usable_addresses(all)) out.push_back(kept.ip.to_string());
    return out;
}

TEST(UsableAddresses, KeepsOrdinaryOnesWithTheirNamesAndPrefixes) {
    const std::vector<InterfaceAddress> all{address("192.168.1.20"), address("2001:db8::20")};
    EXPECT_THAT(usable_addresses(all),
                ElementsAre(LocalAddress{*IpAddress::parse("192.168.1.20"), 24, "eth0"},
                            LocalAddress{*IpAddress::parse("2001:db8::20"), 64, "eth0"}));
}

struct Refused {
    const char* why;
    InterfaceAddress address;
};

class RefusedAddress : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedAddress, IsNotUsable) {
    EXPECT_THAT(usable({GetParam().address}), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Rules, RefusedAddress,
    ::testing::Values(
        Refused{"LoopbackAddress", address("127.0.0.1")}, Refused{"LoopbackV6", address("::1")},
        Refused{"LoopbackInterface", address("192.0.2.1", [](auto& a) { a.loopback = true; })},
        Refused{"LinkLocalV4", address("169.254.3.4")}, Refused{"LinkLocalV6", address("fe80::1")},
        Refused{"Down", address("192.0.2.1", [](auto& a) { a.up = false; })},
        Refused{"PointToPoint", address("192.0.2.1", [](auto& a) { a.point_to_point = true; })},
        Refused{"SmallMtu", address("192.0.2.1", [](auto& a) { a.mtu = 1279; })},
        Refused{"SmallMtuInSpiteOfTheDefaultRoute", address("192.0.2.1",
                                                            [](auto& a) {
                                                                a.mtu = 1279;
                                                                a.holds_default_route = true;
                                                            })},
        Refused{"Deprecated", address("2001:db8::1", [](auto& a) { a.deprecated = true; })},
        Refused{"Tentative", address("2001:db8::1", [](auto& a) { a.tentative = true; })},
        Refused{"Docker", on("docker0", "172.17.0.1")}, Refused{"Veth", on("veth12ab", "10.0.0.1")},
        Refused{"Bridge", on("br-12ab", "172.18.0.1")},
        Refused{"Virbr", on("virbr0", "192.168.122.1")},
        Refused{"Tailscale", on("tailscale0", "100.64.0.1")},
        Refused{"NetBird", on("wt0", "100.64.0.2")}, Refused{"ZeroTier", on("ztabc", "10.1.0.1")},
        Refused{"Utun", on("utun3", "10.2.0.1")}, Refused{"WireGuard", on("wg0", "10.3.0.1")}),
    [](const auto& param_info) { return std::string{param_info.param.why}; });

TEST(UsableAddresses, KeepsAnMtuOf1280) {
    EXPECT_THAT(usable({address("192.0.2.1", [](auto& a) { a.mtu = 1280; })}),
                ElementsAre("192.0.2.1"));
}

TEST(UsableAddresses, KeepsAnOverlayThatHoldsTheDefaultRoute) {
    EXPECT_THAT(usable({on("veth0", "10.0.0.1", true)}), ElementsAre("10.0.0.1"));
}

TEST(UsableAddresses, KeepsAPointToPointLinkThatHoldsTheDefaultRoute) {
    EXPECT_THAT(usable({address("192.0.2.1",
                                [](auto& a) {
                                    a.interface_name = "ppp0";
                                    a.point_to_point = true;
                                    a.holds_default_route = true;
                                })}),
                ElementsAre("192.0.2.1"));
}

TEST(UsableAddresses, DoesNotTakeABridgeForAContainers) {
    EXPECT_THAT(usable({on("br0", "192.0.2.1")}), ElementsAre("192.0.2.1"));
}

TEST(UsableAddresses, PrefersOneTemporaryAddressOfAnInterface) {
    const auto temporary = [](InterfaceAddress& a) { a.temporary = true; };
    EXPECT_THAT(usable({address("2001:db8::1"), address("2001:db8::bbbb", temporary),
                        address("2001:db8::aaaa", temporary)}),
                ElementsAre("2001:db8::aaaa"));
}

TEST(UsableAddresses, KeepsOneV6AddressForEachInterfaceAndScope) {
    EXPECT_THAT(usable({on("eth0", "2001:db8::1"), on("eth0", "2001:db8::2"), on("eth0", "fd00::1"),
                        on("eth0", "fd00::2"), on("eth1", "2001:db8::3")}),
                ElementsAre("fd00::1", "2001:db8::1", "2001:db8::3"));
}

TEST(UsableAddresses, KeepsAllV4AddressesOfAnInterface) {
    EXPECT_THAT(usable({address("192.0.2.2"), address("192.0.2.1")}),
                ElementsAre("192.0.2.1", "192.0.2.2"));
}

TEST(UsableAddresses, PutsTheDefaultRouteFirst) {
    EXPECT_THAT(usable({on("eth0", "192.0.2.1"), on("wlan0", "198.51.100.1", true)}),
                ElementsAre("198.51.100.1", "192.0.2.1"));
}

TEST(UsableAddresses, DoesNotDependOnTheOrderOfTheSystem) {
    std::vector<InterfaceAddress> all{on("eth0", "192.0.2.1"), on("eth0", "2001:db8::1"),
                                      on("eth1", "2001:db8::2"), on("eth1", "192.0.2.2")};
    const auto before = usable_addresses(all);
    std::ranges::reverse(all);
    EXPECT_EQ(usable_addresses(all), before);
}

constexpr std::string_view kRoutes4 =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
    "eth1\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
    "tun9\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000080\t0\t0\t0\n"
    "eth2\t00000000\t0101A8C0\t0002\t0\t0\t100\t00000000\t0\t0\t0\n";

constexpr std::string_view kRoutes6 =
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
    "fe800000000000000000000000000001 00000400 00000001 00000000 00000003    wlan0\n"
    "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 "
    "00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth1\n"
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
    "00000000000000000000000000000000 ffffffff 00000001 00000000 00200201       lo\n";

TEST(DefaultRouteInterfaces, ReadsBothFamilies) {
    EXPECT_THAT(default_route_interfaces(kRoutes4, kRoutes6), ElementsAre("eth0", "wlan0"));
}

TEST(DefaultRouteInterfaces, AreNoneWithoutRoutes) {
    EXPECT_THAT(default_route_interfaces("", ""), IsEmpty());
}

TEST(ReadInterfaceAddresses, FindsTheLoopbackAddress) {
    const auto all = read_interface_addresses();
    ASSERT_TRUE(all);
    const auto found = std::ranges::find_if(
        *all, [](const InterfaceAddress& a) { return a.ip == IpAddress::v4(0x7f000001); });
    if (found == all->end()) GTEST_SKIP() << "the loopback interface of this machine is down";
    EXPECT_TRUE(found->loopback);
    EXPECT_TRUE(found->up);
    EXPECT_EQ(found->prefix_length, 8);
    EXPECT_GE(found->mtu, 1280U);
}

TEST(ListLocalAddresses, NeverShowsLoopback) {
    for (const LocalAddress& kept : list_local_addresses()) {
        EXPECT_NE(kept.ip.scope(), Scope::kLoopback) << kept.interface_name;
    }
}

}  // namespace
}  // namespace pinhole::net
