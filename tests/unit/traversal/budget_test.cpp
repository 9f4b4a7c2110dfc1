#include "shared/traversal/budget.hpp"

#include <gtest/gtest.h>

namespace pinhole::traversal {
namespace {

constexpr Instant kNow{1h};
const IpAddress kIp = IpAddress::v4(0xC6336401);

TEST(Budget, SpendsWhatWasGrantedAndNoMore) {
    Budget budget;
    EXPECT_FALSE(budget.spend(kIp, 1));
    budget.grant(kNow, kIp, 100);
    EXPECT_TRUE(budget.spend(kIp, 60));
    EXPECT_FALSE(budget.spend(kIp, 41));
    EXPECT_TRUE(budget.spend(kIp, 40));
    EXPECT_FALSE(budget.spend(kIp, 1));
}

TEST(Budget, LeavesTheReserve) {
    Budget budget;
    budget.grant(kNow, kIp, 100);
    EXPECT_FALSE(budget.spend(kIp, 60, 50));
    EXPECT_TRUE(budget.spend(kIp, 50, 50));
    EXPECT_TRUE(budget.spend(kIp, 50));
}

TEST(Budget, GrantsFillUpInsteadOfAddingUp) {
    Budget budget;
    budget.grant(kNow, kIp, 100);
    ASSERT_TRUE(budget.spend(kIp, 30));
    budget.grant(kNow, kIp, 100);
    EXPECT_FALSE(budget.spend(kIp, 101));
    ASSERT_TRUE(budget.spend(kIp, 100));
    budget.grant_new(kNow, kIp, 100);
    EXPECT_FALSE(budget.spend(kIp, 1));
}

TEST(Budget, RefusesAddressesBeyondItsTableUntilReset) {
    Budget budget;
    for (std::uint32_t i = 0; i < kBudgetAddressesMax; ++i) {
        budget.grant(kNow, IpAddress::v4(0xC6336400 + i), 100);
    }
    const IpAddress late = IpAddress::v4(0xC6336500);
    budget.grant(kNow, late, 100);
    EXPECT_FALSE(budget.spend(late, 1));
    budget.reset(kNow + kBudgetRenewal);
    budget.grant(kNow, late, 100);
    EXPECT_TRUE(budget.spend(late, 1));
}

TEST(Budget, RenewsNoMoreOftenThanEveryHalfMinute) {
    Budget budget;
    budget.renew(kNow, kIp, 100);
    ASSERT_TRUE(budget.spend(kIp, 100));
    budget.renew(kNow + kBudgetRenewal - 1us, kIp, 100);
    EXPECT_FALSE(budget.spend(kIp, 1));
    budget.renew(kNow + kBudgetRenewal, kIp, 100);
    EXPECT_TRUE(budget.spend(kIp, 100));
}

TEST(Budget, ANewIntroductionDoesNotForgetAShareThatWasGivenLately) {
    Budget budget;
    budget.grant_new(kNow, kIp, 100);
    ASSERT_TRUE(budget.spend(kIp, 100));
    budget.reset(kNow + 1s);
    budget.grant_new(kNow + 1s, kIp, 100);
    EXPECT_FALSE(budget.spend(kIp, 1));
    budget.grant(kNow + 1s, kIp, 100);
    EXPECT_TRUE(budget.spend(kIp, 100)) << "the server's word is worth a new share";
}

}  // namespace
}  // namespace pinhole::traversal
