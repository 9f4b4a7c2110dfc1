// What both benchmark programs share: how long, how large, and how a run is reported.
//
// A run has two processes: one sends 64 KiB reliable messages on one channel as fast as it may, the
// other receives them. The receiver measures from its first message to the last one before the end;
// each process measures its own CPU time over the same span.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <sys/resource.h>
#include <sys/time.h>

namespace pinhole::bench {

inline constexpr std::size_t kMessageSize = std::size_t{64} * 1024;
/// Messages that the sender has handed over and that are not acknowledged yet: 1 MiB.
inline constexpr std::size_t kMessagesAhead = 16;

using Clock = std::chrono::steady_clock;

/// User and system time of this process so far.
[[nodiscard]] inline double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// The first argument as seconds; 2 without one.
[[nodiscard]] inline double run_seconds(int argc, char** argv) {
    return argc > 1 ? std::strtod(argv[1], nullptr) : 2.0;
}

/// Counts what arrives, from the first message on.
class Meter {
  public:
    void on_message(std::size_t bytes) {
        if (messages_ == 0) {
            first_ = Clock::now();
            cpu_at_first_ = cpu_seconds();
        } else {
            bytes_ += bytes;
        }
        ++messages_;
        last_ = Clock::now();
    }
    [[nodiscard]] bool has_begun() const { return messages_ > 0; }
    /// Since the first message; 0 before.
    [[nodiscard]] double elapsed() const {
        return has_begun() ? std::chrono::duration<double>(Clock::now() - first_).count() : 0;
    }
    /// "MiB per second" and "CPU seconds of the receiver per GiB", in one line.
    void report() const {
        const double seconds = std::chrono::duration<double>(last_ - first_).count();
        const double mib = static_cast<double>(bytes_) / (1024.0 * 1024.0);
        const double cpu = cpu_seconds() - cpu_at_first_;
        std::printf("receive mib_per_s=%.2f cpu_per_gib=%.3f mib=%.1f seconds=%.3f\n",
                    seconds > 0 ? mib / seconds : 0.0, mib > 0 ? cpu * 1024.0 / mib : 0.0, mib,
                    seconds);
        std::fflush(stdout);
    }

  private:
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
    Clock::time_point first_;
    Clock::time_point last_;
    double cpu_at_first_ = 0;
};

/// The sender's line: what it spent for what was acknowledged.
inline void report_sender(double cpu, std::uint64_t bytes) {
    const double mib = static_cast<double>(bytes) / (1024.0 * 1024.0);
    std::printf("send cpu_per_gib=%.3f mib=%.1f\n", mib > 0 ? cpu * 1024.0 / mib : 0.0, mib);
    std::fflush(stdout);
}

}  // namespace pinhole::bench
