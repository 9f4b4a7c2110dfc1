// Which session a datagram belongs to: receiver index -> owner. Never a source address.
//
// Indexes are random, so a table cannot be walked from outside; it is bounded, and one owner may
// hold several (an epoch each, and one for an attempt under way).
#pragma once

#include <optional>
#include <unordered_map>

#include "shared/base/random.hpp"
#include "shared/base/tagged.hpp"

namespace pinhole::session {

template <class Owner>
class SessionTable {
  public:
    /// `random` must outlive the table.
    SessionTable(Random& random, std::size_t limit) : random_(random), limit_(limit) {}

    /// A fresh index that leads to `owner`, or nothing when the table is full. Never 0, which
    /// stands for "none" on the wire.
    [[nodiscard]] std::optional<SessionIndex> allocate(const Owner& owner) {
        if (owners_.size() >= limit_) return std::nullopt;
        while (true) {
            const SessionIndex index{random_.u32()};
            if (index.value() != 0 && owners_.try_emplace(index, owner).second) return index;
        }
    }

    void release(SessionIndex index) { owners_.erase(index); }

    [[nodiscard]] std::optional<Owner> find(SessionIndex index) const {
        const auto found = owners_.find(index);
        return found == owners_.end() ? std::nullopt : std::optional{found->second};
    }

    /// Lets an index lead to another owner, when an attempt became a session.
    void assign(SessionIndex index, const Owner& owner) { owners_.at(index) = owner; }

    [[nodiscard]] std::size_t size() const { return owners_.size(); }

  private:
    Random& random_;
    std::size_t limit_;
    std::unordered_map<SessionIndex, Owner> owners_;
};

}  // namespace pinhole::session
