// What the benchmark programs send, and how a run is measured: the same for stock ENet and for us.
//
// One end sends bulk messages on channel 1, as fast as it may, and small requests on channel 0,
// which the other end answers. The receiver measures for a fixed time after the warm-up, which
// begins with its first message; each end measures its own CPU time. Nothing of ours is linked: the
// yardstick includes this file, too.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <cxxopts.hpp>
#include <sys/resource.h>
#include <sys/time.h>

namespace pinhole::bench {

using Clock = std::chrono::steady_clock;
using Octets = std::span<const std::byte>;

inline constexpr std::uint8_t kProbeChannel = 0;
inline constexpr std::uint8_t kBulkChannel = 1;
/// A small message is as long as a line of a chat.
inline constexpr std::size_t kProbeSize = 64;
/// The sender outlives the receiver's measurement by this, in seconds.
inline constexpr double kOverlap = 0.3;
/// A loop's longest sleep, in milliseconds: the measured program's own timers are finer.
inline constexpr int kTurnMs = 5;

struct Load {
    double warmup = 0;
    double seconds = 2;
    /// Bulk messages: their size (0 = none), and the bytes that may be unacknowledged at a time.
    std::size_t size = std::size_t{64} * 1024;
    std::size_t ahead = std::size_t{1} << 20U;
    /// Milliseconds between requests; 0 = one after the other; negative = none.
    double probe_interval = -1;
    /// Seconds between the receiver's reports while it runs; 0 = none.
    double tick = 0;
};

// All numbers are doubles: in optimised builds g++ 12 takes offence at how cxxopts reads integers.
inline void add_load_options(cxxopts::Options& options) {
    options.add_options()("warmup", "seconds that are not measured",
                          cxxopts::value<double>()->default_value("0"))(
        "seconds", "how long to measure", cxxopts::value<double>()->default_value("2"))(
        "size", "bytes of a bulk message, 0 for none",
        cxxopts::value<double>()->default_value("65536"))(
        "ahead", "bytes that may be unacknowledged",
        cxxopts::value<double>()->default_value("1048576"))(
        "probe", "milliseconds between small requests, 0 for one after the other",
        cxxopts::value<double>()->default_value("-1"))(
        "tick", "seconds between the receiver's reports, 0 for none",
        cxxopts::value<double>()->default_value("0"));
}

[[nodiscard]] inline Load load_of(const cxxopts::ParseResult& parsed) {
    return {.warmup = parsed["warmup"].as<double>(),
            .seconds = parsed["seconds"].as<double>(),
            .size = static_cast<std::size_t>(parsed["size"].as<double>()),
            .ahead = static_cast<std::size_t>(parsed["ahead"].as<double>()),
            .probe_interval = parsed["probe"].as<double>(),
            .tick = parsed["tick"].as<double>()};
}

[[nodiscard]] inline double seconds_since(Clock::time_point begun) {
    return std::chrono::duration<double>(Clock::now() - begun).count();
}

/// User and system time of this process so far.
[[nodiscard]] inline double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// The most memory that this process had, in MiB. (`ru_maxrss` would count the process that started
/// us, too, if that was larger.)
[[nodiscard]] inline double peak_memory_mib() {
    std::FILE* const file = std::fopen("/proc/self/status", "r");
    if (file == nullptr) return 0;
    char line[128];
    unsigned long kib = 0;
    while (std::fgets(line, sizeof line, file) != nullptr) {
        if (std::sscanf(line, "VmHWM: %lu kB", &kib) == 1) break;
    }
    std::fclose(file);
    return static_cast<double>(kib) / 1024;
}

inline constexpr double kMib = 1024.0 * 1024.0;

/// Counts the bulk that arrives in a fixed span of the receiver's clock. Deliveries come in bursts
/// after a loss was repaired: a span that began or ended with one would count a burst too many.
class Meter {
  public:
    explicit Meter(const Load& load) : load_(load) {}

    void on_message(std::uint8_t channel, std::size_t bytes) {
        if (!has_begun_) {
            has_begun_ = true;
            first_ = Clock::now();
            tick_at_ = first_;
        }
        on_turn();
        if (channel != kBulkChannel) return;
        total_ += bytes;
        if (!is_counting_ || is_over()) return;
        bytes_ += bytes;
        ++messages_;
    }
    /// At least every few milliseconds.
    void on_turn() {
        if (!has_begun_) return;
        if (!is_counting_ && seconds_since(first_) >= load_.warmup) {
            is_counting_ = true;
            cpu_ = cpu_seconds();
        }
        while (load_.tick > 0 && Clock::now() >= tick_at_) tick();
    }
    [[nodiscard]] bool has_begun() const { return has_begun_; }
    [[nodiscard]] bool is_over() const {
        return has_begun_ && seconds_since(first_) > load_.warmup + load_.seconds;
    }
    void report() const {
        const double mib = static_cast<double>(bytes_) / kMib;
        std::printf(
            "receive mib_per_s=%.3f mbit_per_s=%.3f messages_per_s=%.0f cpu_per_gib=%.3f "
            "memory_mib=%.1f total_mib=%.3f\n",
            mib / load_.seconds, static_cast<double>(bytes_) * 8 / load_.seconds / 1e6,
            static_cast<double>(messages_) / load_.seconds,
            mib > 0 ? (cpu_seconds() - cpu_) * 1024.0 / mib : 0.0, peak_memory_mib(),
            static_cast<double>(total_) / kMib);
        std::fflush(stdout);
    }

