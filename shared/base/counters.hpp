// Counters of what happened to datagrams. Hostile input shows here and nowhere else.
#pragma once

#include <array>
#include <cstdint>

#include "shared/base/result.hpp"

namespace pinhole {

/// One counter for each member of `Enum`, whose last member must be `kCount`.
template <class Enum>
class Counters {
  public:
    void add(Enum what, std::uint64_t amount = 1) { at_[index(what)] += amount; }
    [[nodiscard]] std::uint64_t operator[](Enum what) const { return at_[index(what)]; }

    [[nodiscard]] std::uint64_t total() const {
        std::uint64_t sum = 0;
        for (const std::uint64_t value : at_) sum += value;
        return sum;
    }

    friend bool operator==(const Counters&, const Counters&) = default;

  private:
    static constexpr std::size_t index(Enum what) { return static_cast<std::size_t>(what); }
    std::array<std::uint64_t, static_cast<std::size_t>(Enum::kCount)> at_{};
};

using DropCounters = Counters<Drop>;

/// Datagrams and bytes of one direction.
struct Traffic {
    std::uint64_t datagrams = 0;
    std::uint64_t bytes = 0;

    /// `count` datagrams of `size` bytes together.
    void add(std::size_t size, std::size_t count = 1) {
        datagrams += count;
        bytes += size;
    }

    friend bool operator==(const Traffic&, const Traffic&) = default;
};

}  // namespace pinhole
