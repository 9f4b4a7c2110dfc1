// Very many things of one kind, in places that have numbers: no node, no hash, no header each.
//
// Things stay where they are while they live, in blocks that are never given back: a server that
// had a million of them will have them again. A number is used again after its thing died; who
// keeps one longer than that needs another way to tell.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "shared/base/segments.hpp"

namespace pinhole::rendezvous {

template <class T>
class Slab {
  public:
    using Slot = std::uint32_t;

    Slab() = default;
    ~Slab() {
        for_each([](Slot /*slot*/, T& thing) { std::destroy_at(&thing); });
    }
    Slab(const Slab&) = delete;
    Slab& operator=(const Slab&) = delete;

    /// Makes a `T{args...}` in the place that was left last, or a new one, and says which.
    template <class... Args>
    [[nodiscard]] Slot emplace(Args&&... args) {
        if (free_.empty()) add_block_if_full();
        const bool is_new = free_.empty();
        const Slot slot = is_new ? static_cast<Slot>(is_live_.size()) : free_.take_back();
        ::new (static_cast<void*>(room_of(slot))) T{std::forward<Args>(args)...};
        if (is_new) is_live_.push_back(false);
        is_live_[slot] = true;
        return slot;
    }

    /// `slot` must hold something.
    void erase(Slot slot) {
        assert(is_live(slot));
        std::destroy_at(&thing_at(slot));
        is_live_[slot] = false;
        free_.push_back(slot);
    }

    /// `slot` must hold something.
    [[nodiscard]] T& operator[](Slot slot) { return thing_at(slot); }
    [[nodiscard]] const T& operator[](Slot slot) const { return thing_at(slot); }

    [[nodiscard]] bool is_live(Slot slot) const { return slot < is_live_.size() && is_live_[slot]; }
    [[nodiscard]] std::size_t size() const { return is_live_.size() - free_.size(); }
    /// Slots are smaller than this.
    [[nodiscard]] Slot end() const { return static_cast<Slot>(is_live_.size()); }

    /// Calls `visit(slot, thing)` for each, in the order of their numbers.
    template <class Visit>
    void for_each(Visit visit) {
        for (Slot slot = 0; slot < is_live_.size(); ++slot) {
            if (is_live_[slot]) visit(slot, thing_at(slot));
        }
    }
    template <class Visit>
    void for_each(Visit visit) const {
        for (Slot slot = 0; slot < is_live_.size(); ++slot) {
            if (is_live_[slot]) visit(slot, thing_at(slot));
        }
    }

  private:
    static constexpr std::size_t kBlockSlots = 4096;
    struct Room {
        alignas(T) std::byte bytes[sizeof(T)];
    };

    void add_block_if_full() {
        if (is_live_.size() < blocks_.size() * kBlockSlots) return;
        // Not zeroed: a place that nobody came to yet costs no memory.
        blocks_.push_back(std::make_unique_for_overwrite<Room[]>(kBlockSlots));
    }
    [[nodiscard]] std::byte* room_of(Slot slot) const {
        return blocks_[slot / kBlockSlots][slot % kBlockSlots].bytes;
    }
    [[nodiscard]] T& thing_at(Slot slot) const {
        return *std::launder(reinterpret_cast<T*>(room_of(slot)));
    }

    std::vector<std::unique_ptr<Room[]>> blocks_;
    std::vector<bool> is_live_;
    /// Places to use again, the last one first: it is the warmest.
    Segments<Slot, 1024> free_;
};

}  // namespace pinhole::rendezvous
