// Which session a datagram belongs to: receiver index -> owner. Never a source address.
//
// Indexes look random, so a table cannot be walked from outside; it is bounded, and one owner may
// hold several (an epoch each, and one for an attempt under way).
//
// An index is drawn at random and then tells where its entry lies: nothing is searched, and the
// table grows at its end, without a moment at which all entries move.
//
//     31            place bits   0
//     | drawn           | place |      the place moved round by a keyed hash of what was drawn
#pragma once

#include <bit>
#include <cassert>
#include <optional>

#include "shared/base/random.hpp"
#include "shared/base/segments.hpp"
#include "shared/base/tagged.hpp"

namespace pinhole::session {

/// `Owner` is a small value that can be made without arguments.
template <class Owner>
class SessionTable {
  public:
    /// `random` must outlive the table. `limit` is at most 2^24, so that something is left to draw.
    SessionTable(Random& random, std::size_t limit)
        : random_(random),
          limit_(limit),
          place_mask_((std::uint32_t{1} << std::bit_width(limit - 1)) - 1),
          key_(random.u64()) {
        assert(limit > 0 && limit <= std::size_t{1} << 24U);
    }

    /// A fresh index that leads to `owner`, or nothing when the table is full. Never 0, which
    /// stands for "none" on the wire.
    [[nodiscard]] std::optional<SessionIndex> allocate(const Owner& owner) {
        if (size() >= limit_) return std::nullopt;
        const std::uint32_t place =
            free_.empty() ? static_cast<std::uint32_t>(entries_.size()) : free_.take_back();
        if (place == entries_.size()) entries_.push_back({});
        SessionIndex index = kNone;
        while (index == kNone) index = index_of(random_.u32() & ~place_mask_, place);
        entries_[place] = {.index = index, .owner = owner};
        return index;
    }

    void release(SessionIndex index) {
        const auto place = place_of(index);
        if (!place) return;
        entries_[*place] = {};
        free_.push_back(*place);
    }

    [[nodiscard]] std::optional<Owner> find(SessionIndex index) const {
        const auto place = place_of(index);
        return place ? std::optional{entries_[*place].owner} : std::nullopt;
    }

    /// `find` will follow: memory may begin to answer. Changes nothing, whatever the index is.
    void foresee(SessionIndex index) const {
        const std::uint32_t place = place_named_by(index);
        if (place < entries_.size()) __builtin_prefetch(&entries_[place]);
    }

    /// Lets an index, which must be in use, lead to another owner, when an attempt became a
    /// session.
    void assign(SessionIndex index, const Owner& owner) {
        const auto place = place_of(index);
        assert(place.has_value());
        entries_[*place].owner = owner;
    }

    [[nodiscard]] std::size_t size() const { return entries_.size() - free_.size(); }

  private:
    static constexpr SessionIndex kNone{0};

    struct Entry {
        SessionIndex index = kNone;
        Owner owner{};
    };

    [[nodiscard]] SessionIndex index_of(std::uint32_t drawn, std::uint32_t place) const {
        return SessionIndex{drawn | ((place + turn_of(drawn)) & place_mask_)};
    }
    [[nodiscard]] std::uint32_t place_named_by(SessionIndex index) const {
        return (index.value() - turn_of(index.value() & ~place_mask_)) & place_mask_;
    }
    /// The place of an index that is in use.
    [[nodiscard]] std::optional<std::uint32_t> place_of(SessionIndex index) const {
        const std::uint32_t place = place_named_by(index);
        const bool is_used =
            index != kNone && place < entries_.size() && entries_[place].index == index;
        return is_used ? std::optional{place} : std::nullopt;
    }
    /// How far the place is moved round: without the key, neighbours cannot be told.
    [[nodiscard]] std::uint32_t turn_of(std::uint32_t drawn) const {
        // The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
        std::uint64_t mixed = key_ ^ (std::uint64_t{drawn} * 0x9E3779B97F4A7C15U);
        mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
        return static_cast<std::uint32_t>(mixed >> 32U);
    }

    Random& random_;
    std::size_t limit_;
    std::uint32_t place_mask_;
    std::uint64_t key_;
    Segments<Entry, 512> entries_;
    /// Places to use again.
    Segments<std::uint32_t, 512> free_;
};

}  // namespace pinhole::session
