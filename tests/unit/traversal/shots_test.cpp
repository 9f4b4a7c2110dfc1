#include "shared/traversal/shots.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::traversal {
namespace {

using wire::NatBehavior;

constexpr std::size_t kPorts = 65536 - 1024;

std::set<std::uint16_t> distinct(const std::vector<std::uint16_t>& ports) {
    return {ports.begin(), ports.end()};
}

TEST(Shots, AWindowWalksOnFromTheNewestPortAndThenBack) {
    const auto ports = window_ports({.step = 2, .newest_port = 40000});
    ASSERT_EQ(ports.size(), 100U);
    EXPECT_EQ(ports[0], 40002);
    EXPECT_EQ(ports[49], 40100);
    EXPECT_EQ(ports[50], 39998);
    EXPECT_EQ(distinct(ports).size(), ports.size());
}

TEST(Shots, AWindowWrapsAmongThePortsThatNatsHandOut) {
    const auto ports = window_ports({.step = 1, .newest_port = 65535});
    EXPECT_EQ(ports[0], 1024);
    EXPECT_EQ(window_ports({.step = -1, .newest_port = 1024})[0], 65535);
}

TEST(Shots, ABirthdayTriesEveryPortOnce) {
    test::SeededRandom random{3};
    const auto ports = birthday_ports({}, random);
    EXPECT_EQ(ports.size(), kPorts);
    EXPECT_EQ(distinct(ports).size(), kPorts);
    EXPECT_EQ(*std::ranges::min_element(ports), 1024);
    EXPECT_FALSE(std::ranges::is_sorted(ports));
}

TEST(Shots, TheoryGivesABirthdayTheOddsOfTheDesign) {
    EXPECT_NEAR(birthday_odds({}), 0.9996, 0.0001) << "256 sockets, 2000 of 64512 ports";
    // 3 * 512 ports are all tried; of 3 * 2048 a third is, by 256 sockets.
    EXPECT_EQ(birthday_odds({.first_port = 20000, .last_port = 20511}), 1.0);
    EXPECT_GT(birthday_odds({.first_port = 20000, .last_port = 22047}), 0.9999);
    EXPECT_NEAR(low_port_odds(), 0.9971, 0.0001);
}

TEST(Shots, ABirthdayTriesAKnownBlockFirst) {
    test::SeededRandom random{3};
    const auto ports = birthday_ports({.first_port = 20000, .last_port = 20511}, random);
    ASSERT_EQ(distinct(ports).size(), kPorts);
    const std::set<std::uint16_t> first(ports.begin(), ports.begin() + 512);
    EXPECT_EQ(first.size(), 512U);
    EXPECT_EQ(*first.begin(), 20000);
    EXPECT_EQ(*first.rbegin(), 20511);
    const std::set<std::uint16_t> next(ports.begin() + 512, ports.begin() + 3 * 512);
    EXPECT_EQ(*next.begin(), 20000 - 512);
    EXPECT_EQ(*next.rbegin(), 20511 + 512);
}

TEST(Shots, OfABlockOfPortsAnEighthIsOpened) {
    EXPECT_EQ(birthday_sockets({}), kBirthdaySockets);
    EXPECT_EQ(birthday_sockets({.first_port = 20000, .last_port = 20511}), 64U);
    EXPECT_EQ(birthday_sockets({.first_port = 20000, .last_port = 20006}), 2U);
}

TEST(Shots, ASweepStaysWithinTheBudget) {
    test::SeededRandom random{3};
    const IpAddress ip = *IpAddress::parse("203.0.113.7");
    const auto shots = sweep(kSocketV4, ip, birthday_ports({}, random));
    ASSERT_EQ(shots.size(), kShotsMax);
    EXPECT_TRUE(std::ranges::all_of(
        shots, [&](const Path& shot) { return shot.socket == kSocketV4 && shot.remote.ip == ip; }));
}

TEST(Shots, AVolleyGoesRoundByRound) {
    const std::vector<SocketId> sockets{SocketId{20}, SocketId{21}};
    const Endpoint target = *Endpoint::parse("203.0.113.7:40000");
    const auto shots = volley(sockets, target, 2);
    EXPECT_EQ(shots, (std::vector<Path>{{SocketId{20}, target},
                                        {SocketId{21}, target},
                                        {SocketId{20}, target},
                                        {SocketId{21}, target}}));
}

TEST(Shots, ACrossfireAimsEachSocketAtDifferentLowPorts) {
    test::SeededRandom random{3};
    std::vector<SocketId> sockets;
    for (std::uint32_t i = 0; i < kLowPortSockets; ++i) sockets.emplace_back(i);
    const auto shots = crossfire(sockets, *IpAddress::parse("203.0.113.7"), random);
    EXPECT_EQ(shots.size(), 1024U);
    const std::set<Path> all(shots.begin(), shots.end());
    EXPECT_EQ(all.size(), shots.size());
    EXPECT_TRUE(std::ranges::all_of(shots, [](const Path& shot) {
        return kLowPortFirst <= shot.remote.port && shot.remote.port <= kLowPortLast;
    }));
}

TEST(Shots, TwoThatCountAimAtTheMiddleOfEachOthersFlows) {
    EXPECT_EQ(meeting_port({.step = 3, .newest_port = 5000}), 5000 + 13 * 3);
    EXPECT_EQ(meeting_port({.allocation = wire::Allocation::kPreserving, .newest_port = 5000}),
              5000);
}

}  // namespace
}  // namespace pinhole::traversal
