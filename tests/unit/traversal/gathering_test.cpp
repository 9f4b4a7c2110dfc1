#include "shared/traversal/gathering.hpp"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::traversal {
namespace {

const Endpoint kServer4 = *Endpoint::parse("203.0.113.1:4000");
const Endpoint kServer4Second = *Endpoint::parse("203.0.113.1:4001");
const Endpoint kServer6 = *Endpoint::parse("[2001:db9::1]:4000");
const Endpoint kMapped = *Endpoint::parse("198.51.100.7:61000");

Cookie cookie_of(int value) {
    Cookie cookie{};
    cookie[0] = static_cast<std::byte>(value);
    return cookie;
}

struct GatheringTest : testing::Test {
    pinhole::test::SeededRandom random{7};
    Gathering gathering{random};
    Instant now{1s};

    void open(SocketId socket, std::string_view bound) {
        gathering.on_socket_opened(now, socket, *Endpoint::parse(bound));
    }

    std::vector<SendBinding> sent() {
        std::vector<SendBinding> all;
        while (const auto out = gathering.poll_transmit()) all.push_back(*out);
        return all;
    }

    template <class Event>
    int count() {
        int found = 0;
        while (const auto event = gathering.poll_event()) {
            found += std::holds_alternative<Event>(*event) ? 1 : 0;
        }
        return found;
    }

    bool answer(const SendBinding& asked, const Endpoint& mapped, int cookie = 1) {
        wire::BindingResponse response{.transaction = asked.request.transaction,
                                       .mapped = mapped,
                                       .cookie = cookie_of(cookie)};
        if (asked.request.wants_server_key) response.server_key = FixedBytes<32>{std::byte{9}};
        return gathering.handle_response(now, asked.path, response).has_value();
    }

