// The path's round-trip time as our own clock saw it, in microseconds.
//
// ENet's estimate has milliseconds and integer averages that stop several of them short; what
// recovery and the congestion controller decide needs better.
#pragma once

#include <algorithm>
#include <cstdlib>

#include "shared/base/time.hpp"

namespace pinhole::reliable {

class RoundTrip {
  public:
    /// Before the first sample: ENet's own default.
    static constexpr Duration kUnknown = 500ms;

    /// A command came back acknowledged after `sample`. RFC 6298's averages.
    void add(Duration sample) {
        latest_ = sample;
        if (!is_measured_) return begin(sample, sample / 2);
        variance_ += (Duration{std::abs((smoothed_ - sample).count())} - variance_) / 4;
        smoothed_ += (sample - smoothed_) / 8;
    }

    /// The path changed and was measured otherwise.
    void assume(Duration round_trip_time) {
        begin(std::max(round_trip_time, Duration{1}), round_trip_time / 8);
        latest_ = smoothed_;
        is_measured_ = false;
    }

    [[nodiscard]] Duration smoothed() const { return smoothed_; }
    [[nodiscard]] Duration variance() const { return variance_; }
    [[nodiscard]] Duration latest() const { return latest_; }
    /// Somebody measured it.
    [[nodiscard]] bool is_known() const { return is_measured_ || smoothed_ != kUnknown; }
    /// False while it is what somebody else said.
    [[nodiscard]] bool is_measured() const { return is_measured_; }

  private:
    void begin(Duration smoothed, Duration variance) {
        smoothed_ = smoothed;
        variance_ = variance;
        is_measured_ = true;
    }

    Duration smoothed_ = kUnknown;
    Duration variance_{0};
    Duration latest_ = kUnknown;
    bool is_measured_ = false;
};

}  // namespace pinhole::reliable
