#include "shared/traversal/opening.hpp"

namespace pinhole::traversal {

namespace {

constexpr std::array<Duration, 6> kGaps{20ms, 50ms, 100ms, 200ms, 400ms, 800ms};
constexpr Duration kLongestGap = 1s;
constexpr Duration kShortestGap = kGaps.front();

}  // namespace

Duration gap_after_round(unsigned rounds_done) {
    const std::size_t index = rounds_done == 0 ? 0 : rounds_done - 1;
    return index < kGaps.size() ? kGaps[index] : kLongestGap;
}

void CheckSchedule::start(Instant at) {
    next_ = at;
    end_ = at + kChecksFor;
    rounds_ = 0;
}

void CheckSchedule::pull_in(Instant now) {
    // Before round 1 the start is a promise to the other side (`fire_in`).
    if (!is_running() || rounds_ == 0) return;
    next_ = std::min(next_, std::max(now, last_ + kShortestGap));
}

bool CheckSchedule::take_round(Instant now) {
    if (next_ > now) return false;
    ++rounds_;
    last_ = now;
    next_ = now + gap_after_round(rounds_);
    if (next_ >= end_) next_ = kNever;
    return true;
}

bool CheckSchedule::take_end(Instant now) {
    if (end_ > now) return false;
    stop();
    return true;
}

}  // namespace pinhole::traversal
