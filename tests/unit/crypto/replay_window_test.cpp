#include "shared/crypto/replay_window.hpp"

#include <set>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::crypto {
namespace {

template <class Window>
bool take(Window& window, std::uint64_t counter) {
    if (!window.would_accept(counter)) return false;
    window.mark(counter);
    return true;
}

template <class Window>
class ReplayWindowOf : public testing::Test {
  protected:
    Window window_;

    bool take(std::uint64_t counter) { return crypto::take(window_, counter); }
};

using Windows = testing::Types<PeerReplayWindow, ServerReplayWindow, ReplayWindow<64>>;
TYPED_TEST_SUITE(ReplayWindowOf, Windows);

TYPED_TEST(ReplayWindowOf, AcceptsEachCounterOnceInAnyOrder) {
    for (const std::uint64_t counter : {0U, 1U, 9U, 8U, 7U, 3U}) {
        EXPECT_TRUE(this->take(counter)) << counter;
        EXPECT_FALSE(this->take(counter)) << counter;
    }
}

TYPED_TEST(ReplayWindowOf, AskingChangesNothing) {
    EXPECT_TRUE(this->window_.would_accept(1'000'000));
    EXPECT_TRUE(this->window_.would_accept(1'000'000));
    EXPECT_TRUE(this->take(0));
}

// The boundaries that WireGuard's public self-test looks at, for its window of 8128 and ours.
TYPED_TEST(ReplayWindowOf, HasTheBoundariesOfWireGuardsSelfTest) {
    constexpr std::uint64_t kLimit = TypeParam::kReach + 1;
    EXPECT_TRUE(this->take(0));
    EXPECT_TRUE(this->take(1));
    EXPECT_TRUE(this->take(kLimit));
    EXPECT_TRUE(this->take(kLimit - 1));
    EXPECT_FALSE(this->take(kLimit - 1));
    EXPECT_TRUE(this->take(kLimit - 2));
    EXPECT_TRUE(this->take(2));
    EXPECT_FALSE(this->take(2));
    EXPECT_TRUE(this->take(kLimit + 16));
    EXPECT_FALSE(this->take(3));
    EXPECT_FALSE(this->take(kLimit + 16));
    EXPECT_TRUE(this->take(kLimit * 4));
    EXPECT_TRUE(this->take(kLimit * 4 - (kLimit - 1)));
    EXPECT_FALSE(this->take(10));
    EXPECT_FALSE(this->take(kLimit * 4 - kLimit));
    EXPECT_FALSE(this->take(kLimit * 4 - (kLimit + 1)));
    EXPECT_TRUE(this->take(kLimit * 4 - (kLimit - 2)));
    EXPECT_FALSE(this->take(kLimit * 4 + 1 - kLimit));
    EXPECT_FALSE(this->take(0));
}

TYPED_TEST(ReplayWindowOf, FillsUpwardsAndThenRefusesAll) {
    constexpr std::uint64_t kBits = TypeParam::kReach;
    for (std::uint64_t i = 1; i <= kBits; ++i) EXPECT_TRUE(this->take(i)) << i;
    EXPECT_TRUE(this->take(0));
    for (std::uint64_t i = 0; i <= kBits; ++i) EXPECT_FALSE(this->take(i)) << i;
}

TYPED_TEST(ReplayWindowOf, FillsDownwardsAsFarAsItReaches) {
    constexpr std::uint64_t kBits = TypeParam::kReach;
    for (std::uint64_t i = kBits + 1; i > 0; --i) EXPECT_TRUE(this->take(i)) << i;
    EXPECT_FALSE(this->take(0));
}

TYPED_TEST(ReplayWindowOf, ForgetsNothingWithinReachAfterAJump) {
    constexpr std::uint64_t kBits = TypeParam::kReach;
    ASSERT_TRUE(this->take(5));
    ASSERT_TRUE(this->take(5 + kBits));
    EXPECT_FALSE(this->take(5));
    EXPECT_TRUE(this->take(6));
    ASSERT_TRUE(this->take(1000 * kBits));
    for (std::uint64_t behind = 1; behind <= kBits; ++behind) {
        ASSERT_TRUE(this->take(1000 * kBits - behind)) << behind;
    }
    EXPECT_FALSE(this->take(1000 * kBits - kBits - 1));
}

TYPED_TEST(ReplayWindowOf, NeverAcceptsTheReservedCounter) {
    constexpr std::uint64_t kReserved = std::numeric_limits<std::uint64_t>::max();
    EXPECT_FALSE(this->take(kReserved));
    EXPECT_TRUE(this->take(kReserved - 1));
    EXPECT_FALSE(this->take(kReserved - 1));
    EXPECT_TRUE(this->take(kReserved - 2));
    EXPECT_FALSE(this->take(kReserved));
}

/// The rule in its plainest form, with memory of everything.
class Model {
  public:
    explicit Model(std::uint64_t bits) : bits_(bits) {}

    bool take(std::uint64_t counter) {
        if (!seen_.empty() && counter + bits_ < *seen_.rbegin()) return false;
        return seen_.insert(counter).second;
    }
    [[nodiscard]] std::uint64_t greatest() const { return seen_.empty() ? 0 : *seen_.rbegin(); }

  private:
    std::uint64_t bits_;
    std::set<std::uint64_t> seen_;
};

/// A counter near the greatest, mostly behind it, now and then far ahead or on the edge.
std::uint64_t next_counter(Random& random, std::uint64_t greatest, std::uint64_t bits) {
    switch (random.below(16)) {
        case 0: return greatest + random.below(4 * bits);
        case 1: return greatest + bits + random.below(3);
        case 2: return greatest - std::min(greatest, bits - 1 + random.below(3));
        case 3:
        case 4:
        case 5: return greatest + random.below(70);
        default: return greatest - std::min(greatest, random.below(bits + 70));
    }
}

TYPED_TEST(ReplayWindowOf, AgreesWithAModelInRandomOrder) {
    constexpr std::uint64_t kBits = TypeParam::kReach;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        pinhole::test::SeededRandom random{seed};
        TypeParam window;
        Model model{kBits};
        for (int step = 0; step < 5000; ++step) {
            const std::uint64_t counter = next_counter(random, model.greatest(), kBits);
            ASSERT_EQ(take(window, counter), model.take(counter))
                << "seed " << seed << ", step " << step << ", counter " << counter << ", greatest "
                << model.greatest();
        }
    }
}

}  // namespace
}  // namespace pinhole::crypto
