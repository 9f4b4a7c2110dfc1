#include <algorithm>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "peer/doctor_json.hpp"
#include "peer/doctor_text.hpp"
#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using wire::Allocation;
using wire::Dependence;

std::string plain(Paint /*paint*/, std::string_view text) {
    return std::string{text};
}

DoctorReport home_router() {
    DoctorReport report{.self = *Id::parse("bob"), .via = "203.0.113.7:3478"};
    report.server = {.address = *Endpoint::parse("203.0.113.7:3478"),
                     .observed = Endpoint::parse("198.51.100.4:40112"),
                     .round_trip_time = 38ms};
    report.addresses = {
        {.ip = *IpAddress::parse("192.168.1.20"), .prefix_length = 24, .interface_name = "eth0"}};
    report.nat.behavior = {.mapping = Dependence::kEndpointIndependent,
                           .filtering = Dependence::kAddressAndPortDependent,
                           .allocation = Allocation::kPreserving};
    report.nat.external = report.server->observed;
    report.nat.is_untranslated = false;
    report.nat.opener_ttl = 2;
    report.nat.hairpins = true;
    report.nat.suffers_first_packet_race = false;
    report.nat.is_complete = true;
    report.port_mapping = {.state = node::MappingState::kUnmapped,
                           .reason = PortUnmapped::Reason::kNoGateway};
    return report;
}

DoctorReport random_router() {
    DoctorReport report = home_router();
    report.nat.behavior = {.mapping = Dependence::kAddressAndPortDependent,
                           .filtering = Dependence::kAddressAndPortDependent,
                           .allocation = Allocation::kRandom,
                           .first_port = 1024,
                           .last_port = 65535};
    return report;
}

std::vector<std::string> topics(const DoctorReport& report) {
    std::vector<std::string> out;
    for (const Advice& advice : advice_for(report)) out.emplace_back(advice.about);
    return out;
}

std::string advice_about(const DoctorReport& report, std::string_view topic) {
    for (const Advice& advice : advice_for(report)) {
        if (advice.about == topic) return advice.text;
    }
    return {};
}

// ---- the class

TEST(Doctor, NamesTheClassOfWhatWasMeasured) {
    struct Row {
        Dependence mapping;
        Dependence filtering;
        Allocation allocation;
        NatClass expected;
    };
    constexpr auto kEi = Dependence::kEndpointIndependent;
    constexpr auto kAd = Dependence::kAddressDependent;
    constexpr auto kApd = Dependence::kAddressAndPortDependent;
    constexpr auto kNot = Dependence::kUnknown;
    for (const Row& row : {
             Row{kEi, kEi, Allocation::kUnknown, NatClass::kEasyOpen},
             Row{kEi, kAd, Allocation::kUnknown, NatClass::kEasyAddress},
             Row{kEi, Dependence::kPortIndependent, Allocation::kUnknown, NatClass::kEasyAddress},
             Row{kEi, kApd, Allocation::kRandom, NatClass::kEasyPort},
             Row{kEi, kNot, Allocation::kUnknown, NatClass::kEasy},
             Row{Dependence::kPortIndependent, kApd, Allocation::kRandom, NatClass::kEasyPort},
             Row{kApd, kEi, Allocation::kRandom, NatClass::kHardOpen},
             Row{kApd, kApd, Allocation::kPreserving, NatClass::kHardPreserving},
             Row{kAd, kApd, Allocation::kSequential, NatClass::kHardSequential},
             Row{kApd, kAd, Allocation::kRandom, NatClass::kHardRandom},
             Row{kApd, kNot, Allocation::kUnknown, NatClass::kHard},
             Row{kNot, kApd, Allocation::kRandom, NatClass::kUnknown},
         }) {
        DoctorReport report = home_router();
        report.nat.behavior = {
            .mapping = row.mapping, .filtering = row.filtering, .allocation = row.allocation};
        EXPECT_EQ(class_of(report), row.expected) << name_of(row.expected);
    }
}