    /// Lets time pass and collects what is sent.
    std::vector<std::pair<Instant, SendBinding>> run(Duration length) {
        std::vector<std::pair<Instant, SendBinding>> all;
        const Instant end = now + length;
        while (gathering.next_timeout() <= end) {
            now = std::max(now, gathering.next_timeout());
            gathering.handle_timeout(now);
            for (const SendBinding& out : sent()) all.emplace_back(now, out);
        }
        now = end;
        return all;
    }
};

TEST_F(GatheringTest, AsksTheServerOfEachSocketsFamily) {
    gathering.set_servers(now, {.v4 = kServer4, .v6 = kServer6}, false);
    open(kSocketV4, "0.0.0.0:5000");
    open(kSocketV6, "[::]:5001");
    const auto out = sent();
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(out[0].path, (Path{kSocketV4, kServer4}));
    EXPECT_EQ(out[1].path, (Path{kSocketV6, kServer6}));
    EXPECT_FALSE(out[0].request.wants_server_key);
}

TEST_F(GatheringTest, RetransmitsFasterThenSlowerThenOnlyNowAndThen) {
    gathering.set_servers(now, {.v4 = kServer4}, false);
    open(kSocketV4, "0.0.0.0:5000");
    const auto first = sent();
    const Instant start = now;
    const auto more = run(16s);
    std::vector<Duration> at;
    for (const auto& [when, out] : more) {
        at.push_back(when - start);
        EXPECT_EQ(out.request.transaction, first[0].request.transaction);
    }
    EXPECT_EQ(at, (std::vector<Duration>{50ms, 150ms, 350ms, 750ms, 1550ms, 2550ms, 3550ms, 8550ms,
                                         13550ms}));
    EXPECT_TRUE(gathering.is_unreachable());
    EXPECT_EQ(count<ServerUnreachable>(), 1);
    ASSERT_TRUE(answer(more.back().second, kMapped));
    EXPECT_FALSE(gathering.is_unreachable());
}

TEST_F(GatheringTest, AsksASilentFamilyOnceAMinuteWhileTheOtherOneAnswers) {
    gathering.set_servers(now, {.v4 = kServer4, .v6 = kServer6}, false);
    open(kSocketV4, "0.0.0.0:5000");
    open(kSocketV6, "[::]:5001");
    ASSERT_TRUE(answer(sent().at(0), kMapped));
    gathering.keep_fresh(now, false);
    static_cast<void>(run(10s));
    EXPECT_EQ(run(10min).size(), 10U);
    const LocalAddress fresh{*IpAddress::parse("2001:db9::7"), 64, "eth0"};
    gathering.on_interfaces_changed(now, {&fresh, 1});
    EXPECT_EQ(sent().size(), 2U) << "another network: everybody is asked at once";
}

TEST_F(GatheringTest, LearnsTheMappedEndpointItsCookieAndTheKey) {
    gathering.set_servers(now, {.v4 = kServer4}, true);
    open(kSocketV4, "0.0.0.0:5000");
    EXPECT_EQ(gathering.cookie_for(kSocketV4), std::nullopt);
    EXPECT_EQ(gathering.server_seen_by(kSocketV4), std::nullopt);
    ASSERT_TRUE(answer(sent().at(0), kMapped, 5));
    EXPECT_EQ(gathering.server_seen_by(kSocketV4), kServer4);
    EXPECT_EQ(gathering.server_seen_by(kSocketV6), std::nullopt);
    EXPECT_EQ(gathering.mapped_endpoint(kSocketV4), kMapped);
    EXPECT_EQ(gathering.cookie_for(kSocketV4), cookie_of(5));
    EXPECT_EQ(gathering.cookie_issued(kSocketV4), now);
    EXPECT_EQ(gathering.server_path(), (Path{kSocketV4, kServer4}));
    EXPECT_EQ(gathering.server_key(), (FixedBytes<32>{std::byte{9}}));
}

TEST_F(GatheringTest, RefusesWhatItDidNotAskFor) {
    gathering.set_servers(now, {.v4 = kServer4}, false);
    open(kSocketV4, "0.0.0.0:5000");
    const SendBinding asked = sent().at(0);

    SendBinding forged = asked;
    forged.request.transaction[0] ^= std::byte{1};
    EXPECT_FALSE(answer(forged, kMapped));
    SendBinding elsewhere = asked;
    elsewhere.path.remote = kServer4Second;
    EXPECT_FALSE(answer(elsewhere, kMapped));
    EXPECT_FALSE(answer(asked, *Endpoint::parse("224.0.0.1:5")));
    EXPECT_EQ(gathering.mapped_endpoint(kSocketV4), std::nullopt);

    EXPECT_TRUE(answer(asked, kMapped));
    EXPECT_FALSE(answer(asked, *Endpoint::parse("198.51.100.8:1"))) << "a second answer";
    EXPECT_EQ(gathering.mapped_endpoint(kSocketV4), kMapped);
}

TEST_F(GatheringTest, RenewsCookiesBeforeTheyAreTooOldWhileWanted) {
    gathering.set_servers(now, {.v4 = kServer4}, false);
    open(kSocketV4, "0.0.0.0:5000");
    ASSERT_TRUE(answer(sent().at(0), kMapped, 1));
    const auto renewed = run(100s);
    ASSERT_FALSE(renewed.empty());
    EXPECT_EQ(renewed[0].first, Instant{91s});
    ASSERT_TRUE(answer(renewed[0].second, kMapped, 2));
    EXPECT_EQ(gathering.cookie_for(kSocketV4), cookie_of(2));

    gathering.keep_fresh(now, false);
    EXPECT_TRUE(run(10min).empty());
    gathering.keep_fresh(now, true);
    EXPECT_EQ(sent().size(), 1U) << "a stale cookie is renewed at once";
}

TEST_F(GatheringTest, SaysWhenTheMappedEndpointChanged) {
    gathering.set_servers(now, {.v4 = kServer4}, false);
    open(kSocketV4, "0.0.0.0:5000");
    ASSERT_TRUE(answer(sent().at(0), kMapped));
    EXPECT_EQ(count<MappedChanged>(), 0);
    gathering.ask_again(now);
    ASSERT_TRUE(answer(sent().at(0), kMapped));
    EXPECT_EQ(count<MappedChanged>(), 0);
    gathering.ask_again(now);
    ASSERT_TRUE(answer(sent().at(0), *Endpoint::parse("198.51.100.7:61001")));
    EXPECT_EQ(count<MappedChanged>(), 1);
}

TEST_F(GatheringTest, OrdersCandidatesProvenThenIpv6ThenLan) {
    gathering.set_servers(now, {.v4 = kServer4}, false);
    open(kSocketV4, "0.0.0.0:5000");
    open(kSocketV6, "[::]:5001");
    const SendBinding asked = sent().at(0);
    gathering.on_interfaces_changed(
        now, std::vector<LocalAddress>{{*IpAddress::parse("192.168.1.5"), 24, "eth0"},
                                       {*IpAddress::parse("2001:db9::5"), 64, "eth0"},
                                       {*IpAddress::parse("2001:db9::6"), 64, "eth0"},
                                       {*IpAddress::parse("127.0.0.1"), 8, "lo"}});
    EXPECT_EQ(count<CandidatesChanged>(), 1);
    const SendBinding again = sent().at(0);
    EXPECT_FALSE(answer(asked, kMapped)) << "asked anew since";
    ASSERT_TRUE(answer(again, kMapped));
    const auto list = gathering.local_candidates();
    ASSERT_EQ(list.size(), 3U);
    EXPECT_EQ(list[0].type, wire::CandidateType::kServerReflexive);
    EXPECT_EQ(list[0].endpoint, kMapped);
    EXPECT_EQ(list[0].proof, cookie_of(1));
    EXPECT_EQ(list[1].endpoint, *Endpoint::parse("[2001:db9::5]:5001"));
    EXPECT_EQ(list[1].proof, std::nullopt);
    EXPECT_EQ(list[2].endpoint, *Endpoint::parse("192.168.1.5:5000"));
}

TEST_F(GatheringTest, AMappedEndpointThatIsAHostAddressIsOneProvenCandidate) {
    gathering.set_servers(now, {.v4 = kServer4}, false);
    open(kSocketV4, "0.0.0.0:5000");
    gathering.on_interfaces_changed(
        now, std::vector<LocalAddress>{{*IpAddress::parse("198.51.100.7"), 24, "eth0"}});
    ASSERT_TRUE(answer(sent().back(), *Endpoint::parse("198.51.100.7:5000")));
    const auto list = gathering.local_candidates();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0].type, wire::CandidateType::kHost);
    EXPECT_EQ(list[0].proof, cookie_of(1));
}

