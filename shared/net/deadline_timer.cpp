#include "shared/net/deadline_timer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/timerfd.h>
#include <unistd.h>

#include "shared/net/clock.hpp"

namespace pinhole::net {
namespace {

int open_timer() {
    const int fd = ::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
    return fd;
}

}  // namespace

DeadlineTimer::DeadlineTimer(asio::io_context& io, std::function<void()> on_due)
    : timer_(io, open_timer()), on_due_(std::move(on_due)) {}

void DeadlineTimer::arm(Instant deadline) {
    deadline_ = deadline;
    if (deadline < armed_) set(deadline);
}

void DeadlineTimer::set(Instant deadline) {
    armed_ = deadline;
    itimerspec spec{};
    if (deadline != kNever) {
        // Zero would disarm, and a time before boot would be refused; both mean "at once".
        const auto since_boot = std::max(deadline.time_since_epoch(), Duration{1});
        const auto whole = std::chrono::floor<std::chrono::seconds>(since_boot);
        spec.it_value.tv_sec = whole.count();
        spec.it_value.tv_nsec = std::chrono::nanoseconds{since_boot - whole}.count();
    }
    ::timerfd_settime(timer_.native_handle(), TFD_TIMER_ABSTIME, &spec, nullptr);
    if (deadline != kNever) wait();
}

void DeadlineTimer::cancel() {
    deadline_ = kNever;
    set(kNever);
    timer_.cancel();
    waiting_ = false;
}

void DeadlineTimer::wait() {
    if (waiting_) return;
    waiting_ = true;
    timer_.async_wait(asio::posix::stream_descriptor::wait_read, [this](std::error_code error) {
        if (!error) on_readable();
    });
}

void DeadlineTimer::on_readable() {
    waiting_ = false;
    std::uint64_t expirations = 0;
    // Nothing to read: the timer was set anew after it had gone off.
    const bool has_gone_off = ::read(timer_.native_handle(), &expirations, sizeof expirations) > 0;
    if (has_gone_off) armed_ = kNever;
    if (has_gone_off && deadline_ <= now()) {
        deadline_ = kNever;
        on_due_();
    }
    if (deadline_ < armed_) set(deadline_);
    if (armed_ != kNever) wait();
}

}  // namespace pinhole::net
