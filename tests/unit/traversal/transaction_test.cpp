#include "shared/traversal/transaction.hpp"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::traversal {
namespace {

const Route kHere = Route::direct({kSocketV4, *Endpoint::parse("198.51.100.1:1000")});
const Route kElsewhere = Route::direct({kSocketV4, *Endpoint::parse("198.51.100.9:9000")});

struct TransactionsTest : testing::Test {
    pinhole::test::SeededRandom random{1};
    Transactions transactions{random};
    Instant now{5s};
};

TEST_F(TransactionsTest, ValidatesTheRouteTheChallengeWentToWhereverTheResponseAppears) {
    const auto id = transactions.begin(now, kHere, true);
    const auto proof = transactions.complete(now + 30ms, kElsewhere, id);
    ASSERT_TRUE(proof);
    EXPECT_EQ(proof->route, kHere);
    EXPECT_EQ(proof->rtt, 30ms);
    EXPECT_TRUE(proof->data_sized);
}

TEST_F(TransactionsTest, AResponseOverTheRelayProvesNothingAboutADirectPath) {
    const auto id = transactions.begin(now, kHere, false);
    EXPECT_FALSE(transactions.complete(now + 1ms, Route::relay(), id));
    EXPECT_TRUE(transactions.complete(now + 2ms, kHere, id));
}

TEST_F(TransactionsTest, ValidatesTheRelayByItsOwnChallenge) {
    const auto id = transactions.begin(now, Route::relay(), false);
    const auto proof = transactions.complete(now + 1ms, Route::relay(), id);
    ASSERT_TRUE(proof);
    EXPECT_TRUE(proof->route.is_relay());
}

TEST_F(TransactionsTest, EachChallengeValidatesOnce) {
    const auto id = transactions.begin(now, kHere, false);
    EXPECT_TRUE(transactions.complete(now, kHere, id));
    EXPECT_FALSE(transactions.complete(now, kHere, id));
}

TEST_F(TransactionsTest, RefusesUnknownAndOldIds) {
    EXPECT_FALSE(transactions.complete(now, kHere, {}));
    const auto id = transactions.begin(now, kHere, false);
    EXPECT_FALSE(transactions.complete(now + kChallengeLifetime, kHere, id));
}

TEST_F(TransactionsTest, ForgetsTheOldestBeyondTheBound) {
    const auto first = transactions.begin(now, kHere, false);
    const auto second = transactions.begin(now, kHere, false);
    for (std::size_t i = 0; i < kChallengesMax - 1; ++i) {
        static_cast<void>(transactions.begin(now, kHere, false));
    }
    EXPECT_EQ(transactions.outstanding(), kChallengesMax);
    EXPECT_FALSE(transactions.complete(now, kHere, first));
    EXPECT_TRUE(transactions.complete(now, kHere, second));
}

}  // namespace
}  // namespace pinhole::traversal
