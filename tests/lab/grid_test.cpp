// Every profile against every profile: which pairs go direct, how fast, and at what cost.
//
// What is expected stands in one table below; the run prints what came out. In every direct run the
// server then dies and both sides go on talking; in every relayed one the reason is looked at once
// the checks have ended.
#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>

#include "shared/traversal/guess.hpp"
#include "tests/lab/couple.hpp"

namespace pinhole::lab {
namespace {

/// A pair that is not direct by then counts as not direct.
constexpr Duration kDirectWithin = 10s;
/// Where no direct path exists, messages flow through the relay by then.
constexpr Duration kRelayWithin = 3s;
constexpr Duration kReasonWithin = 10s;
constexpr std::size_t kMessages = 10;
/// Runs in each order of starting.
constexpr std::uint64_t kSeedsEasy = 50;
constexpr std::uint64_t kSeedsHard = 3;
/// Cells that guess may need two sprays, 20 s apart.
constexpr Duration kGuessedWithin = 60s;
/// Where no guess is possible either, the reason stands by then.

constexpr std::size_t kProfileCount = 16;
/// The first ones are easy: every pair of them must go direct.
constexpr std::size_t kEasyCount = 5;

struct Row {
    std::string_view profile;
    /// For each profile of the table, in the order of the rows: D = direct by plain checks, one
    /// predicted port included; g = direct by a guess, within two sprays; r = relay, because both
    /// sides draw their ports at random.
    std::string_view expected;
};

// clang-format off
//   asks \ is asked                   open
//                                     |  eim_eif, eim_adf, eim_apdf, linux_masquerade_input_drop
//                                     |  |  adm_eif_r
//                                     |  |  |  adm_adf_r, adm_apdf_p, adm_apdf_r
//                                     |  |  |  |  apdm_eif_s, apdm_eif_r
//                                     |  |  |  |  |  apdm_adf_r, apdm_apdf_p, _s, _r, linux random
constexpr std::array<Row, kProfileCount> kTable{{
    {"open",                        "D DDDD D DDD DD DDDDD"},
    {"eim_eif",                     "D DDDD D DDD DD DDDDD"},
    {"eim_adf",                     "D DDDD D DDD DD DDDDD"},
    {"eim_apdf",                    "D DDDD g ggg gg ggggg"},
    {"linux_masquerade_input_drop", "D DDDD g ggg gg ggggg"},
    {"adm_eif_r",                   "D DDgg D DDD DD DDDDD"},
    {"adm_adf_r",                   "D DDgg D ggg DD ggggg"},
    {"adm_apdf_p",                  "D DDgg D ggg DD ggggg"},
    {"adm_apdf_r",                  "D DDgg D ggr DD grrrr"},
    {"apdm_eif_s",                  "D DDgg D DDD DD DDDDD"},
    {"apdm_eif_r",                  "D DDgg D DDD DD DDDDD"},
    {"apdm_adf_r",                  "D DDgg D ggg DD ggggg"},
    {"apdm_apdf_p",                 "D DDgg D ggr DD gggrr"},
    {"apdm_apdf_s",                 "D DDgg D ggr DD gggrr"},
    {"apdm_apdf_r",                 "D DDgg D ggr DD grrrr"},
    {"linux_masquerade_random",     "D DDgg D ggr DD grrrr"},
}};
// clang-format on

char expected(std::size_t asker, std::size_t asked) {
    std::string letters{kTable[asker].expected};
    std::erase(letters, ' ');
    return letters.at(asked);
}

/// What the runs of one cell showed.
struct Tally {
    std::uint64_t runs = 0;
    std::uint64_t direct = 0;
    /// From `connect` to both direct; to both connected where the relay is all there is.
    std::vector<Duration> took;
    std::vector<std::uint64_t> datagrams;
    /// Runs in which ports were guessed, and those of them in which the first guess hit.
    std::uint64_t guessed = 0;
    std::uint64_t first = 0;
    /// What theory says of the first guess, where chance decides; the least of all runs.
    std::optional<double> odds;
};

/// The `share`th of 100 in order of size; nothing of nothing is 0.
template <class T>
T percentile(std::vector<T> values, std::size_t share) {
    if (values.empty()) return T{};
    std::ranges::sort(values);
    return values[std::min(values.size() - 1, values.size() * share / 100)];
}

/// How often the first guess hit, beside what theory says; nothing where none was made.
std::string first_guesses(const Tally& tally) {
    if (tally.guessed == 0) return {};
    const std::string theory =
        tally.odds ? fmt::format("{:.2f} %", *tally.odds * 100) : std::string{"no chance in it"};
    return fmt::format("  first guess {}/{} = {:.2f} %, theory {}", tally.first, tally.guessed,
                       static_cast<double>(tally.first) * 100 / static_cast<double>(tally.guessed),
                       theory);
}

void print(std::string_view name, const Tally& tally) {
    fmt::print(
        "{:58} {:7} {:3}/{:3}  median {:4} ms  worst {:4} ms  datagrams {:3}, worst {:3}{}\n", name,
        tally.direct > 0 ? "direct" : "relay", tally.direct > 0 ? tally.direct : tally.took.size(),
        tally.runs, percentile(tally.took, 50).count() / 1000,
        percentile(tally.took, 100).count() / 1000, percentile(tally.datagrams, 50),
        percentile(tally.datagrams, 100), first_guesses(tally));
}

/// What theory says of one guess between these two, from what they found out themselves.
std::optional<double> odds_of(Peer& ours) {
    for (const node::PeerStatus& status : ours.node().peers()) {
        if (!status.plan || !status.nat) continue;
        // Where both open, whoever keeps its ports tries those of the other.
        const auto& behavior = ours.node().nat_report().behavior;
        const bool we_open = status.plan->part == traversal::Part::kOpener ||
                             (status.plan->part == traversal::Part::kBoth &&
                              behavior.allocation != wire::Allocation::kPreserving);
        switch (status.plan->technique) {
            case traversal::Technique::kBirthday:
                return traversal::birthday_odds(we_open ? behavior : *status.nat);
            case traversal::Technique::kLowPorts: return traversal::low_port_odds();
            case traversal::Technique::kChecks:
            case traversal::Technique::kFreshPorts:
            case traversal::Technique::kPortGuess:
            case traversal::Technique::kWindow:
            case traversal::Technique::kMeeting:
            case traversal::Technique::kImpossible: break;
        }
    }
    return std::nullopt;
}

void count_guesses(Couple& couple, Tally& tally) {
    const unsigned guesses =
        std::max(couple.alice().path_changed()->guesses, couple.bob().path_changed()->guesses);
    EXPECT_LE(guesses, traversal::kSpraysMax) << couple.where();
    if (guesses == 0) return;
    ++tally.guessed;
    if (guesses == 1) ++tally.first;
    const auto odds = odds_of(couple.alice());
    if (odds) tally.odds = std::min(tally.odds.value_or(1.0), *odds);
}

void run_direct(Couple& couple, Order order, Tally& tally) {
    ++tally.runs;
    ASSERT_TRUE(couple.start(order)) << couple.where();
    const std::uint64_t sent = couple.datagrams();
    const auto took = couple.run_until_direct(kDirectWithin);
    ASSERT_TRUE(took) << couple.where();
    ++tally.direct;
    tally.took.push_back(*took);
    tally.datagrams.push_back(couple.datagrams() - sent);
    couple.town().kill_server();
    couple.expect_messages_flow(kMessages, 3s);
    couple.expect_budgets_kept();
}

void run_relayed(Couple& couple, Order order, Tally& tally) {
    ++tally.runs;
    ASSERT_TRUE(couple.start(order)) << couple.where();
    const std::uint64_t sent = couple.datagrams();
    const auto took = couple.run_until_connected(kRelayWithin);
    ASSERT_TRUE(took) << couple.where();
    tally.took.push_back(*took);
    for (Peer* peer : {&couple.alice(), &couple.bob()}) {
        EXPECT_EQ(peer->path(), node::PathState::kRelay) << couple.where();
    }
    couple.expect_messages_flow(kMessages, 3s);
    const auto is_checked = [](Peer& peer) {
        return peer.path_changed()->reason != traversal::Reason::kChecking;
    };
    couple.town().run_until([&] { return is_checked(couple.alice()) && is_checked(couple.bob()); },
                            kReasonWithin);
    tally.datagrams.push_back(couple.datagrams() - sent);
    for (Peer* peer : {&couple.alice(), &couple.bob()}) {
        EXPECT_EQ(peer->path(), node::PathState::kRelay) << couple.where();
        EXPECT_EQ(peer->path_changed()->reason, traversal::Reason::kBothHard) << couple.where();
    }
    couple.expect_budgets_kept();
}

/// Messages flow over the relay at once, and directly within two sprays.
void run_guessed(Couple& couple, Order order, Tally& tally) {
    ++tally.runs;
    ASSERT_TRUE(couple.start(order)) << couple.where();
    const std::uint64_t sent = couple.datagrams();
    ASSERT_TRUE(couple.run_until_connected(kRelayWithin)) << couple.where();
    couple.expect_messages_flow(kMessages, 3s);
    const auto took = couple.run_until_direct(kGuessedWithin);
    ASSERT_TRUE(took) << couple.where();
    ++tally.direct;
    tally.took.push_back(*took);
    tally.datagrams.push_back(couple.datagrams() - sent);
    count_guesses(couple, tally);
    couple.expect_budgets_kept(traversal::kSpraysMax);
    couple.town().kill_server();
    couple.expect_messages_flow(kMessages, 3s);
}

/// `PINHOLE_GRID_SEEDS` asks for more runs than a test needs: the whole table.
std::uint64_t seeds_or(std::uint64_t usual) {
    const char* wanted = std::getenv("PINHOLE_GRID_SEEDS");
    return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : usual;
}

void run_cell(std::size_t asker, std::size_t asked, std::uint64_t seeds) {
    const std::string name = fmt::format("{} x {}", kTable[asker].profile, kTable[asked].profile);
    Tally tally;
    for (const Order order : kOrders) {
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
            Couple couple{seed, kTable[asker].profile, kTable[asked].profile};
            // Only so can address-dependent mapping be told from an independent one.
            couple.town().give_server_second_address();
            switch (expected(asker, asked)) {
                case 'D': run_direct(couple, order, tally); break;
                case 'g': run_guessed(couple, order, tally); break;
                default: run_relayed(couple, order, tally);
            }
        }
    }
    print(name, tally);
    // Of few runs theory loses one to bad luck, and never most.
    if (tally.odds) {
        EXPECT_GE(tally.first * 2, tally.guessed) << name << first_guesses(tally);
    }
}

TEST(Grid, EveryPairOfEasyHomesGoesDirectInEveryOrder) {
    for (std::size_t asker = 0; asker < kEasyCount; ++asker) {
        for (std::size_t asked = 0; asked < kEasyCount; ++asked) {
            ASSERT_EQ(expected(asker, asked), 'D');
            run_cell(asker, asked, seeds_or(kSeedsEasy));
        }
    }
}

TEST(Grid, HardHomesGoDirectWhereTheoryAllowsAndAreRelayedElsewhere) {
    for (std::size_t asker = 0; asker < kProfileCount; ++asker) {
        for (std::size_t asked = 0; asked < kProfileCount; ++asked) {
            const bool is_easy = asker < kEasyCount && asked < kEasyCount;
            if (!is_easy) run_cell(asker, asked, seeds_or(kSeedsHard));
        }
    }
}

TEST(Grid, TwoInOneHomeGoDirectInTheirLanThoughTheNatDoesNotHairpin) {
    for (const std::string_view profile :
         {"eim_eif", "eim_apdf", "apdm_apdf_r", "linux_masquerade_input_drop"}) {
        ASSERT_EQ(profile_named(profile).hairpinning, Hairpinning::kNone);
        Tally tally;
        for (const Order order : kOrders) {
            for (std::uint64_t seed = 1; seed <= kSeedsEasy; ++seed) {
                Couple couple{Couple::kHousemates, seed, profile};
                run_direct(couple, order, tally);
                for (Peer* peer : {&couple.alice(), &couple.bob()}) {
                    const auto remote = peer->path_changed()->remote;
                    ASSERT_TRUE(remote) << couple.where();
                    EXPECT_EQ(remote->ip.scope(), Scope::kPrivate) << couple.where();
                }
            }
        }
        print(fmt::format("two in one home, {}", profile), tally);
    }
}

}  // namespace
}  // namespace pinhole::lab
