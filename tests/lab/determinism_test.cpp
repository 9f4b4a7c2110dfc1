// A fixed seed gives byte-identical traces; another seed gives another one. The digest covers every
// byte that anybody sent and what became of it.
#include <gtest/gtest.h>

#include "tests/lab/couple.hpp"

namespace pinhole::lab {
namespace {

struct Scenario {
    std::string_view name;
    std::string_view home_a;
    std::string_view home_b;
    Order order;
    LinkQuality link;
};

constexpr LinkQuality kBadLink{
    .delay = 15ms, .jitter = 12ms, .loss = 0.05, .duplication = 0.02, .reordering = 0.03};

const std::array kScenarios{
    Scenario{"direct", "eim_apdf", "eim_apdf", Order::kEarlyCalls, {.delay = 12ms, .jitter = 2ms}},
    Scenario{"direct, bad links", "eim_adf", "eim_apdf", Order::kLateCalls, kBadLink},
    Scenario{"relayed, bad links", "apdm_apdf_r", "apdm_apdf_r", Order::kEarlyCalls, kBadLink},
    Scenario{"glare, bad links", "open", "linux_masquerade", Order::kGlare, kBadLink},
};

struct Played {
    std::uint64_t digest = 0;
    std::vector<std::string> lines;
};

Played play(const Scenario& scenario, std::uint64_t seed, bool keeps_lines) {
    Couple couple{seed, scenario.home_a, scenario.home_b};
    Town& town = couple.town();
    if (keeps_lines) town.lab().trace().keep_lines();
    town.uplink("a").set_quality(scenario.link);
    town.uplink("b").set_quality(scenario.link);
    EXPECT_TRUE(couple.start(scenario.order)) << couple.where();
    EXPECT_TRUE(couple.run_until_connected(10s)) << couple.where();
    couple.expect_messages_flow(20, 10s);
    town.run_for(12s);  // over the end of the checks and a retry or two
    couple.expect_messages_flow(20, 10s);
    return {town.lab().trace().digest(), town.lab().trace().lines()};
}

/// Where two traces part.
std::string first_difference(const Scenario& scenario, std::uint64_t seed) {
    const auto one = play(scenario, seed, true).lines;
    const auto other = play(scenario, seed, true).lines;
    const auto [a, b] = std::ranges::mismatch(one, other);
    if (a == one.end() || b == other.end()) return "the lines are the same, or one trace is longer";
    return fmt::format("line {}:\n{}\n{}", a - one.begin(), *a, *b);
}

TEST(Determinism, SameSeedGivesTheSameBytesAndAnotherSeedDoesNot) {
    for (const Scenario& scenario : kScenarios) {
        const std::uint64_t first = play(scenario, 7, false).digest;
        const std::uint64_t again = play(scenario, 7, false).digest;
        const std::uint64_t other = play(scenario, 8, false).digest;
        fmt::print("{:20} seed 7: {:016x}, again {:016x}; seed 8: {:016x}\n", scenario.name, first,
                   again, other);
        EXPECT_EQ(first, again) << scenario.name << ", " << first_difference(scenario, 7);
        EXPECT_NE(first, other) << scenario.name;
    }
}

}  // namespace
}  // namespace pinhole::lab