TEST(Doctor, KnowsAPublicAddressAFirewallAndBlockedUdp) {
    DoctorReport report = home_router();
    report.nat.is_untranslated = true;
    EXPECT_EQ(class_of(report), NatClass::kFirewall);
    report.nat.behavior.filtering = Dependence::kEndpointIndependent;
    EXPECT_EQ(class_of(report), NatClass::kNoNat);
    report.server->over_tcp = true;
    EXPECT_EQ(class_of(report), NatClass::kUdpBlocked);
    report.server.reset();
    EXPECT_EQ(class_of(report), NatClass::kUnknown);
}

// ---- advice

TEST(Doctor, TellsAHardNatAboutPortMappingAndLowPorts) {
    DoctorReport report = random_router();
    EXPECT_THAT(topics(report), ElementsAre("port_mapping", "hard_nat", "ipv6"));
    EXPECT_THAT(advice_about(report, "hard_nat"), HasSubstr("--low-ports"));
    report.nat.behavior.allocation = Allocation::kSequential;
    EXPECT_THAT(advice_about(report, "hard_nat"), HasSubstr("all others but those that draw"));
    report.nat.behavior.allocation = Allocation::kRandom;
    report.nat.keeps_low_ports = true;
    EXPECT_THAT(advice_about(report, "hard_nat"), HasSubstr("keeps ports below 1024"));
    report.port_mapping = {.state = node::MappingState::kMapped,
                           .via = MappingProtocol::kUpnp,
                           .external = Endpoint::parse("198.51.100.4:40112")};
    EXPECT_THAT(topics(report), ElementsAre("ipv6")) << "a mapped port is as good as no NAT";
}

TEST(Doctor, TellsDoubleNatFromCarrierNat) {
    DoctorReport report = home_router();
    report.port_mapping = {.state = node::MappingState::kUnmapped,
                           .external = Endpoint{*IpAddress::parse("192.168.178.5"), 0},
                           .reason = PortUnmapped::Reason::kDoubleNat};
    EXPECT_THAT(advice_about(report, "double_nat"), HasSubstr("192.168.178.5"));
    EXPECT_THAT(topics(report), Not(::testing::Contains("carrier_nat")));
    report.port_mapping = {.state = node::MappingState::kUnmapped,
                           .external = Endpoint{*IpAddress::parse("100.99.1.2"), 0},
                           .reason = PortUnmapped::Reason::kDoubleNat};
    EXPECT_THAT(topics(report), ElementsAre("carrier_nat", "ipv6"));
    report = home_router();
    report.nat.opener_ttl = 3;
    EXPECT_THAT(topics(report), ::testing::Contains("double_nat"));
}

TEST(Doctor, CarrierAddressesAreExactlyThoseOfRfc6598) {
    for (const auto& [text, expected] : {std::pair{"100.63.255.255", false},
                                         {"100.64.0.0", true},
                                         {"100.127.255.255", true},
                                         {"100.128.0.0", false}}) {
        DoctorReport report = home_router();
        report.addresses.front().ip = *IpAddress::parse(text);
        EXPECT_EQ(!advice_about(report, "carrier_nat").empty(), expected) << text;
    }
}

TEST(Doctor, ShowsTheRuleAgainstTheFirstPacketRace) {
    DoctorReport report = home_router();
    EXPECT_EQ(advice_about(report, "first_packet"), "");
    report.nat.suffers_first_packet_race = true;
    EXPECT_THAT(advice_about(report, "first_packet"),
                AllOf(HasSubstr("nft add rule inet filter input"), HasSubstr("ct state new drop")));
}

TEST(Doctor, SaysNothingAboutV6WhereThereIsSome) {
    DoctorReport report = home_router();
    EXPECT_NE(advice_about(report, "ipv6"), "");
    report.addresses.push_back({.ip = *IpAddress::parse("fd00::1"), .interface_name = "eth0"});
    EXPECT_NE(advice_about(report, "ipv6"), "") << "a private one leads nowhere";
    report.addresses.push_back({.ip = *IpAddress::parse("2600::1"), .interface_name = "eth0"});
    EXPECT_EQ(advice_about(report, "ipv6"), "");
}

