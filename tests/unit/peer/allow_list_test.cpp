#include "peer/forward/allow_list.hpp"

#include <gtest/gtest.h>

namespace pinhole::peer {
namespace {

AllowList list(const std::vector<const char*>& texts) {
    std::vector<AllowRule> rules;
    for (const char* text : texts) {
        auto rule = AllowRule::parse(text);
        EXPECT_TRUE(rule) << text << ": " << rule.error();
        if (rule) rules.push_back(std::move(*rule));
    }
    return AllowList{std::move(rules)};
}

Endpoint endpoint(std::string_view text) {
    const auto parsed = Endpoint::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(Endpoint{});
}

TEST(AllowList, AllowsNothingWithoutARule) {
    const AllowList none;
    EXPECT_EQ(none.verdict("127.0.0.1", 22), Verdict::kRefused);
    EXPECT_EQ(none.verdict("localhost", 22), Verdict::kRefused);
    EXPECT_FALSE(none.allows(endpoint("127.0.0.1:22")));
}

TEST(AllowList, AnAddressIsThatAddressAndPort) {
    const AllowList rules = list({"127.0.0.1:22", "[2001:db8::1]:80"});
    EXPECT_EQ(rules.verdict("127.0.0.1", 22), Verdict::kAllowed);
    EXPECT_EQ(rules.verdict("127.0.0.1", 23), Verdict::kRefused);
    EXPECT_EQ(rules.verdict("127.0.0.2", 22), Verdict::kRefused);
    EXPECT_EQ(rules.verdict("2001:db8::1", 80), Verdict::kAllowed);
    EXPECT_EQ(rules.verdict("2001:db8:0:0::1", 80), Verdict::kAllowed);
    EXPECT_EQ(rules.verdict("2001:db8::2", 80), Verdict::kRefused);
    EXPECT_EQ(rules.verdict("::ffff:127.0.0.1", 22), Verdict::kAllowed) << "the same address";
}

TEST(AllowList, ANetworkIsEachAddressInIt) {
    const AllowList rules = list({"192.168.1.0/24:*", "[2001:db8::]/32:443", "0.0.0.0/0:7"});
    EXPECT_TRUE(rules.allows(endpoint("192.168.1.255:1")));
    EXPECT_TRUE(rules.allows(endpoint("192.168.1.0:65535")));
    EXPECT_FALSE(rules.allows(endpoint("192.168.2.0:1")));
    EXPECT_TRUE(rules.allows(endpoint("[2001:db8:ffff::1]:443")));
    EXPECT_FALSE(rules.allows(endpoint("[2001:db9::1]:443")));
    EXPECT_FALSE(rules.allows(endpoint("[2001:db8::1]:444")));
    EXPECT_TRUE(rules.allows(endpoint("203.0.113.9:7")));
    EXPECT_FALSE(rules.allows(endpoint("[2001:db8::1]:7"))) << "another family";
}

TEST(AllowList, ARangeHasBothItsEnds) {
    const AllowList rules = list({"127.0.0.1:8000-8099"});
    EXPECT_TRUE(rules.allows(endpoint("127.0.0.1:8000")));
    EXPECT_TRUE(rules.allows(endpoint("127.0.0.1:8099")));
    EXPECT_FALSE(rules.allows(endpoint("127.0.0.1:7999")));
    EXPECT_FALSE(rules.allows(endpoint("127.0.0.1:8100")));
}

TEST(AllowList, ANameIsItselfAndNoPartOfAnother) {
    const AllowList rules = list({"Build.Example:22"});
    EXPECT_EQ(rules.verdict("build.example", 22), Verdict::kAllowed);
    EXPECT_EQ(rules.verdict("BUILD.example", 22), Verdict::kAllowed);
    EXPECT_EQ(rules.verdict("build.example", 23), Verdict::kRefused);
    EXPECT_EQ(rules.verdict("x.build.example", 22), Verdict::kRefused);
    EXPECT_EQ(rules.verdict("build.example.org", 22), Verdict::kRefused);
    EXPECT_FALSE(rules.allows(endpoint("127.0.0.1:22")));
}

TEST(AllowList, ANameNobodyNamedDependsOnItsAddresses) {
    const AllowList rules = list({"127.0.0.1:22"});
    EXPECT_EQ(rules.verdict("localhost", 22), Verdict::kDependsOnAddress);
    EXPECT_EQ(rules.verdict("localhost", 23), Verdict::kRefused) << "no need to look it up";
    EXPECT_EQ(list({"other.example:22"}).verdict("localhost", 22), Verdict::kRefused);
}

TEST(AllowList, AStarIsAnyHost) {
    const AllowList rules = list({"*:80"});
    EXPECT_EQ(rules.verdict("anything.example", 80), Verdict::kAllowed);
    EXPECT_TRUE(rules.allows(endpoint("[2001:db8::1]:80")));
    EXPECT_TRUE(rules.allows(endpoint("10.0.0.1:80")));
    EXPECT_FALSE(rules.allows(endpoint("10.0.0.1:81")));
}

TEST(AllowRule, RefusesWhatIsNone) {
    for (const char* text : {"",
                             "127.0.0.1",
                             "127.0.0.1:",
                             "127.0.0.1:0",
                             "127.0.0.1:65536",
                             "127.0.0.1:9-8",
                             "127.0.0.1:-9",
                             "127.0.0.1:1-",
                             "127.0.0.1/33:1",
                             "127.0.0.1/-1:1",
                             "127.0.0.1/:1",
                             "[2001:db8::]/129:1",
                             "2001:db8::1:22",
                             "[127.0.0.256]:1",
                             "127.0.0.256:1",
                             "1.2.3:1",
                             "name/8:1",
                             "[name]:1",
                             "na me:1",
                             ":1",
                             "*.example:1",
                             "**:1"}) {
        EXPECT_FALSE(AllowRule::parse(text)) << text;
    }
}

}  // namespace
}  // namespace pinhole::peer
