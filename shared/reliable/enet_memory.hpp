// Where ENet's memory comes from: blocks that it gave back, before the system's.
//
// ENet allocates three to four times for each message at either end, and the system takes large
// blocks back at once only to hand them out again. Here blocks of about one size (a quarter of a
// power of two apart) wait in a list for their next use, `kKeptMax` bytes of them at most; what a
// burst needed beyond that goes back to the system. Not for several threads, as ENet is not.
//
// AddressSanitizer sees the blocks as if each came from malloc and went back there; in other builds
// the two macros for that are nothing.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include <sanitizer/asan_interface.h>

namespace pinhole::reliable {

class EnetMemory {
  public:
    /// Bytes that wait for use at most.
    static constexpr std::size_t kKeptMax = std::size_t{2} << 20U;
    /// Larger blocks are the system's own business.
    static constexpr std::size_t kBlockMax = std::size_t{128} << 10U;

    EnetMemory() = default;
    EnetMemory(const EnetMemory&) = delete;
    EnetMemory& operator=(const EnetMemory&) = delete;
    ~EnetMemory() {
        for (std::size_t i = 0; i < kClasses; ++i) {
            while (Block* const block = pop(i)) std::free(block);
        }
    }

    /// Aligned for everything; null when the system has none.
    [[nodiscard]] void* take(std::size_t size) {
        const bool is_listed = size <= kBlockMax;
        const std::size_t room = is_listed ? room_for(size) : size;
        Block* block = is_listed ? pop(class_of(size)) : nullptr;
        if (block == nullptr) {
            void* const memory = std::malloc(sizeof(Block) + room);
            if (memory == nullptr) return nullptr;
            block = new (memory) Block{.room = room};
            ASAN_POISON_MEMORY_REGION(block + 1, room);
            ++allocations_;
        }
        in_use_ += room;
        ASAN_UNPOISON_MEMORY_REGION(block + 1, size);
        return block + 1;
    }

    /// What `take` returned, or null.
    void give_back(void* memory) {
        if (memory == nullptr) return;
        Block* const block = static_cast<Block*>(memory) - 1;
        in_use_ -= block->room;
        ASAN_POISON_MEMORY_REGION(block + 1, block->room);
        if (block->room > kBlockMax || kept_ + block->room > kKeptMax) return std::free(block);
        kept_ += block->room;
        Block*& first = free_[class_of(block->room)];
        block->next = first;
        first = block;
    }

    /// How often the system was asked.
    [[nodiscard]] std::uint64_t allocations() const { return allocations_; }
    /// Bytes that were taken and not given back.
    [[nodiscard]] std::size_t in_use() const { return in_use_; }
    /// Bytes that wait for use.
    [[nodiscard]] std::size_t kept() const { return kept_; }

    /// The room in a block for `size` bytes, which is at most `kBlockMax`.
    [[nodiscard]] static constexpr std::size_t room_for(std::size_t size) {
        return size_of(class_of(size));
    }

  private:
    static constexpr std::size_t kSmallest = 64;
    static constexpr std::size_t kSmallestBits = 6;

    /// In front of each block.
    struct alignas(std::max_align_t) Block {
        std::size_t room = 0;
        Block* next = nullptr;
    };

    static constexpr std::size_t class_of(std::size_t size) {
        if (size <= kSmallest) return 0;
        const auto bits = static_cast<std::size_t>(std::bit_width(size - 1)) - 1;
        return 1 + (bits - kSmallestBits) * 4 + (((size - 1) >> (bits - 2)) & 3U);
    }
    static constexpr std::size_t size_of(std::size_t index) {
        if (index == 0) return kSmallest;
        const std::size_t bits = kSmallestBits + (index - 1) / 4;
        return (std::size_t{1} << bits) + ((index - 1) % 4 + 1) * (std::size_t{1} << (bits - 2));
    }
    static constexpr std::size_t kClasses = 1 + (17 - kSmallestBits) * 4;

    Block* pop(std::size_t index) {
        Block* const block = free_[index];
        if (block == nullptr) return nullptr;
        free_[index] = block->next;
        kept_ -= block->room;
        return block;
    }

    std::array<Block*, kClasses> free_{};
    std::size_t in_use_ = 0;
    std::size_t kept_ = 0;
    std::uint64_t allocations_ = 0;
};

}  // namespace pinhole::reliable
