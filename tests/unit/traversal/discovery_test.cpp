// What discovery asks and believes, against a server and a NAT of a few lines. The behaviors of
// whole NATs are told apart in tests/lab/discovery_test.cpp.
#include "shared/traversal/discovery.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::traversal {
namespace {

using wire::Dependence;

const Endpoint kFirst = *Endpoint::parse("203.0.113.1:3478");
const Endpoint kSecond = *Endpoint::parse("203.0.113.1:3479");
const Endpoint kElsewhere = *Endpoint::parse("203.0.113.2:3478");
const IpAddress kWan = *IpAddress::parse("198.51.100.7");
const std::vector<LocalAddress> kLan{{*IpAddress::parse("192.168.1.5"), 24, "eth0"}};

struct Sent {
    Instant at;
    DiscoveryTransmit out;
};

/// A world that answers as its switches say.
class DiscoveryTest : public testing::Test {
  protected:
    void begin(const DiscoveryOptions& options = {}) {
        discovery.emplace(options, random);
        discovery->begin(
            now, {.server = {kSocketV4, kFirst}, .addresses = addresses, .round_trip_time = 20ms});
        drain();
    }
    /// Serves everything that is due within `length`.
    void run(Duration length) {
        const Instant end = now + length;
        while (discovery->next_timeout() <= end) {
            now = std::max(now, discovery->next_timeout());
            discovery->handle_timeout(now);
            drain();
        }
        now = end;
    }
    void drain() {
        bool has_more = true;
        while (has_more) {
            has_more = false;
            while (const auto request = discovery->poll_request()) {
                has_more = true;
                serve(*request);
            }
            while (const auto out = discovery->poll_transmit()) {
                has_more = true;
                sent.push_back({now, *out});
                if (answers) answer(*out);
            }
        }
    }
    void serve(const SpareRequest& request) {
        if (const auto* open = std::get_if<OpenSpare>(&request)) {
            if (!opens_spares) return discovery->on_spare_failed(now);
            const SocketId socket{next_socket_++};
            open_.insert(socket);
            const auto port =
                static_cast<std::uint16_t>(open->port != 0 ? open->port : 40000 + socket.value());
            discovery->on_spare_opened(now, socket, {IpAddress::any(Family::kV4), port});
        } else if (const auto* close = std::get_if<CloseSpare>(&request)) {
            EXPECT_EQ(open_.erase(close->socket), 1U);
        }
    }
    /// An endpoint-independent, port-preserving NAT that lets nothing in that is not an answer.
    [[nodiscard]] Endpoint mapped(SocketId socket) const {
        return {kWan, static_cast<std::uint16_t>(40000 + socket.value())};
    }
    void answer(const DiscoveryTransmit& out) {
        const Endpoint& to = out.path.remote;
        if (to != kFirst && !(to == kSecond && second_answers) && to != kElsewhere) return;
        if (out.ttl) return;  // it died on its way
        const bool elsewhere = out.request.from_other_port || out.request.from_other_address;
        if (elsewhere && !lets_in) return;
        if (out.request.answer_to) {
            const SocketId idle{out.request.answer_to->port - 40000U};
            respond({idle, to}, out, *out.request.answer_to);
            return;
        }
        Endpoint from = to;
        if (out.request.from_other_port) from = kSecond;
        if (out.request.from_other_address) from = kElsewhere;
        respond({out.path.socket, from}, out, mapped(out.path.socket));
    }
    bool respond(const Path& path, const DiscoveryTransmit& to, const Endpoint& seen) {
        wire::BindingResponse response{.transaction = to.request.transaction, .mapped = seen};
        if (second_exists) response.other_endpoints.push_back(named_second);
        if (elsewhere_exists) response.other_endpoints.push_back(kElsewhere);
        return discovery->handle_response(now, path, response);
    }
    [[nodiscard]] const NatReport& report() const { return discovery->report(); }
    [[nodiscard]] std::size_t count(auto predicate) const {
        return static_cast<std::size_t>(std::ranges::count_if(sent, predicate));
    }

    test::SeededRandom random{11};
    Instant now{1s};
    std::optional<Discovery> discovery;
    std::vector<LocalAddress> addresses = kLan;
    std::vector<Sent> sent;
    bool answers = true;
    bool opens_spares = true;
    bool second_exists = true;
    bool second_answers = true;
    bool elsewhere_exists = false;
    bool lets_in = false;
    /// The server behind a NAT of its own names its other port so.
    Endpoint named_second{IpAddress::any(Family::kV4), 3479};
    std::set<SocketId> open_;

