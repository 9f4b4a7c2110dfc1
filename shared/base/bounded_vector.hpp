// A list with inline storage and a bound that belongs to its type: hostile counts cannot grow it.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <initializer_list>

namespace pinhole {

/// Up to `Capacity` values in order, never on the heap.
template <class T, std::size_t Capacity>
class BoundedVector {
  public:
    BoundedVector() = default;
    BoundedVector(std::initializer_list<T> values) {
        for (const T& value : values) {
            const bool fits = push_back(value);
            assert(fits);
        }
    }

    /// False, and nothing added, when the list is full.
    bool push_back(const T& value) {
        if (size_ == Capacity) return false;
        values_[size_++] = value;
        return true;
    }

    void clear() { size_ = 0; }

    /// Drops the last value, which must exist.
    void pop_back() {
        assert(size_ > 0);
        --size_;
    }

    [[nodiscard]] static constexpr std::size_t capacity() { return Capacity; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] bool full() const { return size_ == Capacity; }
    [[nodiscard]] const T& operator[](std::size_t i) const { return values_[i]; }
    [[nodiscard]] T& operator[](std::size_t i) { return values_[i]; }
    [[nodiscard]] const T* begin() const { return values_.data(); }
    [[nodiscard]] const T* end() const { return values_.data() + size_; }
    [[nodiscard]] T* begin() { return values_.data(); }
    [[nodiscard]] T* end() { return values_.data() + size_; }

    friend bool operator==(const BoundedVector& a, const BoundedVector& b) {
        if (a.size_ != b.size_) return false;
        for (std::size_t i = 0; i < a.size_; ++i) {
            if (!(a.values_[i] == b.values_[i])) return false;
        }
        return true;
    }

  private:
    std::array<T, Capacity> values_{};
    std::size_t size_ = 0;
};

}  // namespace pinhole
