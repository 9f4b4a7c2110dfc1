// Pairs that say nothing for ten minutes, behind NATs that forget fast, slowly, or faster than they
// did before: what is measured of the mappings' lifetime keeps the path, and costs no more than it
// must.
#include <gtest/gtest.h>

#include "tests/lab/couple.hpp"

namespace pinhole::lab {
namespace {

constexpr std::uint64_t kSeeds = 10;
constexpr Duration kDirectWithin = 10s;
constexpr Duration kIdle = 10min;

/// Forgets within `lifetime`; a mapping made anew gets another port.
NatProfile forgetful(std::string_view name, Duration lifetime, bool refreshes_inbound) {
    NatProfile profile = profile_named(name);
    profile.allocation = Allocation::kRandom;
    profile.mapping_lifetime = profile.first_reply_lifetime = lifetime;
    profile.refresh_inbound = refreshes_inbound;
    return profile;
}

/// Says nothing for `kIdle` from the first moment on, and is direct all the time.
void expect_idle_pair_stays(Couple& couple, const NatProfile& a, const NatProfile& b) {
    Host& home_a = couple.town().home("a", a);
    Host& home_b = couple.town().home("b", b);
    couple.draw_delays({"a", "b"});
    couple.settle_in(home_a, home_b);
    ASSERT_TRUE(couple.start(Order::kEarlyCalls)) << couple.where();
    ASSERT_TRUE(couple.run_until_direct(kDirectWithin)) << couple.where();
    const std::size_t told_alice = couple.alice().path_history().size();
    const std::size_t told_bob = couple.bob().path_history().size();
    couple.town().run_for(kIdle);
    EXPECT_TRUE(couple.alice().is_direct() && couple.bob().is_direct()) << couple.where();
    EXPECT_EQ(couple.alice().path_history().size(), told_alice) << couple.where();
    EXPECT_EQ(couple.bob().path_history().size(), told_bob) << couple.where();
    couple.expect_messages_flow(3, 3s);
    for (Peer* peer : {&couple.alice(), &couple.bob()}) {
        EXPECT_EQ(peer->registrations(), 1U) << couple.where();
        EXPECT_TRUE(peer->troubles().empty()) << couple.where();
    }
}

TEST(Keepalive, IdlePairsBehindForgetfulNatsStayDirect) {
    for (const Duration lifetime : {Duration{6s}, Duration{10s}, Duration{20s}}) {
        for (const bool refreshes_inbound : {false, true}) {
            for (const auto& [a, b] :
                 {std::pair{"eim_apdf", "eim_apdf"}, std::pair{"eim_adf", "apdm_apdf_r"}}) {
                for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
                    Couple couple{seed,
                                  fmt::format("{} x {}, {} s{}", a, b, lifetime / 1s,
                                              refreshes_inbound ? ", inbound refreshes" : "")};
                    expect_idle_pair_stays(couple, forgetful(a, lifetime, refreshes_inbound),
                                           forgetful(b, lifetime, refreshes_inbound));
                    if (testing::Test::HasFailure()) return;
                }
            }
        }
    }
}

TEST(Keepalive, ASideIsKeptByItsOwnNatsLifetimeAndNotByTheOthers) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Couple couple{seed, "6 s x 120 s"};
        expect_idle_pair_stays(couple, forgetful("eim_apdf", 6s, false), profile_named("eim_apdf"));
    }
}

TEST(Keepalive, ANatThatBeginsToForgetFasterIsMeasuredAnew) {
    const NatProfile faster = forgetful("eim_apdf", 8s, false);
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Couple couple{seed, "120 s, then 8 s"};
        expect_idle_pair_stays(couple, profile_named("eim_apdf"), profile_named("eim_apdf"));
        for (const std::string home : {"a", "b"}) couple.town().nat(home).become(faster);
        couple.town().run_for(10min);
        const std::size_t told = couple.alice().path_history().size();
        couple.town().run_for(2h);
        EXPECT_TRUE(couple.alice().is_direct() && couple.bob().is_direct()) << couple.where();
        EXPECT_EQ(couple.alice().path_history().size(), told) << couple.where();
    }
}

/// Both sides' datagrams in ten minutes of silence, once the lifetimes are measured.
std::uint64_t cost_of_idleness(Couple& couple, Host& a, Host& b) {
    couple.draw_delays({"a", "b"});
    couple.settle_in(a, b);
    EXPECT_TRUE(couple.start(Order::kEarlyCalls)) << couple.where();
    EXPECT_TRUE(couple.run_until_direct(kDirectWithin)) << couple.where();
    couple.town().run_for(3min);
    const std::uint64_t before = couple.datagrams();
    couple.town().run_for(kIdle);
    EXPECT_TRUE(couple.alice().is_direct() && couple.bob().is_direct()) << couple.where();
    return couple.datagrams() - before;
}

TEST(Keepalive, SilenceCostsLittleWhereMappingsLiveLong) {
    Couple homes{1, "two homes"};
    Town& town = homes.town();
    const std::uint64_t one_path =
        cost_of_idleness(homes, town.home("a", "eim_apdf"), town.home("b", "eim_apdf"));
    Couple both{1, "two homes with both families"};
    const auto dual_stack = [&](const std::string& name) -> Host& {
        return both.town().lab().add_host(name, both.town().dual_stack_home(name, "eim_apdf"));
    };
    Host& a = dual_stack("a");
    const std::uint64_t with_spare = cost_of_idleness(both, a, dual_stack("b"));
    fmt::print("    idle for ten minutes, both sides: {} datagrams, with a spare path {}\n",
               one_path, with_spare);
    EXPECT_LE(one_path, 155U) << homes.where();
    EXPECT_LE(with_spare, 340U) << both.where();
}

}  // namespace
}  // namespace pinhole::lab