TEST(Doctor, AdvisesTheServerWhenNothingAnswers) {
    DoctorReport report = home_router();
    report.server.reset();
    EXPECT_THAT(topics(report), ElementsAre("rendezvous"));
    EXPECT_THAT(advice_about(report, "rendezvous"),
                AllOf(HasSubstr("sudo ufw allow 3478:3479/udp"), HasSubstr("--tcp")));
    report = home_router();
    report.server->over_tcp = true;
    EXPECT_THAT(topics(report), ElementsAre("udp"));
}

TEST(Doctor, AdvisesAPairByItsReason) {
    DoctorReport report = home_router();
    report.pair = {.peer = *Id::parse("alice"),
                   .path = node::PathChanged{.peer = {},
                                             .state = node::PathState::kRelay,
                                             .reason = node::Reason::kBothHard,
                                             .remote = {}}};
    EXPECT_THAT(advice_about(report, "pair"), HasSubstr("--low-ports"));
    report.pair->path->reason = node::Reason::kSpraysOff;
    EXPECT_THAT(advice_about(report, "pair"), HasSubstr("--no-spray"));
    report.pair->path->reason = node::Reason::kGuessFailed;
    EXPECT_EQ(advice_about(report, "one_address"), "") << "both mappings are known";
    report.nat.behavior.mapping = Dependence::kPortIndependent;
    EXPECT_THAT(advice_about(report, "one_address"), HasSubstr("--bind"));
    report.pair->path->reason = node::Reason::kPeerUdpBlocked;
    EXPECT_EQ(advice_about(report, "one_address"), "");
    EXPECT_THAT(advice_about(report, "pair"), HasSubstr("other side's network lets no UDP out"));
    report.pair->path->state = node::PathState::kDirect;
    report.pair->path->reason = node::Reason::kSelected;
    EXPECT_EQ(advice_about(report, "pair"), "");
}

// ---- texts

TEST(DoctorText, ShowsACommonHomeRouter) {
    EXPECT_EQ(text_of(home_router(), &plain),
              R"(  Your router keeps one outside port for all destinations and lets only the
  peers you wrote to answer: the common home router. Direct connections work
  with nearly everybody.

  rendezvous    203.0.113.7:3478, 38 ms, over UDP
  seen there    198.51.100.4:40112
  addresses     192.168.1.20 eth0
  IPv6          no public address
  mapping       one outside port for all destinations
  filtering     only exactly whom you wrote to gets in
  new ports     the inside port, while it is free
  NAT layers    1 (openers need a TTL of 2)
  early inbound does no harm
  hairpin       machines inside reach each other by the outside
  port mapping  none: no gateway that maps ports

advice
  - Switch on UPnP, NAT-PMP or PCP in the router: a mapped port is as good as no
    NAT.
  - There is no public IPv6 address here. With IPv6 on both sides no NAT is in
    the way: switch it on in the router, or ask the provider.
)");
}

TEST(DoctorText, ShowsARandomRouterThatHasAMappedPort) {
    DoctorReport report = random_router();
    report.addresses.push_back({.ip = *IpAddress::parse("2600::1"), .interface_name = "eth0"});
    report.port_mapping = {.state = node::MappingState::kMapped,
                           .via = MappingProtocol::kUpnp,
                           .external = Endpoint::parse("198.51.100.4:40112")};
    report.nat.mapping_lifetime = 55s;
    EXPECT_EQ(text_of(report, &plain),
              R"(  Your router takes a random outside port for each destination (often called
  symmetric). Direct connections work with open and common home routers, the
  latter after guessing for seconds, and not with a router like this one.

  rendezvous    203.0.113.7:3478, 38 ms, over UDP
  seen there    198.51.100.4:40112
  addresses     192.168.1.20 eth0
                2600::1 eth0
  IPv6          yes
  mapping       another outside port for each address and port
  filtering     only exactly whom you wrote to gets in
  new ports     unpredictable; seen between 1024 and 65535
  NAT layers    1 (openers need a TTL of 2)
  early inbound does no harm
  hairpin       machines inside reach each other by the outside
  idle flows    at least 55 s
  port mapping  198.51.100.4:40112 by UPnP

advice
  - The NAT forgets idle flows early; more keepalives than usual keep paths
    open. Raise its UDP timeout to 120 s or more if you can.
)");
}