  private:
    /// Tells what has come so far, by the clock that all processes of a machine share.
    void tick() {
        const double at = std::chrono::duration<double>(tick_at_.time_since_epoch()).count();
        std::printf("tick at=%.3f bytes=%llu\n", at, static_cast<unsigned long long>(total_));
        std::fflush(stdout);
        tick_at_ +=
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(load_.tick));
    }

    Load load_;
    bool has_begun_ = false;
    bool is_counting_ = false;
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t total_ = 0;
    Clock::time_point first_;
    Clock::time_point tick_at_;
    double cpu_ = 0;
};

/// Small requests and how long their answers take.
class Prober {
  public:
    explicit Prober(const Load& load) : load_(load) {}

    /// True when the next request is due; the caller then sends `request`.
    [[nodiscard]] bool is_due() const {
        if (load_.probe_interval < 0) return false;
        if (load_.probe_interval == 0) return sent_ == answered_;
        return seconds_since(begun_) * 1000 >= static_cast<double>(sent_) * load_.probe_interval;
    }
    [[nodiscard]] std::vector<std::byte> request() {
        ++sent_;
        std::vector<std::byte> out(kProbeSize);
        const std::int64_t now = Clock::now().time_since_epoch().count();
        std::memcpy(out.data(), &now, sizeof now);
        return out;
    }
    void on_answer(Octets answer) {
        std::int64_t then = 0;
        if (answer.size() < sizeof then) return;
        std::memcpy(&then, answer.data(), sizeof then);
        ++answered_;
        if (seconds_since(begun_) < load_.warmup) return;
        microseconds_.push_back(
            static_cast<double>(Clock::now().time_since_epoch().count() - then) / 1000);
    }
    void report() {
        if (microseconds_.empty()) return;
        std::ranges::sort(microseconds_);
        const auto at = [&](double share) {
            return microseconds_[static_cast<std::size_t>(
                share * static_cast<double>(microseconds_.size() - 1))];
        };
        std::printf("probe count=%zu p50_us=%.1f p90_us=%.1f p99_us=%.1f\n", microseconds_.size(),
                    at(0.5), at(0.9), at(0.99));
    }

  private:
    Load load_;
    Clock::time_point begun_ = Clock::now();
    std::uint64_t sent_ = 0;
    std::uint64_t answered_ = 0;
    std::vector<double> microseconds_;
};

/// One end of a connection that stands. It hands arrived messages to whatever `turn` was given.
template <class End>
concept Talker = requires(End& end, std::uint8_t channel, Octets bytes) {
    { end.send(channel, bytes) } -> std::same_as<bool>;
    { end.bytes_ahead() } -> std::convertible_to<std::size_t>;
    end.turn(kTurnMs, [](std::uint8_t, Octets) {});
};

template <Talker End>
void run_sender(End& end, const Load& load) {
    const std::vector<std::byte> message(load.size, std::byte{0x5a});
    Prober prober{load};
    const double cpu = cpu_seconds();
    std::uint64_t handed_over = 0;
    const auto begun = Clock::now();
    while (seconds_since(begun) < load.warmup + load.seconds + kOverlap) {
        while (prober.is_due() && end.send(kProbeChannel, prober.request())) {
        }
        while (load.size > 0 && end.bytes_ahead() + load.size <= load.ahead &&
               end.send(kBulkChannel, message)) {
            handed_over += message.size();
        }
        end.turn(kTurnMs, [&](std::uint8_t, Octets answer) { prober.on_answer(answer); });
    }
    const std::size_t left = end.bytes_ahead();
    const double mib = static_cast<double>(handed_over - std::min(left, handed_over)) / kMib;
    std::printf("send cpu_per_gib=%.3f mib=%.1f memory_mib=%.1f\n",
                mib > 0 ? (cpu_seconds() - cpu) * 1024.0 / mib : 0.0, mib, peak_memory_mib());
    prober.report();
    std::fflush(stdout);
}

/// False when nothing came for `patience` seconds.
template <Talker End>
[[nodiscard]] bool run_receiver(End& end, const Load& load, double patience) {
    Meter meter{load};
    const auto begun = Clock::now();
    while (!meter.is_over()) {
        end.turn(kTurnMs, [&](std::uint8_t channel, Octets bytes) {
            meter.on_message(channel, bytes.size());
            if (channel == kProbeChannel) static_cast<void>(end.send(kProbeChannel, bytes));
        });
        meter.on_turn();
        if (!meter.has_begun() && seconds_since(begun) > patience) return false;
    }
    meter.report();
    return true;
}

}  // namespace pinhole::bench
