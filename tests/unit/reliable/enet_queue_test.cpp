#include "shared/reliable/enet_queue.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace pinhole::reliable {
namespace {

TEST(ReusingQueue, IsFirstInFirstOutAcrossGrowthAndWrapping) {
    ReusingQueue<int> queue;
    int pushed = 0;
    int popped = 0;
    for (int round = 0; round < 200; ++round) {
        for (int i = 0; i < round % 37; ++i) queue.push() = pushed++;
        for (int i = 0; i < round % 29 && !queue.empty(); ++i) EXPECT_EQ(queue.pop(), popped++);
        EXPECT_EQ(queue.size(), static_cast<std::size_t>(pushed - popped));
    }
    while (!queue.empty()) EXPECT_EQ(queue.pop(), popped++);
    EXPECT_EQ(popped, pushed);
}

TEST(ReusingQueue, KeepsTheStorageOfItsElements) {
    ReusingQueue<std::vector<char>> queue;
    queue.push().assign(1000, 'x');
    static_cast<void>(queue.pop());
    std::size_t kept = 0;
    for (int i = 0; i < 16; ++i) {
        std::vector<char>& element = queue.push();
        if (element.capacity() >= 1000) ++kept;
        static_cast<void>(queue.pop());
    }
    EXPECT_EQ(kept, 1U);
}

TEST(ReusingQueue, ErasesByPredicateAndKeepsTheOrderOfTheOthers) {
    ReusingQueue<int> queue;
    for (int i = 0; i < 10; ++i) queue.push() = -1;
    for (int i = 0; i < 10; ++i) static_cast<void>(queue.pop());
    for (int i = 0; i < 12; ++i) queue.push() = i;
    queue.erase_if([](int value) { return value % 3 == 0; });
    std::vector<int> left;
    while (!queue.empty()) left.push_back(queue.pop());
    EXPECT_EQ(left, (std::vector<int>{1, 2, 4, 5, 7, 8, 10, 11}));
}

}  // namespace
}  // namespace pinhole::reliable
