// Pairs that plain checks cannot connect: listening, low ports, blocks of ports, two layers of NAT,
// and what is said where somebody does not want a guess.
#include "shared/traversal/guess.hpp"

#include <gtest/gtest.h>

#include "tests/lab/couple.hpp"

namespace pinhole::lab {
namespace {

constexpr std::uint64_t kSeeds = 20;
/// Two sprays and the pause between them.
constexpr Duration kGuessedWithin = 60s;
/// Discovery has ended, and the server knows what it found.
constexpr Duration kSettled = 3s;

void start_settled(Couple& couple) {
    ASSERT_TRUE(couple.start(Order::kEarlyCalls, kSettled)) << couple.where();
}

/// The reasons of both sides, once they agree that nothing more is under way.
std::optional<traversal::Reason> final_reason(Couple& couple, Duration limit) {
    const auto is_final = [](Peer& peer) {
        const auto reason = peer.path_changed()->reason;
        return reason != traversal::Reason::kChecking && reason != traversal::Reason::kGuessing;
    };
    couple.town().run_until([&] { return is_final(couple.alice()) && is_final(couple.bob()); },
                            limit);
    const auto reason = couple.alice().path_changed()->reason;
    EXPECT_EQ(reason, couple.bob().path_changed()->reason) << couple.where();
    return reason;
}

TEST(Listen, ASideThatFiltersNothingStaysSilentAndNeedsNoGuess) {
    for (const std::string_view hard : {"adm_eif_r", "apdm_eif_s", "apdm_eif_r"}) {
        for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
            Couple couple{seed, seed % 2 == 0 ? "eim_apdf" : hard,
                          seed % 2 == 0 ? hard : "eim_apdf"};
            couple.town().give_server_second_address();
            start_settled(couple);
            ASSERT_TRUE(couple.run_until_direct(2s)) << hard << ", " << couple.where();
            couple.expect_budgets_kept();
        }
    }
}

TEST(LowPorts, TwoThatDrawAtRandomGoDirectAmongTheFewPortsBelow1024) {
    std::size_t first_spray = 0;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Couple couple{seed,
                      "linux_masquerade_random",
                      "linux_masquerade_random",
                      {.nat_discovery = {.low_ports = true}}};
        start_settled(couple);
        const auto took = couple.run_until_direct(kGuessedWithin);
        ASSERT_TRUE(took) << couple.where();
        if (couple.alice().path_changed()->guesses == 1) ++first_spray;
        couple.expect_budgets_kept(traversal::kSpraysMax);
        couple.expect_messages_flow(3, 3s);
    }
    fmt::print("low ports: {} of {} in the first spray, theory {:.2f} %\n", first_spray, kSeeds,
               traversal::low_port_odds() * 100);
    EXPECT_GE(first_spray, kSeeds - 2);
}

TEST(LowPorts, OneSideAloneCannotUseThem) {
    Couple couple{1, "two that draw, one with low ports"};
    Host& a = couple.town().home("a", "linux_masquerade_random");
    Host& b = couple.town().home("b", "linux_masquerade_random");
    couple.draw_delays({"a", "b"});
    couple.settle_in(a, b);
    start_settled(couple);
    ASSERT_TRUE(couple.run_until_connected(3s)) << couple.where();
    EXPECT_EQ(final_reason(couple, 30s), traversal::Reason::kBothHard) << couple.where();
}

TEST(Sprays, NobodySpraysWhenOneSideSwitchedItOff) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        Couple couple{seed, "eim_apdf", "apdm_apdf_r", {.sprays = false}};
        start_settled(couple);
        ASSERT_TRUE(couple.run_until_connected(3s)) << couple.where();
        EXPECT_EQ(final_reason(couple, 30s), traversal::Reason::kSpraysOff) << couple.where();
        couple.town().run_for(60s);
        couple.expect_budgets_kept();
    }
}

/// alice behind a carrier that gives each subscriber `block` ports, bob in an ordinary home.
class PortBlocks : public testing::Test {
  protected:
    template <class Story>
    static void tell(std::uint16_t block, Story story) {
        NatProfile carrier = generic_nat(Behavior::kAddressAndPortDependent,
                                         Behavior::kAddressAndPortDependent, Allocation::kRandom);
        carrier.port_block = block;
        for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
            Couple couple{seed, fmt::format("a block of {} ports x eim_apdf", block)};
            Host& a = couple.town().home("a", carrier);
            Host& b = couple.town().home("b", "eim_apdf");
            couple.draw_delays({"a", "b"});
            couple.settle_in(a, b);
            start_settled(couple);
            story(couple);
        }
    }
};

TEST_F(PortBlocks, ABlockOf512PortsIsFoundWithFewSockets) {
    tell(512, [](Couple& couple) {
        ASSERT_TRUE(couple.run_until_direct(kGuessedWithin)) << couple.where();
        const auto mappings =
            couple.town().nat("a").model().mapping_count(couple.town().lab().now());
        EXPECT_LE(mappings, 512 / 8 + 40) << couple.where();
        couple.expect_budgets_kept(traversal::kSpraysMax);
    });
}

TEST_F(PortBlocks, ABlockOf16PortsIsNotUsedUp) {
    tell(16, [](Couple& couple) {
        ASSERT_TRUE(couple.run_until_connected(3s)) << couple.where();
        couple.expect_messages_flow(3, 3s);
    });
}

TEST(Carriers, AHomeUnderACarrierBehavesAsTheHarderOfItsNats) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        for (const std::string_view carrier : {"eim_apdf", "apdm_apdf_s", "apdm_apdf_r"}) {
            Couple couple{seed, fmt::format("eim_apdf under {} x eim_apdf", carrier)};
            Host& a = couple.town().home_under_carrier("a", profile_named("eim_apdf"),
                                                       profile_named(carrier));
            Host& b = couple.town().home("b", "eim_apdf");
            couple.draw_delays({"a", "b"});
            couple.settle_in(a, b);
            start_settled(couple);
            ASSERT_TRUE(couple.run_until_direct(kGuessedWithin)) << couple.where();
            couple.expect_budgets_kept(traversal::kSpraysMax);
            couple.expect_messages_flow(3, 3s);
        }
    }
}

}  // namespace
}  // namespace pinhole::lab
