#include "shared/net/default_gateway.hpp"

#include <gtest/gtest.h>

namespace pinhole::net::test {
namespace {

constexpr const char* kHead =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

std::optional<IpAddress> gateway_of(const std::string& lines) {
    return default_gateway(kHead + lines);
}

TEST(DefaultGateway, IsTheNextHopOfTheDefaultRoute) {
    EXPECT_EQ(gateway_of("eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
                         "eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"),
              IpAddress::parse("192.168.1.1"));
}

TEST(DefaultGateway, OfTwoIsTheOneWithTheSmallerMetric) {
    EXPECT_EQ(gateway_of("wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
                         "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"),
              IpAddress::parse("192.168.1.1"));
}

TEST(DefaultGateway, IsMissingWithoutARouterOnTheWayOut) {
    EXPECT_EQ(gateway_of(""), std::nullopt);
    EXPECT_EQ(default_gateway(""), std::nullopt);
    // Out of a modem, to nobody in particular; a route that says "no"; half of the addresses.
    EXPECT_EQ(gateway_of("ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n"),
              std::nullopt);
    EXPECT_EQ(gateway_of("*\t00000000\t0101A8C0\t0203\t0\t0\t0\t00000000\t0\t0\t0\n"),
              std::nullopt);
    EXPECT_EQ(gateway_of("tun0\t00000000\t0100000A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n"),
              std::nullopt);
}

}  // namespace
}  // namespace pinhole::net::test
