#include "shared/wire/kind.hpp"

#include <gtest/gtest.h>

namespace pinhole::wire {
namespace {

TEST(Kind, IsWhatTheFirstByteSaysFrom4To11) {
    for (unsigned first = 4; first <= 11; ++first) {
        const FixedBytes<2> datagram{static_cast<std::byte>(first), std::byte{kVersion}};
        const auto kind = classify(datagram);
        ASSERT_TRUE(kind.has_value());
        EXPECT_EQ(static_cast<unsigned>(*kind), first);
        EXPECT_FALSE(is_stun(datagram));
    }
}

TEST(Kind, LeavesEveryOtherFirstByteToOthers) {
    for (unsigned first = 0; first < 256; ++first) {
        if (first >= 4 && first <= 11) continue;
        const FixedBytes<2> datagram{static_cast<std::byte>(first), std::byte{kVersion}};
        const auto kind = classify(datagram);
        ASSERT_FALSE(kind.has_value());
        EXPECT_EQ(kind.error(), Drop::kUnknownKind);
        EXPECT_EQ(is_stun(datagram), first <= 3);
    }
}

TEST(Kind, RefusesAnotherVersion) {
    for (unsigned version = 0; version < 256; ++version) {
        if (version == kVersion) continue;
        const FixedBytes<2> datagram{std::byte{8}, static_cast<std::byte>(version)};
        const auto kind = classify(datagram);
        ASSERT_FALSE(kind.has_value());
        EXPECT_EQ(kind.error(), Drop::kUnknownVersion);
    }
}

TEST(Kind, NeedsTwoBytes) {
    const FixedBytes<1> one{std::byte{8}};
    EXPECT_EQ(classify({}).error(), Drop::kRunt);
    EXPECT_EQ(classify(one).error(), Drop::kRunt);
    EXPECT_FALSE(is_stun({}));
}

}  // namespace
}  // namespace pinhole::wire
