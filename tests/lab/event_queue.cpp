#include "tests/lab/event_queue.hpp"

#include <cassert>

namespace pinhole::lab {

void EventQueue::schedule(Instant at, EventTarget& target, std::uint64_t token) {
    heap_.push({std::max(at, now_), scheduled_++, &target, token});
}

bool EventQueue::step(Instant limit) {
    if (heap_.empty() || heap_.top().at > limit) return false;
    const Entry entry = heap_.top();
    heap_.pop();
    now_ = entry.at;
    ++steps_;
    entry.target->handle_event(now_, entry.token);
    return true;
}

void EventQueue::advance_to(Instant at) {
    assert(at >= now_);
    assert(next() >= at);
    now_ = at;
}

}  // namespace pinhole::lab