TEST_F(GatheringTest, APortMappingIsACandidateOnlyOnTheAddressThatTheServerSees) {
    gathering.set_servers(now, {.v4 = kServer4}, false);
    open(kSocketV4, "0.0.0.0:5000");
    const Endpoint forwarded = *Endpoint::parse("198.51.100.7:5000");
    EXPECT_TRUE(gathering.set_port_mapping(kSocketV4, forwarded));
    EXPECT_FALSE(gathering.set_port_mapping(kSocketV4, forwarded)) << "no news";
    EXPECT_EQ(gathering.local_candidates().size(), 0U);
    ASSERT_TRUE(answer(sent().at(0), kMapped));
    const auto candidates = gathering.local_candidates();
    ASSERT_EQ(candidates.size(), 2U);
    EXPECT_EQ(candidates[1].type, wire::CandidateType::kMapped);
    EXPECT_EQ(candidates[1].endpoint, forwarded);
    EXPECT_EQ(candidates[1].proof, std::nullopt);
    static_cast<void>(count<CandidatesChanged>());
    gathering.set_port_mapping(kSocketV4, *Endpoint::parse("192.0.2.99:5000"));
    EXPECT_EQ(gathering.local_candidates().size(), 1U);
    EXPECT_EQ(count<CandidatesChanged>(), 1);
    EXPECT_FALSE(gathering.set_port_mapping(kSocketV6, forwarded)) << "no such socket";
}

