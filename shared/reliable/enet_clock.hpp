// ENet's 32-bit millisecond clock, derived from the instants that the caller passes in.
//
// It advances by at most one second per call. A machine that slept for an hour then looks to ENet
// like one that was busy for a second, and no retransmission timer or average is buried by it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "shared/base/time.hpp"

namespace pinhole::reliable {

class EnetClock {
  public:
    /// The longest step that ENet sees.
    static constexpr Duration kStepMax = 1s;

    /// Moves on to `now`; an instant before the last one leaves the clock where it is.
    void advance(Instant now) {
        if (started_) elapsed_ += std::clamp(now - now_, Duration{0}, Duration{kStepMax});
        now_ = started_ ? std::max(now_, now) : now;
        started_ = true;
    }

    /// What ENet reads. Never 0, which ENet takes for "not yet" in several fields; it wraps after
    /// 49 days, as ENet expects.
    [[nodiscard]] std::uint32_t milliseconds() const {
        const auto count = static_cast<std::uint32_t>(elapsed_ / 1ms) + 1;
        return count == 0 ? 1 : count;
    }

    /// The last instant that `advance` was given.
    [[nodiscard]] Instant now() const { return now_; }

    /// The instant at which ENet's clock will show `milliseconds`, when it is called in time.
    [[nodiscard]] Instant instant_of(std::uint32_t milliseconds) const {
        const auto ahead = static_cast<std::int32_t>(milliseconds - this->milliseconds());
        return now_ + ahead * Duration{1ms} - elapsed_ % 1ms;
    }

  private:
    Instant now_;
    Duration elapsed_{0};
    bool started_ = false;
};

}  // namespace pinhole::reliable
