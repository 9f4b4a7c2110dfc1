#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "peer/forward/spec.hpp"

namespace pinhole::peer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ForwardSpec spec(std::string_view text) {
    const auto parsed = parse_forward_spec(text);
    EXPECT_TRUE(parsed) << text << ": " << parsed.error();
    return parsed ? *parsed : ForwardSpec{};
}

std::vector<std::string> endpoints(std::string_view text) {
    std::vector<std::string> out;
    for (const Endpoint& endpoint : spec(text).endpoints()) out.push_back(endpoint.to_string());
    return out;
}

TEST(ForwardSpec, ListensOnLoopbackUnlessTold) {
    const ForwardSpec parsed = spec("8080:Web.Example:80");
    EXPECT_EQ(parsed.transport, Transport::kTcp);
    EXPECT_EQ(parsed.port, 8080);
    EXPECT_EQ(parsed.target.host, "web.example");
    EXPECT_EQ(parsed.target.port, 80);
    EXPECT_THAT(endpoints("8080:h:80"), ElementsAre("127.0.0.1:8080", "[::1]:8080"));
    EXPECT_THAT(endpoints("localhost:8080:h:80"), ElementsAre("127.0.0.1:8080", "[::1]:8080"));
}

TEST(ForwardSpec, ListensWhereItIsTold) {
    EXPECT_THAT(endpoints("192.0.2.1:8080:h:80"), ElementsAre("192.0.2.1:8080"));
    EXPECT_THAT(endpoints("[2001:db8::1]:8080:h:80"), ElementsAre("[2001:db8::1]:8080"));
    EXPECT_THAT(endpoints("*:8080:h:80"), ElementsAre("0.0.0.0:8080", "[::]:8080"));
}

TEST(ForwardSpec, KnowsUdpAndIpv6Targets) {
    const ForwardSpec parsed = spec("5353:[::1]:53/udp");
    EXPECT_EQ(parsed.transport, Transport::kUdp);
    EXPECT_EQ(parsed.target.host, "::1");
    EXPECT_EQ(text_of(parsed.target), "[::1]:53");
}

TEST(ForwardSpec, ItsTextSaysTheSame) {
    for (const char* text : {"localhost:8080:web.example:80", "*:1:127.0.0.1:65535/udp",
                             "[2001:db8::1]:22:[::1]:22"}) {
        EXPECT_EQ(spec(text).to_string(), text);
        EXPECT_EQ(spec(spec(text).to_string()).to_string(), text);
    }
}

TEST(ForwardSpec, RefusesWhatIsNone) {
    for (const char* text :
         {"", "80", "80:host", "1:2:3:4:5", "0:h:80", "8080:h:0", "8080:h:65536", "8080::80",
          ":h:80", "name:8080:h:80", "[1.2.3.4]:8080:h:80", "8080:h:80/tcp", "8080:h h:80",
          "8080:1.2.3:80", "8080:2001:db8::1:80", "-1:h:80", "[::1:8080:h:80"}) {
        EXPECT_FALSE(parse_forward_spec(text)) << text;
    }
    EXPECT_THAT(parse_forward_spec("80").error(), HasSubstr("[bind:]port:host:hostport"));
}

}  // namespace
}  // namespace pinhole::peer
