#include "shared/reliable/enet_memory.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

// clang's word for it.
#ifdef __has_feature
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__
#endif
#endif

namespace pinhole::reliable {
namespace {

TEST(EnetMemory, GivesABlockAgainBeforeItAsksTheSystem) {
    EnetMemory memory;
    void* const first = memory.take(100);
    memory.give_back(first);
    EXPECT_EQ(memory.take(100), first);
    EXPECT_EQ(memory.allocations(), 1U);
    void* const second = memory.take(100);
    EXPECT_NE(second, first);
    EXPECT_EQ(memory.allocations(), 2U);
    EXPECT_EQ(memory.in_use(), 2 * EnetMemory::room_for(100));
    memory.give_back(first);
    memory.give_back(second);
    EXPECT_EQ(memory.in_use(), 0U);
}

TEST(EnetMemory, HasRoomForWhatWasAskedAndLittleMore) {
    for (std::size_t size = 0; size <= EnetMemory::kBlockMax; ++size) {
        const std::size_t room = EnetMemory::room_for(size);
        ASSERT_GE(room, size);
        ASSERT_LE(room, std::max<std::size_t>(64, size + size / 4 + 1)) << size;
    }
}

TEST(EnetMemory, BlocksOfAllSizesAreAlignedAndApart) {
    EnetMemory memory;
    std::vector<std::pair<unsigned char*, std::size_t>> blocks;
    for (std::size_t size = 1; size < 2 * EnetMemory::kBlockMax; size = size * 3 / 2 + 1) {
        auto* const block = static_cast<unsigned char*>(memory.take(size));
        ASSERT_NE(block, nullptr);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t), 0U);
        std::memset(block, static_cast<int>(size & 0xff), size);
        blocks.emplace_back(block, size);
    }
    for (const auto& [block, size] : blocks) {
        EXPECT_EQ(block[0], size & 0xff);
        EXPECT_EQ(block[size - 1], size & 0xff);
        memory.give_back(block);
    }
    memory.give_back(nullptr);
}

TEST(EnetMemory, ReturnsToTheSystemWhatABurstNeeded) {
    EnetMemory memory;
    std::vector<void*> blocks;
    for (int i = 0; i < 100; ++i) blocks.push_back(memory.take(std::size_t{64} * 1024));
    for (void* const block : blocks) memory.give_back(block);
    EXPECT_LE(memory.kept(), EnetMemory::kKeptMax);
    EXPECT_GT(memory.kept(), EnetMemory::kKeptMax / 2);
    // What is too large for a list is never kept.
    const std::size_t kept = memory.kept();
    memory.give_back(memory.take(EnetMemory::kBlockMax + 1));
    EXPECT_EQ(memory.kept(), kept);
}

TEST(EnetMemory, AddressSanitizerSeesWhatMayNotBeTouched) {
#ifdef __SANITIZE_ADDRESS__
    EnetMemory memory;
    auto* const block = static_cast<unsigned char*>(memory.take(100));
    EXPECT_FALSE(__asan_address_is_poisoned(block + 99));
    EXPECT_TRUE(__asan_address_is_poisoned(block + 104));
    memory.give_back(block);
    EXPECT_TRUE(__asan_address_is_poisoned(block));
#else
    GTEST_SKIP() << "this build has no AddressSanitizer";
#endif
}

}  // namespace
}  // namespace pinhole::reliable
