// A process that is about to end.
#include <gtest/gtest.h>

#include "tests/lab/pair.hpp"

namespace pinhole::lab {
namespace {

// Who calls somebody in the middle of his farewell hears at once that he is gone, and meets the one
// who comes after him.
TEST(Leaving, TurnsCallsAway) {
    Pair pair{8};
    Town& town = pair.town;
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    ASSERT_TRUE(pair.connect());
    pair.bob.node().refuse_calls();
    town.disconnect(pair.bob, pair.alice);
    ASSERT_TRUE(town.run_until([&] { return !pair.alice.is_connected(); }, 2s));
    town.connect(pair.alice, pair.bob);
    ASSERT_TRUE(town.run_until([&] { return !pair.alice.failures().empty(); }, 1s));
    EXPECT_EQ(pair.alice.failures().front().reason, node::CloseReason::kUnknownPeer);
    EXPECT_FALSE(pair.alice.is_connected());
    town.restart(pair.bob);
    EXPECT_TRUE(town.run_until([&] { return pair.is_connected(); }, 20s));
}

}  // namespace
}  // namespace pinhole::lab
