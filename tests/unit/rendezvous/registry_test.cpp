#include "rendezvous/registry.hpp"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::rendezvous {
namespace {

constexpr WallTime kToday{std::chrono::seconds{1'700'000'000}};

wire::Id numbered(int number) {
    return *wire::Id::parse("peer-" + std::to_string(number));
}

class RegistryTest : public testing::Test {
  protected:
    void claim(int number) {
        registry.begin_claim({.id = numbered(number), .key = key, .at = kToday});
    }

    pinhole::test::SeededRandom random{1};
    Registry registry{random};
    crypto::PublicKey key{random.bytes<32>()};
    crypto::PublicKey other{random.bytes<32>()};
};

TEST_F(RegistryTest, FindsEveryIdWhileItGrowsAndShrinks) {
    for (int i = 0; i < 3000; ++i) claim(i);
    for (int i = 0; i < 3000; i += 3) registry.forget(numbered(i));
    EXPECT_EQ(registry.size(), 2000U);
    for (int i = 0; i < 3000; ++i) {
        const Binding* found = registry.find(numbered(i));
        ASSERT_EQ(found != nullptr, i % 3 != 0) << i;
        if (found == nullptr) continue;
        ASSERT_EQ(found->id, numbered(i));
    }
    EXPECT_EQ(registry.find(numbered(3000)), nullptr);
}

TEST_F(RegistryTest, KeepsABindingWhereItIsWhileOthersCome) {
    claim(0);
    const Binding* first = registry.find(numbered(0));
    for (int i = 1; i < 3000; ++i) claim(i);
    EXPECT_EQ(registry.find(numbered(0)), first);
}

TEST_F(RegistryTest, KnowsTheOwnerFromAnyOtherKey) {
    claim(0);
    EXPECT_EQ(registry.standing(numbered(0), key, kToday), Registry::Standing::kPending);
    EXPECT_EQ(registry.standing(numbered(0), other, kToday), Registry::Standing::kTaken);
}

TEST_F(RegistryTest, ListsStoredIdsInTheirOrder) {
    for (const int i : {3, 1, 2}) {
        registry.load({.id = numbered(i), .key = key, .first_seen = kToday, .last_proof = kToday});
    }
    claim(0);
    EXPECT_EQ(registry.stored_ids(), (std::vector{numbered(1), numbered(2), numbered(3)}));
}

}  // namespace
}  // namespace pinhole::rendezvous
