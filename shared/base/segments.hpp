// A long array that grows at its end without ever moving: no element is copied when it grows, and
// no moment needs memory for two of it.
//
// Blocks are given back when the array shrinks. Elements are small values.
#pragma once

#include <cassert>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <vector>

namespace pinhole {

template <class T, std::size_t kPerBlock>
class Segments {
    static_assert(std::is_trivially_copyable_v<T>);

  public:
    [[nodiscard]] T& operator[](std::size_t at) {
        assert(at < size_);
        return blocks_[at / kPerBlock][at % kPerBlock];
    }
    [[nodiscard]] const T& operator[](std::size_t at) const {
        assert(at < size_);
        return blocks_[at / kPerBlock][at % kPerBlock];
    }

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }

    void push_back(const T& value) {
        // Not zeroed: what nobody came to yet costs no memory.
        if (size_ == blocks_.size() * kPerBlock) {
            blocks_.push_back(std::make_unique_for_overwrite<T[]>(kPerBlock));
        }
        ++size_;
        (*this)[size_ - 1] = value;
    }

    /// Must not be empty.
    [[nodiscard]] T take_back() {
        assert(!empty());
        const T out = (*this)[size_ - 1];
        --size_;
        // One empty block stays: an array that goes up and down there need not allocate.
        if (blocks_.size() * kPerBlock >= size_ + 2 * kPerBlock) blocks_.pop_back();
        return out;
    }

  private:
    std::vector<std::unique_ptr<T[]>> blocks_;
    std::size_t size_ = 0;
};

}  // namespace pinhole
