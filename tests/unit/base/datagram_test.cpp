#include "shared/base/datagram.hpp"

#include <gtest/gtest.h>

namespace pinhole {
namespace {

Transmit numbered(const FixedBytes<1>& storage) {
    return {.path = {}, .bytes = storage};
}

TEST(TransmitQueue, KeepsOrderWhileItGrowsAndWraps) {
    TransmitQueue queue{100};
    std::uint8_t in = 0;
    std::uint8_t out = 0;
    for (int round = 0; round < 50; ++round) {
        for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(queue.push(numbered({std::byte{in++}})));
        }
        const auto popped = queue.pop();
        ASSERT_TRUE(popped);
        EXPECT_EQ(popped->bytes.front(), std::byte{out++});
        if (queue.size() > 90) {
            while (const auto rest = queue.pop()) EXPECT_EQ(rest->bytes.front(), std::byte{out++});
        }
    }
}

TEST(TransmitQueue, RefusesWhatIsBeyondItsBound) {
    TransmitQueue queue{2};
    EXPECT_TRUE(queue.push(numbered({})));
    EXPECT_TRUE(queue.push(numbered({})));
    EXPECT_FALSE(queue.push(numbered({})));
    EXPECT_EQ(queue.size(), 2U);
}

}  // namespace
}  // namespace pinhole
