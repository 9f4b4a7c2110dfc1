// Which session a datagram belongs to: receiver index -> owner. Never a source address.
//
// Indexes are random, so a table cannot be walked from outside; it is bounded, and one owner may
// hold several (an epoch each, and one for an attempt under way).
//
// The entries lie in one array, each at the place that its index names or the next free one behind
// it (linear probing). We draw the indexes ourselves, so they spread evenly without a hash, and a
// stranger who wants many of them side by side pays a handshake for each that he throws away.
#pragma once

#include <cassert>
#include <optional>
#include <utility>
#include <vector>

#include "shared/base/random.hpp"
#include "shared/base/tagged.hpp"

namespace pinhole::session {

/// `Owner` is a small value that can be made without arguments.
template <class Owner>
class SessionTable {
  public:
    /// `random` must outlive the table.
    SessionTable(Random& random, std::size_t limit) : random_(random), limit_(limit) {}

    /// A fresh index that leads to `owner`, or nothing when the table is full. Never 0, which
    /// stands for "none" on the wire.
    [[nodiscard]] std::optional<SessionIndex> allocate(const Owner& owner) {
        if (size_ >= limit_) return std::nullopt;
        if (is_crowded()) grow();
        while (true) {
            const SessionIndex index{random_.u32()};
            if (index == kNone || place_of(index)) continue;
            insert({.index = index, .owner = owner});
            ++size_;
            return index;
        }
    }

    void release(SessionIndex index) {
        const auto place = place_of(index);
        if (!place) return;
        close_gap(*place);
        --size_;
    }

    [[nodiscard]] std::optional<Owner> find(SessionIndex index) const {
        const auto place = place_of(index);
        return place ? std::optional{entries_[*place].owner} : std::nullopt;
    }

    /// Lets an index, which must be in use, lead to another owner, when an attempt became a
    /// session.
    void assign(SessionIndex index, const Owner& owner) {
        const auto place = place_of(index);
        assert(place.has_value());
        entries_[*place].owner = owner;
    }

    [[nodiscard]] std::size_t size() const { return size_; }

  private:
    static constexpr SessionIndex kNone{0};
    static constexpr std::size_t kPlacesMin = 16;

    struct Entry {
        SessionIndex index = kNone;
        Owner owner{};
    };

    /// Fuller than three quarters, rows of taken places grow long.
    [[nodiscard]] bool is_crowded() const { return 4 * (size_ + 1) > 3 * entries_.size(); }
    /// The number of places is a power of two.
    [[nodiscard]] std::size_t home_of(SessionIndex index) const {
        return index.value() & (entries_.size() - 1);
    }
    [[nodiscard]] std::size_t after(std::size_t place) const {
        return (place + 1) & (entries_.size() - 1);
    }

    [[nodiscard]] std::optional<std::size_t> place_of(SessionIndex index) const {
        if (index == kNone || entries_.empty()) return std::nullopt;
        // Some place is always free, so the search ends.
        for (std::size_t at = home_of(index); entries_[at].index != kNone; at = after(at)) {
            if (entries_[at].index == index) return at;
        }
        return std::nullopt;
    }

    void insert(const Entry& entry) {
        std::size_t at = home_of(entry.index);
        while (entries_[at].index != kNone) at = after(at);
        entries_[at] = entry;
    }

    /// Frees a place and moves up those behind it that would not be found any more.
    void close_gap(std::size_t gap) {
        for (std::size_t at = after(gap); entries_[at].index != kNone; at = after(at)) {
            // How far the entry is from its home, and the gap from the entry: it may move up to
            // the gap unless its home lies behind it.
            const std::size_t from_home =
                (at - home_of(entries_[at].index)) & (entries_.size() - 1);
            const std::size_t from_gap = (at - gap) & (entries_.size() - 1);
            if (from_home < from_gap) continue;
            entries_[gap] = entries_[at];
            gap = at;
        }
        entries_[gap] = Entry{};
    }

    void grow() {
        const std::size_t places = entries_.empty() ? kPlacesMin : 2 * entries_.size();
        for (const Entry& entry : std::exchange(entries_, std::vector<Entry>(places))) {
            if (entry.index != kNone) insert(entry);
        }
    }

    Random& random_;
    std::size_t limit_;
    std::size_t size_ = 0;
    std::vector<Entry> entries_;
};

}  // namespace pinhole::session
