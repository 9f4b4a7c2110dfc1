#include "rendezvous/slab.hpp"

#include <set>

#include <gtest/gtest.h>

namespace pinhole::rendezvous {
namespace {

/// Counts how many of it live.
struct Guest {
    explicit Guest(int& alive, int name) : alive_(&alive), name_(name) { ++alive; }
    ~Guest() { --*alive_; }
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

    int* alive_;
    int name_;
};

TEST(Slab, KeepsEachWhereItIsWhileOthersComeAndGo) {
    int alive = 0;
    Slab<Guest> slab;
    std::vector<const Guest*> at;
    for (int i = 0; i < 5000; ++i) at.push_back(&slab[slab.emplace(alive, i)]);
    for (std::uint32_t slot = 0; slot < 5000; slot += 2) slab.erase(slot);
    EXPECT_EQ(alive, 2500);
    EXPECT_EQ(slab.size(), 2500U);
    for (std::uint32_t slot = 1; slot < 5000; slot += 2) {
        ASSERT_TRUE(slab.is_live(slot));
        EXPECT_FALSE(slab.is_live(slot - 1));
        ASSERT_EQ(&slab[slot], at[slot]);
        ASSERT_EQ(slab[slot].name_, static_cast<int>(slot));
    }
}

TEST(Slab, UsesThePlacesThatWereLeftBeforeNewOnes) {
    int alive = 0;
    Slab<Guest> slab;
    for (int i = 0; i < 10; ++i) static_cast<void>(slab.emplace(alive, i));
    slab.erase(3);
    slab.erase(7);
    const std::set<std::uint32_t> slots{slab.emplace(alive, 10), slab.emplace(alive, 11)};
    EXPECT_EQ(slots, (std::set<std::uint32_t>{3, 7}));
    EXPECT_EQ(slab.emplace(alive, 12), 10U);
}

TEST(Slab, VisitsThoseThatLiveInOrder) {
    int alive = 0;
    Slab<Guest> slab;
    for (int i = 0; i < 4; ++i) static_cast<void>(slab.emplace(alive, i));
    slab.erase(1);
    std::vector<int> seen;
    slab.for_each([&](std::uint32_t, const Guest& guest) { seen.push_back(guest.name_); });
    EXPECT_EQ(seen, (std::vector<int>{0, 2, 3}));
}

TEST(Slab, TakesTheLastOnesWithIt) {
    int alive = 0;
    {
        Slab<Guest> slab;
        for (int i = 0; i < 3; ++i) static_cast<void>(slab.emplace(alive, i));
        slab.erase(0);
    }
    EXPECT_EQ(alive, 0);
}

TEST(Slab, KnowsNothingOfPlacesItNeverHad) {
    const Slab<int> slab;
    EXPECT_FALSE(slab.is_live(0));
    EXPECT_FALSE(slab.is_live(1U << 31U));
}

}  // namespace
}  // namespace pinhole::rendezvous
