// A first-in-first-out ring that reuses its elements: once grown to its working size it allocates
// no more, and an element with storage of its own (a byte vector) keeps that storage.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <utility>
#include <vector>

namespace pinhole::reliable {

template <class T>
class ReusingQueue {
  public:
    /// The next element at the end, holding whatever it held when it was last popped. The reference
    /// is valid until the next `push`.
    T& push() {
        if (count_ == ring_.size()) grow();
        return ring_[(head_ + count_++) % ring_.size()];
    }

    /// The oldest element, which leaves the queue; valid until the next `push`. Must not be empty.
    T& pop() {
        assert(count_ > 0);
        T& oldest = ring_[head_];
        head_ = (head_ + 1) % ring_.size();
        --count_;
        return oldest;
    }

    /// The element `position` places behind the oldest; valid until the next `push`.
    [[nodiscard]] T& operator[](std::size_t position) {
        assert(position < count_);
        return ring_[(head_ + position) % ring_.size()];
    }
    [[nodiscard]] const T& operator[](std::size_t position) const {
        assert(position < count_);
        return ring_[(head_ + position) % ring_.size()];
    }

    void clear() {
        head_ = 0;
        count_ = 0;
    }

    /// Removes the elements for which `predicate` holds; the others keep their order.
    template <class Predicate>
    void erase_if(Predicate predicate) {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < count_; ++i) {
            T& candidate = ring_[(head_ + i) % ring_.size()];
            if (predicate(candidate)) continue;
            if (kept != i) std::swap(ring_[(head_ + kept) % ring_.size()], candidate);
            ++kept;
        }
        count_ = kept;
    }

    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] std::size_t size() const { return count_; }

  private:
    void grow() {
        std::vector<T> larger(std::max<std::size_t>(16, ring_.size() * 2));
        for (std::size_t i = 0; i < count_; ++i) {
            larger[i] = std::move(ring_[(head_ + i) % ring_.size()]);
        }
        ring_ = std::move(larger);
        head_ = 0;
    }

    std::vector<T> ring_;
    std::size_t head_ = 0;
    std::size_t count_ = 0;
};

}  // namespace pinhole::reliable
