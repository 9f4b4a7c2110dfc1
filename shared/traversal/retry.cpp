#include "shared/traversal/retry.hpp"

#include <algorithm>
#include <array>

namespace pinhole::traversal {

namespace {

constexpr std::array<Duration, 4> kLadder{5s, 15s, 30s, 60s};
constexpr Duration kThenEvery = 60s;

}  // namespace

void Retry::arm(Instant now) {
    if (next_ != kNever) return;
    start_ = now;
    step_ = 0;
    next_ = now + kLadder.front();
}

void Retry::at_once(Instant now) {
    start_ = now;
    step_ = 0;
    next_ = last_ ? std::max(now, *last_ + kRetrySpacing) : now;
    is_extra_ = true;
}

bool Retry::take_due(Instant now) {
    if (next_ > now) return false;
    last_ = now;
    if (is_extra_) {
        is_extra_ = false;
    } else {
        ++step_;
    }
    next_ = step_ < kLadder.size() ? start_ + kLadder[step_] : now + kThenEvery;
    next_ = std::max(next_, now + kRetrySpacing);
    return true;
}

}  // namespace pinhole::traversal
