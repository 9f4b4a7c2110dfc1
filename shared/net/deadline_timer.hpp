// One deadline on CLOCK_BOOTTIME inside an Asio loop, as a timerfd.
//
// Asio's own timers run on CLOCK_MONOTONIC, which stands still while the machine sleeps; this one
// is due as soon as it wakes. Refuses nothing; a deadline in the past is due at the next loop turn.
//
// A deadline that moves away, as with each datagram, leaves the system's timer where it is: it goes
// off in vain once and is set anew then, which costs less than to set it each time.
#pragma once

#include <functional>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include "shared/base/time.hpp"

namespace pinhole::net {

class DeadlineTimer {
  public:
    /// `on_due` runs inside the loop once for each armed deadline that passed. Throws
    /// std::system_error when the system gives no timer. Must not be destroyed between two turns
    /// of a loop that keeps running.
    DeadlineTimer(asio::io_context& io, std::function<void()> on_due);
    DeadlineTimer(const DeadlineTimer&) = delete;
    DeadlineTimer& operator=(const DeadlineTimer&) = delete;

    /// Replaces the deadline; `kNever` disarms.
    void arm(Instant deadline);

    /// Gives up the loop's attention, so that `io_context::run` can return.
    void cancel();

  private:
    void set(Instant deadline);
    void wait();
    void on_readable();

    asio::posix::stream_descriptor timer_;
    std::function<void()> on_due_;
    Instant deadline_ = kNever;
    /// What the system's timer is set to: never later than the deadline.
    Instant armed_ = kNever;
    bool waiting_ = false;
};

}  // namespace pinhole::net