TEST_F(GatheringTest, ListsAtMostEight) {
    open(kSocketV4, "0.0.0.0:5000");
    std::vector<LocalAddress> addresses;
    for (std::uint32_t i = 1; i <= 12; ++i) {
        addresses.push_back({IpAddress::v4(0x0A000000 + i), 24, "eth" + std::to_string(i)});
    }
    gathering.on_interfaces_changed(now, addresses);
    EXPECT_EQ(gathering.local_candidates().size(), wire::kCandidatesMax);
}

TEST_F(GatheringTest, UsesTheFamilyThatAnswersFirstInEachRound) {
    gathering.set_servers(now, {.v4 = kServer4, .v6 = kServer6}, false);
    open(kSocketV4, "0.0.0.0:5000");
    open(kSocketV6, "[::]:5001");
    const auto out = sent();
    ASSERT_TRUE(answer(out[1], *Endpoint::parse("[2001:db9::5]:5001")));
    ASSERT_TRUE(answer(out[0], kMapped));
    EXPECT_EQ(gathering.server_path()->socket, kSocketV6);
    EXPECT_EQ(count<ServerAnswered>(), 1);

    // On another network only IPv4 answers.
    gathering.ask_again(now);
    const auto asked = sent();
    ASSERT_EQ(asked.size(), 2U);
    ASSERT_TRUE(answer(asked[0], kMapped));
    EXPECT_EQ(gathering.server_path()->socket, kSocketV4);
}

TEST_F(GatheringTest, FallsBackWhenOnlyTheUsedFamilyFallsSilent) {
    gathering.set_servers(now, {.v4 = kServer4, .v6 = kServer6}, false);
    open(kSocketV4, "0.0.0.0:5000");
    open(kSocketV6, "[::]:5001");
    const auto out = sent();
    ASSERT_TRUE(answer(out[1], *Endpoint::parse("[2001:db9::5]:5001")));
    ASSERT_TRUE(answer(out[0], kMapped));
    static_cast<void>(count<ServerAnswered>());
    // The renewals come due; IPv4's are answered, IPv6's are not.
    now += 90s;
    gathering.handle_timeout(now);
    for (const SendBinding& asked : sent()) {
        if (asked.path.socket == kSocketV4) {
            ASSERT_TRUE(answer(asked, kMapped));
        }
    }
    EXPECT_EQ(gathering.server_path()->socket, kSocketV6);
    run(10s);
    EXPECT_EQ(gathering.server_path()->socket, kSocketV4);
    EXPECT_EQ(count<ServerAnswered>(), 1);
    EXPECT_FALSE(gathering.is_unreachable());
}

TEST_F(GatheringTest, AFailedSocketTakesItsCandidateAndItsWayAlong) {
    gathering.set_servers(now, {.v4 = kServer4}, false);
    open(kSocketV4, "0.0.0.0:5000");
    ASSERT_TRUE(answer(sent().at(0), kMapped));
    static_cast<void>(count<CandidatesChanged>());
    gathering.on_socket_failed(now, kSocketV4);
    EXPECT_EQ(gathering.server_path(), std::nullopt);
    EXPECT_TRUE(gathering.local_candidates().empty());
    EXPECT_EQ(count<CandidatesChanged>(), 1);
    EXPECT_EQ(gathering.next_timeout(), kNever);
}

TEST_F(GatheringTest, ALoopbackMappingIsProofButNoCandidate) {
    gathering.set_servers(now, {.v4 = *Endpoint::parse("127.0.0.1:4000")}, false);
    open(kSocketV4, "0.0.0.0:5000");
    ASSERT_TRUE(answer(sent().at(0), *Endpoint::parse("127.0.0.1:5000"), 3));
    EXPECT_EQ(gathering.cookie_for(kSocketV4), cookie_of(3));
    EXPECT_TRUE(gathering.local_candidates().empty());
}

}  // namespace
}  // namespace pinhole::traversal
