#include "shared/session/session_table.hpp"

#include <deque>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::session {
namespace {

/// Draws the numbers it was given, in order; the first two are a table's key.
class ScriptedRandom final : public Random {
  public:
    explicit ScriptedRandom(std::deque<std::uint32_t> numbers) : numbers_(std::move(numbers)) {}

    void fill(MutableBytes out) override {
        for (Writer writer{out}; writer.size() < out.size();) {
            ASSERT_FALSE(numbers_.empty()) << "more was drawn than the test expects";
            writer.u32(numbers_.front());
            numbers_.pop_front();
        }
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

TEST(SessionTable, NeverGivesOutZero) {
    int drew_again = 0;
    for (std::uint32_t key = 0; key < 64; ++key) {
        ScriptedRandom random{{0, key, 0, 8}};
        SessionTable<int> table{random, 2};
        const auto index = table.allocate(1);
        ASSERT_TRUE(index);
        EXPECT_NE(*index, SessionIndex{0}) << "key " << key;
        drew_again += random.is_spent() ? 1 : 0;
    }
    // Of an index two bits name the place, so every other key would make a zero of a zero.
    EXPECT_GT(drew_again, 0);
}

TEST(SessionTable, GivesEveryoneAnIndexOfHisOwnWhateverIsDrawn) {
    // The same number for everybody, as the worst luck would have it.
    std::deque<std::uint32_t> numbers(102, 0x10'0000);
    ScriptedRandom random{std::move(numbers)};
    SessionTable<int> table{random, 100};
    std::set<SessionIndex> seen;
    for (int owner = 0; owner < 100; ++owner) {
        const auto index = table.allocate(owner);
        ASSERT_TRUE(index);
        EXPECT_TRUE(seen.insert(*index).second) << "owner " << owner;
    }
}

TEST(SessionTable, RefusesBeyondItsLimitAndDrawsNothing) {
    ScriptedRandom random{{1, 2, 5, 6, 7}};
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

TEST(SessionTable, LeadsNowhereFromAnIndexWhosePlaceHasANewTenant) {
    ScriptedRandom random{{1, 2, 0x10'0000, 0x20'0000}};
    SessionTable<int> table{random, 1000};
    const auto before = table.allocate(1);
    ASSERT_TRUE(before);
    table.release(*before);
    const auto after = table.allocate(2);
    ASSERT_TRUE(after);
    EXPECT_EQ(table.find(*before), std::nullopt);
    table.release(*before);
    EXPECT_EQ(table.find(*after), 2);
}

TEST(SessionTable, HidesBehindItsKeyWhichPlaceAnIndexHas) {
    // The same draws under many keys: were the place to be seen, its bits would always be the same.
    std::set<std::uint32_t> low_bits;
    for (std::uint32_t key = 0; key < 200; ++key) {
        ScriptedRandom random{{0, key, 0x10'0000}};
        SessionTable<int> table{random, 1024};
        const auto index = table.allocate(1);
        ASSERT_TRUE(index);
        low_bits.insert(index->value() & 1023U);
    }
    EXPECT_GT(low_bits.size(), 150U);
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
