#include "shared/crypto/sodium.hpp"

#include <concepts>
#include <memory>
#include <type_traits>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::crypto {
namespace {

using Secret = SecretBytes<32>;

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);
static_assert(!std::equality_comparable<Secret>);
static_assert(!fmt::is_formattable<Secret>::value);

bool is_all_zero(Bytes bytes) {
    return std::ranges::all_of(bytes, [](std::byte octet) { return octet == std::byte{0}; });
}

TEST(SecretBytes, StartsAsZeros) {
    EXPECT_TRUE(is_all_zero(Secret{}.bytes()));
}

TEST(SecretBytes, CloneIsEqualAndIndependent) {
    pinhole::test::SeededRandom random{1};
    Secret secret = Secret::random(random);
    const Secret copy = secret.clone();
    EXPECT_TRUE(same_bytes(secret.bytes(), copy.bytes()));
    secret.mutable_bytes()[0] ^= std::byte{1};
    EXPECT_FALSE(same_bytes(secret.bytes(), copy.bytes()));
}

TEST(SecretBytes, IsWipedWhenMovedFrom) {
    pinhole::test::SeededRandom random{2};
    Secret first = Secret::random(random);
    const Secret expected = first.clone();
    Secret second{std::move(first)};
    EXPECT_TRUE(is_all_zero(first.bytes()));  // NOLINT(bugprone-use-after-move): what is tested
    Secret third;
    third = std::move(second);
    EXPECT_TRUE(is_all_zero(second.bytes()));  // NOLINT(bugprone-use-after-move)
    EXPECT_TRUE(same_bytes(third.bytes(), expected.bytes()));
}

TEST(SecretBytes, SurvivesMoveToItself) {
    pinhole::test::SeededRandom random{3};
    Secret secret = Secret::random(random);
    const Secret expected = secret.clone();
    Secret& same = secret;
    secret = std::move(same);
    EXPECT_TRUE(same_bytes(secret.bytes(), expected.bytes()));
}

/// Outlives the secret in it, so that a test can look at what the destructor left.
union Grave {
    Grave() : raw{} {}
    ~Grave() {}
    Secret secret;
    volatile unsigned char raw[sizeof(Secret)];
};

TEST(SecretBytes, IsWipedWhenItDies) {
    pinhole::test::SeededRandom random{4};
    Grave grave;
    std::construct_at(&grave.secret, Secret::random(random));
    ASSERT_FALSE(is_all_zero(grave.secret.bytes()));
    std::destroy_at(&grave.secret);
    unsigned leftover = 0;
    for (const volatile unsigned char& octet : grave.raw) leftover |= octet;
    EXPECT_EQ(leftover, 0U);
}

TEST(ConstantTimeCompare, TellsContentAndLength) {
    const FixedBytes<3> a{std::byte{1}, std::byte{2}, std::byte{3}};
    FixedBytes<3> b = a;
    EXPECT_TRUE(equal_in_constant_time(a, b));
    EXPECT_FALSE(equal_in_constant_time(a, Bytes{b}.first(2)));
    b[2] = std::byte{4};
    EXPECT_FALSE(equal_in_constant_time(a, b));
    EXPECT_TRUE(equal_in_constant_time({}, {}));
}

TEST(SystemRandom, FillsEverythingAndNeverRepeats) {
    initialize();
    SystemRandom random;
    const auto first = random.bytes<64>();
    const auto second = random.bytes<64>();
    EXPECT_FALSE(same_bytes(Bytes{first}.first(16), Bytes{second}.first(16)));
    EXPECT_FALSE(same_bytes(Bytes{first}.last(16), Bytes{second}.last(16)));
}

}  // namespace
}  // namespace pinhole::crypto
