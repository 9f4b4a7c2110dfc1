#include "shared/base/endpoint.hpp"

#include <gtest/gtest.h>

namespace pinhole {
namespace {

IpAddress ip(std::string_view text) {
    const auto parsed = IpAddress::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(IpAddress{});
}

TEST(IpAddress, ReadsAndPrintsTheCanonicalForm) {
    for (const std::string_view text :
         {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1",
          "1::", "1:2:3:4:5:6:7:8", "2001:db8:0:1:1:1:1:1", "fe80::1:0:0:1"}) {
        EXPECT_EQ(ip(text).to_string(), text);
    }
    EXPECT_EQ(ip("2001:DB8:0:0:0:0:0:1").to_string(), "2001:db8::1");
    EXPECT_EQ(ip("64:ff9b::192.0.2.33").to_string(), "64:ff9b::c000:221");
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
    for (const std::string_view text : {"",
                                        "1",
                                        "1.2.3",
                                        "1.2.3.4.5",
                                        "1.2.3.256",
                                        "01.2.3.4",
                                        "1.2.3.4 ",
                                        "1..2.3",
                                        ":",
                                        ":::",
                                        "1:2:3:4:5:6:7",
                                        "1:2:3:4:5:6:7:8:9",
                                        "1::2::3",
                                        "12345::",
                                        "1:2:3:4:5:6:7:",
                                        "g::",
                                        "1:2:3:4:5:6:7:8::",
                                        "::1.2.3",
                                        "::1.2.3.4:5",
                                        "-1.2.3.4",
                                        "fe80::1%eth0"}) {
        EXPECT_FALSE(IpAddress::parse(text)) << text;
    }
}

TEST(IpAddress, AMappedAddressIsItsIpv4Self) {
    EXPECT_EQ(ip("::ffff:192.0.2.1"), ip("192.0.2.1"));
    EXPECT_TRUE(ip("::ffff:127.0.0.1").is_v4());
    EXPECT_EQ(ip("::ffff:127.0.0.1").scope(), Scope::kLoopback);
}

struct ScopeCase {
    std::string_view text;
    Scope scope;
};

TEST(IpAddress, ScopeFollowsTheSpecialPurposeRegistries) {
    const std::vector<ScopeCase> cases = {
        {"0.0.0.0", Scope::kUnusable},
        {"0.1.2.3", Scope::kUnusable},
        {"255.255.255.255", Scope::kUnusable},
        {"224.0.0.1", Scope::kUnusable},
        {"239.255.255.250", Scope::kUnusable},
        {"240.0.0.1", Scope::kUnusable},
        {"::", Scope::kUnusable},
        {"ff02::1", Scope::kUnusable},
        {"ff0e::1", Scope::kUnusable},
        {"::1.2.3.4", Scope::kUnusable},
        {"::7f00:1", Scope::kUnusable},
        {"64:ff9b::127.0.0.1", Scope::kUnusable},
        {"64:ff9b::10.0.0.1", Scope::kUnusable},
        {"2002:7f00:1::1", Scope::kUnusable},
        {"2002:a00:1::1", Scope::kUnusable},
        {"127.0.0.1", Scope::kLoopback},
        {"127.255.255.254", Scope::kLoopback},
        {"::1", Scope::kLoopback},
        {"::ffff:127.0.0.1", Scope::kLoopback},
        {"169.254.0.1", Scope::kLinkLocal},
        {"169.254.169.254", Scope::kLinkLocal},
        {"fe80::1", Scope::kLinkLocal},
        {"febf::1", Scope::kLinkLocal},
        {"10.0.0.1", Scope::kPrivate},
        {"172.16.0.1", Scope::kPrivate},
        {"172.31.255.255", Scope::kPrivate},
        {"192.168.1.1", Scope::kPrivate},
        {"100.64.0.1", Scope::kPrivate},
        {"100.127.255.255", Scope::kPrivate},
        {"fc00::1", Scope::kPrivate},
        {"fdff::1", Scope::kPrivate},
        {"::ffff:10.0.0.1", Scope::kPrivate},
        {"1.1.1.1", Scope::kPublic},
        {"172.15.0.1", Scope::kPublic},
        {"172.32.0.1", Scope::kPublic},
        {"100.63.0.1", Scope::kPublic},
        {"100.128.0.1", Scope::kPublic},
        {"192.167.1.1", Scope::kPublic},
        {"203.0.113.7", Scope::kPublic},
        {"223.255.255.254", Scope::kPublic},
        {"2001:db8::1", Scope::kPublic},
        {"2606:4700::1", Scope::kPublic},
        {"fec0::1", Scope::kPublic},
        {"64:ff9b::1.1.1.1", Scope::kPublic},
        {"2002:101:101::1", Scope::kPublic},
    };
    for (const auto& [text, scope] : cases) EXPECT_EQ(ip(text).scope(), scope) << text;
}

TEST(IpAddress, PrefixKeepsTheLeadingBits) {
    EXPECT_EQ(subscriber_prefix(ip("192.0.2.77")), ip("192.0.2.77"));
    EXPECT_EQ(subscriber_prefix(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
    EXPECT_EQ(ip("192.0.2.77").prefix(24), ip("192.0.2.0"));
    EXPECT_EQ(ip("192.0.2.255").prefix(30), ip("192.0.2.252"));
}

TEST(Endpoint, ReadsAndPrintsBothFamilies) {
    EXPECT_EQ(Endpoint::parse("192.0.2.1:80")->to_string(), "192.0.2.1:80");
    EXPECT_EQ(Endpoint::parse("[2001:db8::1]:65535")->to_string(), "[2001:db8::1]:65535");
    for (const std::string_view text :
         {"192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "2001:db8::1:80", "[192.0.2.1]:80",
          "[2001:db8::1]", ":80", "host:80"}) {
        EXPECT_FALSE(Endpoint::parse(text)) << text;
    }
}

}  // namespace
}  // namespace pinhole