  private:
    std::uint32_t next_socket_ = 16;
};

TEST_F(DiscoveryTest, TellsAStrictNatThatMapsPortsAlike) {
    begin();
    run(3s);
    EXPECT_TRUE(report().is_complete);
    EXPECT_FALSE(discovery->is_running());
    EXPECT_EQ(report().behavior.mapping, Dependence::kPortIndependent);
    EXPECT_EQ(report().behavior.filtering, Dependence::kAddressAndPortDependent);
    EXPECT_EQ(report().behavior.allocation, wire::Allocation::kPreserving);
    EXPECT_EQ(report().external, mapped(kSocketV4));
    EXPECT_EQ(report().is_untranslated, false);
    EXPECT_EQ(report().suffers_first_packet_race, false);
    EXPECT_EQ(report().hairpins, false);
    EXPECT_EQ(report().opener_ttl, std::nullopt) << "openers open nothing here";
    EXPECT_EQ(open_.size(), 1U) << "every spare is closed but the one whose mapping is timed";
    EXPECT_LE(sent.size(), 60U);
}

TEST_F(DiscoveryTest, SamplesAllSparesAtOnce) {
    begin();
    const auto is_sample = [&](const Sent& one) {
        return one.at == now && one.out.path.remote == kFirst && one.out.path.socket != kSocketV4 &&
               !one.out.request.from_other_port;
    };
    EXPECT_EQ(count(is_sample), kSpares);
}

TEST_F(DiscoveryTest, KnowsNothingOfASilentServer) {
    answers = false;
    begin();
    run(10s);
    NatReport nothing;
    nothing.is_complete = true;
    EXPECT_EQ(report(), nothing);
    EXPECT_EQ(sent.size(), 3 * (kSpares + 1)) << "three tries each";
    EXPECT_TRUE(open_.empty());
    EXPECT_EQ(discovery->next_timeout(), kNever);
}

TEST_F(DiscoveryTest, ClaimsNothingFromASecondPortThatNeverAnswers) {
    second_answers = false;
    begin();
    run(5s);
    EXPECT_EQ(report().behavior.mapping, Dependence::kUnknown);
    EXPECT_EQ(report().behavior.filtering, Dependence::kUnknown)
        << "that nothing came from it says nothing about our filter";
    EXPECT_EQ(report().suffers_first_packet_race, std::nullopt);
    EXPECT_EQ(report().behavior.allocation, wire::Allocation::kPreserving);
}

TEST_F(DiscoveryTest, AServerWithOnePortTellsWhatItCan) {
    second_exists = false;
    begin();
    run(5s);
    EXPECT_TRUE(report().is_complete);
    EXPECT_EQ(report().behavior.mapping, Dependence::kUnknown);
    EXPECT_EQ(report().behavior.filtering, Dependence::kUnknown);
    EXPECT_EQ(report().external, mapped(kSocketV4));
    EXPECT_EQ(count([](const Sent& one) { return one.out.path.remote == kSecond; }), 0U);
}

TEST_F(DiscoveryTest, AnAddressOfOursIsNoMapping) {
    addresses = {{kWan, 24, "eth0"}};
    second_answers = false;
    begin();
    run(5s);
    EXPECT_EQ(report().is_untranslated, true);
    EXPECT_EQ(report().behavior.mapping, Dependence::kEndpointIndependent);
    EXPECT_EQ(report().hairpins, std::nullopt) << "there is nothing to turn round";
}

TEST_F(DiscoveryTest, ASecondAddressTellsMoreOfTheFilter) {
    elsewhere_exists = true;
    lets_in = true;
    begin();
    run(5s);
    EXPECT_EQ(report().behavior.mapping, Dependence::kEndpointIndependent);
    EXPECT_EQ(report().behavior.filtering, Dependence::kEndpointIndependent);
    EXPECT_EQ(report().suffers_first_packet_race, false);
}

TEST_F(DiscoveryTest, WithoutSparesTheMainSocketStillTellsTheMapping) {
    opens_spares = false;
    begin();
    run(5s);
    EXPECT_TRUE(report().is_complete);
    EXPECT_EQ(report().behavior.mapping, Dependence::kPortIndependent);
    EXPECT_EQ(report().behavior.filtering, Dependence::kUnknown);
    EXPECT_EQ(report().behavior.allocation, wire::Allocation::kUnknown);
}

TEST_F(DiscoveryTest, BelievesNoAnswerFromElsewhere) {
    answers = false;
    begin();
    const DiscoveryTransmit asked = sent.back().out;
    EXPECT_FALSE(respond({asked.path.socket, kSecond}, asked, mapped(asked.path.socket)));
    EXPECT_FALSE(respond({SocketId{99}, kFirst}, asked, mapped(asked.path.socket)));
    DiscoveryTransmit forged = asked;
    forged.request.transaction[0] ^= std::byte{1};
    EXPECT_FALSE(respond(asked.path, forged, mapped(asked.path.socket)));
    EXPECT_FALSE(respond(asked.path, asked, *Endpoint::parse("224.0.0.1:9"))) << "no such mapping";
    EXPECT_TRUE(respond(asked.path, asked, mapped(asked.path.socket)));
    EXPECT_FALSE(respond(asked.path, asked, mapped(asked.path.socket))) << "a second time";
}

TEST_F(DiscoveryTest, ARequestOfOursThatComesBackIsAHairpin) {
    begin();
    run(300ms);
    const auto own = [](const Sent& one) { return one.out.path.remote.ip == kWan; };
    const auto found = std::ranges::find_if(sent, own);
    ASSERT_NE(found, sent.end());
    const DiscoveryTransmit hairpin = found->out;
    const SocketId target{hairpin.path.remote.port - 40000U};
    wire::BindingRequest forged = hairpin.request;
    forged.transaction[7] ^= std::byte{1};
    const Path back{target, mapped(hairpin.path.socket)};
    EXPECT_FALSE(discovery->handle_request(now, back, forged)) << "a stranger's";
    EXPECT_FALSE(discovery->handle_request(now, hairpin.path, hairpin.request)) << "not there";
    EXPECT_TRUE(discovery->handle_request(now, back, hairpin.request));
    const std::size_t before = count(own);
    run(3s);
    EXPECT_EQ(report().hairpins, true);
    EXPECT_EQ(count(own), before) << "it is known now";
}

TEST_F(DiscoveryTest, OpenersClimbOneHopAfterTheOther) {
    begin();
    run(5s);
    std::vector<int> ttls;
    for (const Sent& one : sent) {
        if (!one.out.ttl) continue;
        EXPECT_EQ(one.out.path.remote, kSecond);
        if (ttls.empty() || ttls.back() != *one.out.ttl) ttls.push_back(*one.out.ttl);
    }
    EXPECT_EQ(ttls, (std::vector{2, 3, 4, 5, 6, 7, 8}));
}

TEST_F(DiscoveryTest, BeginningAnewForgetsAndClosesWhatWasOpen) {
    begin();
    run(30ms);
    EXPECT_EQ(open_.size(), kSpares);
    const std::set<SocketId> before = open_;
    discovery->begin(now, {.server = {kSocketV4, kFirst}, .addresses = kLan});
    EXPECT_EQ(report(), NatReport{});
    drain();
    for (const SocketId socket : before) EXPECT_FALSE(open_.contains(socket));
    run(5s);
    EXPECT_TRUE(report().is_complete);
    EXPECT_EQ(open_.size(), 1U) << "of this run, under measurement";
}

TEST_F(DiscoveryTest, ASpareThatComesTooLateIsClosed) {
    begin();
    run(5s);
    open_.insert(SocketId{77});
    discovery->on_spare_opened(now, SocketId{77}, kFirst);
    drain();
    EXPECT_FALSE(open_.contains(SocketId{77}));
}

TEST_F(DiscoveryTest, MeasuresALifetimeAsFarAsRefreshesNeedToKnow) {
    begin({});
    run(4s);
    EXPECT_TRUE(report().is_complete);
    EXPECT_EQ(report().mapping_lived, 0s);
    EXPECT_EQ(open_.size(), 1U) << "the idle one";
    run(20s);
    EXPECT_EQ(report().mapping_lived, 12s);
    run(30s);
    EXPECT_EQ(report().mapping_lived, 25s);
    EXPECT_EQ(report().mapping_lifetime, std::nullopt) << "how long it is nobody wanted to know";
    EXPECT_TRUE(open_.empty());
    EXPECT_EQ(discovery->next_timeout(), kNever);
}

TEST_F(DiscoveryTest, SaysSoWhenAMappingDiesWithinTheFirstSteps) {
    begin({});
    run(10s);
    answers = false;
    run(1min);
    EXPECT_EQ(report().mapping_lived, 5s);
    EXPECT_EQ(report().mapping_lifetime, 5s);
    EXPECT_TRUE(open_.empty());
}

TEST_F(DiscoveryTest, MeasuresALifetimeToTheEndOnlyWhenAsked) {
    begin({.lifetime = true});
    run(5s);
    EXPECT_TRUE(report().is_complete);
    EXPECT_EQ(open_.size(), 1U) << "the idle one";
    run(1min);
    EXPECT_EQ(report().mapping_lifetime, std::nullopt) << "12 and 25 s passed, 55 s are under way";
    const auto through_main = [](const Sent& one) { return one.out.request.answer_to.has_value(); };
    EXPECT_EQ(count(through_main), 3U);
    for (const Sent& one : sent) {
        if (!through_main(one)) continue;
        EXPECT_EQ(one.out.path, (Path{kSocketV4, kFirst}));
        EXPECT_EQ(one.out.request.answer_to, mapped(*open_.begin()));
    }
    answers = false;
    run(2min);
    EXPECT_EQ(report().mapping_lifetime, 25s);
    EXPECT_TRUE(open_.empty());
    EXPECT_EQ(discovery->next_timeout(), kNever);
}

}  // namespace
}  // namespace pinhole::traversal
