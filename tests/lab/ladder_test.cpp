// The same pair over better and worse access links, from fibre to a satellite and a train: a direct
// path is found on each, by checks and by a guess, and what is said arrives whole. And what a pair
// costs when nobody speaks.
#include <gtest/gtest.h>

#include "tests/lab/couple.hpp"

namespace pinhole::lab {
namespace {

constexpr std::uint64_t kLadderSeeds = 10;
constexpr std::size_t kMessages = 10;

struct Rung {
    std::string_view name;
    LinkQuality quality;
    Duration direct_within;
};

/// One way, for each home.
const std::vector<Rung>& ladder() {
    static const std::vector<Rung> kLadder{
        {"fibre", {.delay = 5ms, .rate = 500'000'000}, 2s},
        {"cable", {.delay = 12ms, .jitter = 4ms, .rate = 20'000'000}, 2s},
        {"DSL", {.delay = 25ms, .jitter = 5ms, .loss = 0.002, .rate = 1'000'000}, 3s},
        {"LTE", {.delay = 35ms, .jitter = 25ms, .loss = 0.01, .rate = 8'000'000}, 5s},
        {"3G", {.delay = 90ms, .jitter = 60ms, .loss = 0.02, .rate = 256'000}, 10s},
        {"geostationary satellite",
         {.delay = 280ms, .jitter = 15ms, .loss = 0.01, .rate = 2'000'000},
         20s},
        {"a train",
         {.delay = 60ms,
          .jitter = 80ms,
          .loss = 0.1,
          .duplication = 0.02,
          .reordering = 0.1,
          .reorder_by = 60ms,
          .rate = 1'000'000},
         30s},
    };
    return kLadder;
}

void climb(std::string_view a, std::string_view b, Duration extra) {
    for (const Rung& rung : ladder()) {
        std::vector<Duration> took;
        for (std::uint64_t seed = 1; seed <= kLadderSeeds; ++seed) {
            Couple couple{seed, a, b};
            for (const std::string home : {"a", "b"}) {
                couple.town().uplink(home).set_quality(rung.quality);
            }
            ASSERT_TRUE(couple.start(Order::kEarlyCalls)) << rung.name << ", " << couple.where();
            const auto direct = couple.run_until_direct(rung.direct_within + extra);
            ASSERT_TRUE(direct) << rung.name << ", " << couple.where();
            took.push_back(*direct);
            couple.expect_messages_flow(kMessages, 30s);
        }
        std::ranges::sort(took);
        fmt::print("{} x {}, {}: direct after {} ms, at worst {} ms\n", a, b, rung.name,
                   took[took.size() / 2].count() / 1000, took.back().count() / 1000);
    }
}

TEST(Ladder, TwoHomesGoDirectOnEveryRung) {
    climb("eim_apdf", "eim_apdf", 0s);
}

TEST(Ladder, AGuessSucceedsOnEveryRung) {
    climb("eim_apdf", "apdm_apdf_r", 60s);
}

/// What one side sends while nobody speaks.
std::uint64_t datagrams_of_an_idle_minute(Couple& couple) {
    couple.town().run_for(2min);
    const std::uint64_t before = couple.alice().host().sent().datagrams;
    couple.town().run_for(1min);
    return couple.alice().host().sent().datagrams - before;
}

TEST(Idle, ADirectPairKeepsItsPathAndHardlyMore) {
    Couple couple{1, "eim_apdf", "eim_apdf"};
    ASSERT_TRUE(couple.start(Order::kEarlyCalls));
    ASSERT_TRUE(couple.run_until_direct(5s)) << couple.where();
    const std::uint64_t sent = datagrams_of_an_idle_minute(couple);
    fmt::print("an idle direct pair: {} datagrams a minute and side\n", sent);
    EXPECT_LE(sent, 20U) << couple.where();
}

TEST(Idle, ARelayedPairLooksForAWayOnceAMinute) {
    Couple couple{1, "apdm_apdf_r", "apdm_apdf_r"};
    ASSERT_TRUE(couple.start(Order::kEarlyCalls));
    ASSERT_TRUE(couple.run_until_connected(5s)) << couple.where();
    const std::uint64_t sent = datagrams_of_an_idle_minute(couple);
    fmt::print("an idle relayed pair: {} datagrams a minute and side\n", sent);
    EXPECT_LE(sent, 60U) << couple.where();
}

}  // namespace
}  // namespace pinhole::lab
