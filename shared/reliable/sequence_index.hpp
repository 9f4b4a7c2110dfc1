// Finds by channel and sequence number what is remembered of a reliable command.
//
// Sequence numbers of a channel are consecutive and ENet has at most half of them under way, so a
// ring a channel suffices, as large as the span in use ever was: no hashing, and no allocation once
// it has grown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace pinhole::reliable {

/// A reliable command's name: channels count apart.
struct CommandKey {
    std::uint8_t channel = 0;
    std::uint16_t sequence = 0;

    friend bool operator==(const CommandKey&, const CommandKey&) = default;
};

class SequenceIndex {
  public:
    /// What `find` answers for a key that is not in it.
    static constexpr std::uint64_t kNone = ~std::uint64_t{0};

    [[nodiscard]] std::uint64_t find(CommandKey key) const {
        if (key.channel >= rings_.size()) return kNone;
        const Ring& ring = rings_[key.channel];
        if (ring.empty()) return kNone;
        const Entry& entry = ring[key.sequence & (ring.size() - 1)];
        return entry.sequence == key.sequence ? entry.value : kNone;
    }

    /// Adds the key or replaces its value.
    void set(CommandKey key, std::uint64_t value) {
        if (key.channel >= rings_.size()) rings_.resize(key.channel + std::size_t{1});
        Ring& ring = rings_[key.channel];
        if (ring.empty()) ring.resize(kSmallest);
        // Two live numbers in one place: the ring is shorter than the span. It never exceeds all
        // 2^16 numbers, where no two meet.
        while (is_taken_by_another(ring, key.sequence)) grow(ring);
        ring[key.sequence & (ring.size() - 1)] = {.value = value, .sequence = key.sequence};
    }

    void erase(CommandKey key) {
        if (find(key) == kNone) return;
        Ring& ring = rings_[key.channel];
        ring[key.sequence & (ring.size() - 1)] = {};
    }

    void clear() { rings_.clear(); }

  private:
    static constexpr std::size_t kSmallest = 16;

    struct Entry {
        std::uint64_t value = kNone;
        std::uint16_t sequence = 0;
    };
    using Ring = std::vector<Entry>;

    [[nodiscard]] static bool is_taken_by_another(const Ring& ring, std::uint16_t sequence) {
        const Entry& entry = ring[sequence & (ring.size() - 1)];
        return entry.value != kNone && entry.sequence != sequence;
    }

    static void grow(Ring& ring) {
        Ring larger(ring.size() * 2);
        for (const Entry& entry : ring) {
            if (entry.value != kNone) larger[entry.sequence & (larger.size() - 1)] = entry;
        }
        ring = std::move(larger);
    }

    std::vector<Ring> rings_;
};

}  // namespace pinhole::reliable
