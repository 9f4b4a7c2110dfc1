// A repetition that slows down: 50, 100, 200 ms ... up to a cap.
#pragma once

#include <algorithm>

#include "shared/base/time.hpp"

namespace pinhole::node {

class Backoff {
  public:
    constexpr Backoff(Duration first, Duration cap) : first_(first), cap_(cap), next_(first) {}

    /// Begins anew: due at `at`, and then after the gaps.
    void start(Instant at) {
        next_ = first_;
        at_ = at;
    }

    void stop() { at_ = kNever; }

    /// True when it is time; the next time is then set.
    [[nodiscard]] bool take_due(Instant now) {
        if (now < at_) return false;
        at_ = now + next_;
        next_ = std::min(next_ * 2, cap_);
        return true;
    }

    [[nodiscard]] bool is_running() const { return at_ != kNever; }
    [[nodiscard]] Instant at() const { return at_; }

  private:
    Duration first_;
    Duration cap_;
    Duration next_;
    Instant at_ = kNever;
};

}  // namespace pinhole::node
