// Deadlines of very many things that mostly move later: a heap that looks twice.
//
// Each thing has at most one entry that counts; a deadline that moves later costs nothing until
// the old one comes up, and the owner then says the new one. Entries that no longer count are
// skipped. The owner keeps the `Alarm` of each thing.
#pragma once

#include <optional>
#include <queue>
#include <vector>

#include "shared/base/time.hpp"

namespace pinhole::rendezvous {

/// When the entry that counts comes up. Kept beside the thing it belongs to.
struct Alarm {
    Instant at = kNever;
};

template <class Name>
class DeadlineQueue {
  public:
    struct Due {
        Instant at;
        Name name;
    };

    /// Wakes for `name` at `at` or before.
    void arm(Name name, Alarm& alarm, Instant at) {
        if (at >= alarm.at) return;  // an earlier look is coming, and will look again
        alarm.at = at;
        heap_.push({at, name});
    }

    /// The earliest entry that came up, if any. The caller compares `Due::at` with the thing's
    /// alarm: another instant means that the entry no longer counts; else it resets the alarm.
    [[nodiscard]] std::optional<Due> take(Instant now) {
        if (heap_.empty() || heap_.top().at > now) return std::nullopt;
        const Due due = heap_.top();
        heap_.pop();
        return due;
    }

    /// The earliest entry, whether it still counts or not.
    [[nodiscard]] Instant next() const { return heap_.empty() ? kNever : heap_.top().at; }

  private:
    struct Later {
        bool operator()(const Due& a, const Due& b) const { return a.at > b.at; }
    };
    std::priority_queue<Due, std::vector<Due>, Later> heap_;
};

}  // namespace pinhole::rendezvous
