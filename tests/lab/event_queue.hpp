// Virtual time: a queue of wake-ups that runs in order of time and, at equal times, in order of
// scheduling. Same calls, same order, on every machine.
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "shared/base/time.hpp"

namespace pinhole::lab {

/// Somebody who can be woken. Must outlive the events that name it.
class EventTarget {
  public:
    EventTarget() = default;
    EventTarget(const EventTarget&) = delete;
    EventTarget& operator=(const EventTarget&) = delete;
    virtual ~EventTarget() = default;

    /// The time that was asked for has come; `token` is what `schedule` was given.
    virtual void handle_event(Instant now, std::uint64_t token) = 0;
};

class EventQueue {
  public:
    /// Wakes `target` at `at`, or now if that has passed.
    void schedule(Instant at, EventTarget& target, std::uint64_t token);

    /// Runs the earliest event, unless it lies beyond `limit`. False when there is none to run.
    bool step(Instant limit);

    /// Lets time pass to `at` without running anything; no event may lie before it.
    void advance_to(Instant at);

    [[nodiscard]] Instant now() const { return now_; }
    [[nodiscard]] Instant next() const { return heap_.empty() ? kNever : heap_.top().at; }
    /// Events run so far.
    [[nodiscard]] std::uint64_t steps() const { return steps_; }

  private:
    struct Entry {
        Instant at;
        std::uint64_t order;
        EventTarget* target;
        std::uint64_t token;
    };
    struct Later {
        bool operator()(const Entry& a, const Entry& b) const {
            return a.at != b.at ? a.at > b.at : a.order > b.order;
        }
    };

    std::priority_queue<Entry, std::vector<Entry>, Later> heap_;
    Instant now_{};
    std::uint64_t scheduled_ = 0;
    std::uint64_t steps_ = 0;
};

}  // namespace pinhole::lab