TEST(DoctorText, ShowsAPairOnTheRelayWithTheReasonThatTheChatGives) {
    DoctorReport report = home_router();
    report.pair = {.peer = *Id::parse("alice"),
                   .path = node::PathChanged{.peer = {},
                                             .state = node::PathState::kRelay,
                                             .reason = node::Reason::kBothHard,
                                             .remote = {}},
                   .theirs = random_router().nat.behavior,
                   .plan = traversal::Plan{.technique = traversal::Technique::kBirthday}};
    const std::string text = text_of(report, &plain);
    EXPECT_THAT(text, HasSubstr("\nalice: relay\n  because       " +
                                std::string{traversal::sentence_of(node::Reason::kBothHard)}));
    EXPECT_THAT(text,
                HasSubstr("  its mapping   another outside port for each address and port\n"));
    EXPECT_THAT(text, HasSubstr("  technique     one NAT draws its ports at random"));
}

TEST(DoctorText, ShowsADirectPair) {
    DoctorReport report = home_router();
    report.pair = {.peer = *Id::parse("alice"),
                   .path = node::PathChanged{.peer = {},
                                             .state = node::PathState::kDirect,
                                             .reason = node::Reason::kSelected,
                                             .remote = Endpoint::parse("198.51.100.9:40000"),
                                             .round_trip_time = 12ms}};
    EXPECT_THAT(text_of(report, &plain), HasSubstr("\nalice: direct 198.51.100.9:40000 (12 ms)\n"));
}

TEST(DoctorText, LeavesOutWhatIsNotKnown) {
    DoctorReport report{.self = *Id::parse("bob"), .via = "203.0.113.7:3478"};
    EXPECT_EQ(text_of(report, &plain),
              R"(  Too little is known about this network to say what it does.

  rendezvous    203.0.113.7:3478, no answer
  IPv6          no public address

advice
  - The rendezvous did not answer. On the server: sudo ufw allow 3478:3479/udp.
    If this network blocks UDP, start the server with --tcp: rendezvous --tcp
)");
}

TEST(DoctorText, NeverExceeds80ColumnsAndColoursOnlyByItsPainter) {
    const auto colour = [](Paint, std::string_view text) { return fmt::format("<{}>", text); };
    for (DoctorReport report : {home_router(), random_router()}) {
        report.nat.suffers_first_packet_race = true;
        report.nat.behavior.filtering = Dependence::kPortIndependent;
        report.server->address = *Endpoint::parse("[2001:db8:1111:2222:3333:4444:5555:6666]:65535");
        std::istringstream lines{text_of(report, &plain)};
        for (std::string line; std::getline(lines, line);) {
            EXPECT_LE(display_width(line), 80U) << line;
        }
        EXPECT_THAT(text_of(report, colour), HasSubstr("  <Your router"));
    }
}

// ---- JSON

