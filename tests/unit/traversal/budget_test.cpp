#include "shared/traversal/budget.hpp"

#include <gtest/gtest.h>

namespace pinhole::traversal {
namespace {

const IpAddress kIp = IpAddress::v4(0xC6336401);

TEST(Budget, SpendsWhatWasGrantedAndNoMore) {
    Budget budget;
    EXPECT_FALSE(budget.spend(kIp, 1));
    budget.grant(kIp, 100);
    EXPECT_TRUE(budget.spend(kIp, 60));
    EXPECT_FALSE(budget.spend(kIp, 41));
    EXPECT_TRUE(budget.spend(kIp, 40));
    EXPECT_FALSE(budget.spend(kIp, 1));
}

TEST(Budget, LeavesTheReserve) {
    Budget budget;
    budget.grant(kIp, 100);
    EXPECT_FALSE(budget.spend(kIp, 60, 50));
    EXPECT_TRUE(budget.spend(kIp, 50, 50));
    EXPECT_TRUE(budget.spend(kIp, 50));
}

TEST(Budget, GrantsFillUpInsteadOfAddingUp) {
    Budget budget;
    budget.grant(kIp, 100);
    ASSERT_TRUE(budget.spend(kIp, 30));
    budget.grant(kIp, 100);
    EXPECT_FALSE(budget.spend(kIp, 101));
    ASSERT_TRUE(budget.spend(kIp, 100));
    budget.grant_new(kIp, 100);
    EXPECT_FALSE(budget.spend(kIp, 1));
}

TEST(Budget, RefusesAddressesBeyondItsTableUntilReset) {
    Budget budget;
    for (std::uint32_t i = 0; i < kBudgetAddressesMax; ++i) {
        budget.grant(IpAddress::v4(0xC6336400 + i), 100);
    }
    const IpAddress late = IpAddress::v4(0xC6336500);
    budget.grant(late, 100);
    EXPECT_FALSE(budget.spend(late, 1));
    budget.reset();
    budget.grant(late, 100);
    EXPECT_TRUE(budget.spend(late, 1));
}

}  // namespace
}  // namespace pinhole::traversal
