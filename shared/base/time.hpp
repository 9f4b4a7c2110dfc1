// Time as the core knows it: an argument. Nothing below `net/` reads a clock.
//
// Timers are an enum and an array, so that "what can wake us" is a list that one can read.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pinhole {

/// Microseconds, the resolution of every deadline here.
using Duration = std::chrono::microseconds;

/// The epoch of `Instant` is the driver's business: CLOCK_BOOTTIME in a process, zero in the lab.
struct MonotonicEpoch {
    using rep = Duration::rep;
    using period = Duration::period;
    using duration = Duration;
    using time_point = std::chrono::time_point<MonotonicEpoch, Duration>;
    static constexpr bool is_steady = true;
};

/// A point on the monotonic clock.
using Instant = std::chrono::time_point<MonotonicEpoch, Duration>;

/// A deadline that never comes: "nothing to wake up for".
inline constexpr Instant kNever = Instant::max();

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

/// Seconds since the Unix epoch: wall time, which only the 30-day rule of id ownership and
/// known-peer dates look at. It enters as an argument, never as a deadline.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;

/// One deadline for each member of `TimerEnum`, whose last member must be `kCount`.
template <class TimerEnum>
class TimerTable {
  public:
    TimerTable() { at_.fill(kNever); }

    void set(TimerEnum timer, Instant at) { slot(timer) = at; }
    void stop(TimerEnum timer) { slot(timer) = kNever; }
    /// Moves the deadline earlier, never later.
    void pull_in(TimerEnum timer, Instant at) { slot(timer) = std::min(slot(timer), at); }

    [[nodiscard]] bool is_set(TimerEnum timer) const { return at(timer) != kNever; }
    [[nodiscard]] Instant at(TimerEnum timer) const { return at_[index(timer)]; }

    /// True once when the deadline has passed; the timer is then stopped.
    [[nodiscard]] bool take_expired(TimerEnum timer, Instant now) {
        if (slot(timer) > now) return false;
        slot(timer) = kNever;
        return true;
    }

    /// The earliest deadline, or `kNever`.
    [[nodiscard]] Instant next() const { return *std::ranges::min_element(at_); }

  private:
    static constexpr std::size_t index(TimerEnum timer) { return static_cast<std::size_t>(timer); }
    Instant& slot(TimerEnum timer) { return at_[index(timer)]; }

    std::array<Instant, static_cast<std::size_t>(TimerEnum::kCount)> at_;
};

}  // namespace pinhole