TEST(DoctorJson, HoldsAllThatIsKnown) {
    DoctorReport report = home_router();
    report.pair = {.peer = *Id::parse("alice"),
                   .path = node::PathChanged{.peer = {},
                                             .state = node::PathState::kRelay,
                                             .reason = node::Reason::kNoAnswer,
                                             .remote = {},
                                             .round_trip_time = 38ms},
                   .theirs = random_router().nat.behavior,
                   .plan = traversal::Plan{.technique = traversal::Technique::kBirthday}};
    const auto object = nlohmann::json::parse(json::doctor(report));
    EXPECT_EQ(object["v"], 1);
    EXPECT_EQ(object["event"], "doctor");
    EXPECT_EQ(object["id"], "bob");
    EXPECT_EQ(object["rendezvous"],
              nlohmann::json::parse(R"({"via":"203.0.113.7:3478","answers":true,
                  "server":"203.0.113.7:3478","observed":"198.51.100.4:40112","rtt_ms":38.0,
                  "transport":"udp"})"));
    EXPECT_EQ(object["addresses"],
              nlohmann::json::parse(R"([{"ip":"192.168.1.20","interface":"eth0"}])"));
    EXPECT_EQ(object["ipv6"], false);
    EXPECT_EQ(object["nat"]["class"], "easy_port");
    EXPECT_EQ(object["nat"]["words"], words_of(NatClass::kEasyPort));
    EXPECT_EQ(object["nat"]["mapping"], "endpoint_independent");
    EXPECT_EQ(object["nat"]["filtering"], "address_and_port_dependent");
    EXPECT_EQ(object["nat"]["allocation"], "preserving");
    EXPECT_EQ(object["nat"]["layers"], 1);
    EXPECT_EQ(object["nat"]["complete"], true);
    EXPECT_FALSE(object["nat"].contains("lifetime_s")) << "not measured";
    EXPECT_EQ(object["port_mapping"],
              nlohmann::json::parse(R"({"state":"none","reason":"no_gateway"})"));
    EXPECT_EQ(object["pair"]["path"], "relay");
    EXPECT_EQ(object["pair"]["reason"], "no_answer");
    EXPECT_EQ(object["pair"]["why"], traversal::sentence_of(node::Reason::kNoAnswer));
    EXPECT_EQ(object["pair"]["technique"], "birthday");
    EXPECT_EQ(object["pair"]["nat"]["class"], "hard_random");
    EXPECT_EQ(object["pair"]["nat"]["first_port"], 1024);
    EXPECT_EQ(object["advice"].size(), advice_for(report).size());
    EXPECT_EQ(object["advice"][0]["about"], "pair");
}

TEST(DoctorJson, SaysWhoseNetworkLetsNoUdpOut) {
    DoctorReport report = home_router();
    report.pair = {.peer = *Id::parse("alice"),
                   .path = node::PathChanged{.peer = {},
                                             .state = node::PathState::kRelay,
                                             .reason = node::Reason::kPeerUdpBlocked,
                                             .remote = {},
                                             .round_trip_time = 38ms},
                   .theirs = wire::NatBehavior{.is_udp_blocked = true},
                   .plan = traversal::Plan{.technique = traversal::Technique::kImpossible,
                                           .obstacle = node::Reason::kPeerUdpBlocked}};
    const auto object = nlohmann::json::parse(json::doctor(report));
    EXPECT_EQ(object["nat"]["class"], "easy_port");
    EXPECT_EQ(object["pair"]["reason"], "peer_udp_blocked");
    EXPECT_EQ(object["pair"]["nat"]["class"], "udp_blocked");
    EXPECT_EQ(object["pair"]["technique_words"],
              traversal::sentence_of(node::Reason::kPeerUdpBlocked));
    EXPECT_THAT(text_of(report, plain), HasSubstr("its network   lets no UDP out"));
}

TEST(DoctorJson, IsOneLineAlsoWhenNothingIsKnown) {
    const std::string line = json::doctor({.self = *Id::parse("bob"), .via = "203.0.113.7:3478"});
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto object = nlohmann::json::parse(line);
    EXPECT_EQ(object["rendezvous"]["answers"], false);
    EXPECT_EQ(object["port_mapping"]["state"], "off");
    EXPECT_FALSE(object.contains("pair"));
}

}  // namespace
}  // namespace pinhole::peer
