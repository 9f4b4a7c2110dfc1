#include "shared/session/session_table.hpp"

#include <deque>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::session {
namespace {

/// Draws the numbers it was given, in order.
class ScriptedRandom final : public Random {
  public:
    explicit ScriptedRandom(std::deque<std::uint32_t> numbers) : numbers_(std::move(numbers)) {}

    void fill(MutableBytes out) override {
        ASSERT_FALSE(numbers_.empty()) << "more was drawn than the test expects";
        Writer{out}.u32(numbers_.front());
        numbers_.pop_front();
    }

    [[nodiscard]] bool is_spent() const { return numbers_.empty(); }

  private:
    std::deque<std::uint32_t> numbers_;
};

TEST(SessionTable, LeadsFromEachIndexToItsOwner) {
    test::SeededRandom random{1};
    SessionTable<int> table{random, 1000};
    std::set<SessionIndex> seen;
    for (int owner = 0; owner < 1000; ++owner) {
        const auto index = table.allocate(owner);
        ASSERT_TRUE(index);
        EXPECT_TRUE(seen.insert(*index).second);
        EXPECT_EQ(table.find(*index), owner);
    }
    EXPECT_EQ(table.size(), 1000U);
}

TEST(SessionTable, NeverGivesOutZeroOrAnIndexInUse) {
    ScriptedRandom random{{5, 0, 5, 6}};
    SessionTable<int> table{random, 10};
    EXPECT_EQ(table.allocate(1), SessionIndex{5});
    EXPECT_EQ(table.allocate(2), SessionIndex{6});
    EXPECT_EQ(table.find(SessionIndex{5}), 1);
    EXPECT_TRUE(random.is_spent());
}

TEST(SessionTable, RefusesBeyondItsLimitAndDrawsNothing) {
    ScriptedRandom random{{5, 6, 7}};
    SessionTable<int> table{random, 2};
    const auto first = table.allocate(1);
    ASSERT_TRUE(first && table.allocate(2));
    EXPECT_FALSE(table.allocate(3));
    EXPECT_FALSE(random.is_spent());
    table.release(*first);
    EXPECT_TRUE(table.allocate(3));
}

TEST(SessionTable, KnowsNothingAfterTheRelease) {
    test::SeededRandom random{2};
    SessionTable<int> table{random, 2};
    const auto index = table.allocate(1);
    ASSERT_TRUE(index);
    table.release(*index);
    EXPECT_EQ(table.find(*index), std::nullopt);
    table.release(*index);
    EXPECT_EQ(table.size(), 0U);
}

TEST(SessionTable, FindsTheRestOfARowAfterOneOfItLeft) {
    // With sixteen places these want the last one and the first two: a row that runs round the end.
    const std::deque<std::uint32_t> row{15, 31, 16, 47, 1, 63};
    for (const std::uint32_t left : row) {
        ScriptedRandom random{row};
        SessionTable<std::uint32_t> table{random, 10};
        for (const std::uint32_t index : row) ASSERT_TRUE(table.allocate(index));
        table.release(SessionIndex{left});
        for (const std::uint32_t index : row) {
            const auto owner = table.find(SessionIndex{index});
            if (index == left) {
                EXPECT_EQ(owner, std::nullopt) << index;
            } else {
                EXPECT_EQ(owner, index) << "after " << left << " left";
            }
        }
    }
}

TEST(SessionTable, AgreesWithAMapThroughManyChanges) {
    test::SeededRandom random{4};
    SessionTable<std::uint64_t> table{random, 20'000};
    std::map<SessionIndex, std::uint64_t> expected;
    for (std::uint64_t step = 0; step < 20'000; ++step) {
        // Grows at first, then shrinks to nothing.
        if (random.below(20'000) > step) {
            const auto index = table.allocate(step);
            ASSERT_TRUE(index);
            expected.emplace(*index, step);
        } else if (!expected.empty()) {
            auto gone = expected.lower_bound(SessionIndex{random.u32()});
            if (gone == expected.end()) gone = expected.begin();
            table.release(gone->first);
            ASSERT_EQ(table.find(gone->first), std::nullopt) << "step " << step;
            expected.erase(gone);
        }
        ASSERT_EQ(table.size(), expected.size());
        if (step % 500 != 0) continue;
        for (const auto& [index, owner] : expected) ASSERT_EQ(table.find(index), owner);
    }
}

TEST(SessionTable, FindsNothingUnderTheIndexThatStandsForNone) {
    test::SeededRandom random{5};
    SessionTable<int> table{random, 2};
    EXPECT_EQ(table.find(SessionIndex{0}), std::nullopt);
    ASSERT_TRUE(table.allocate(1));
    EXPECT_EQ(table.find(SessionIndex{0}), std::nullopt);
    table.release(SessionIndex{0});
    EXPECT_EQ(table.size(), 1U);
}

TEST(SessionTable, AssignsAnIndexToAnotherOwner) {
    test::SeededRandom random{3};
    SessionTable<int> table{random, 2};
    const auto index = table.allocate(1);
    ASSERT_TRUE(index);
    table.assign(*index, 2);
    EXPECT_EQ(table.find(*index), 2);
    EXPECT_EQ(table.size(), 1U);
}

}  // namespace
}  // namespace pinhole::session
