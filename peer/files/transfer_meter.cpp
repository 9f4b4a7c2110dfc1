#include "peer/files/transfer_meter.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "peer/files/tree_hash.hpp"
#include "peer/quantity.hpp"

namespace pinhole::peer::files {
namespace {

/// One measurement is this long, at least: shorter ones jump.
constexpr Duration kMeasureTime = 500ms;
/// The time over which older measurements fade.
constexpr double kSmoothSeconds = 4.0;

double seconds_of(Duration duration) {
    return static_cast<double>(duration.count()) / 1e6;
}

}  // namespace

void TransferMeter::begin(Instant now, std::uint64_t bytes_done) {
    began_at_ = moved_at_ = measured_at_ = now;
    measured_ = done_ = bytes_done;
    rate_ = 0;
}

void TransferMeter::update(Instant now, std::uint64_t bytes_done) {
    if (bytes_done != done_) moved_at_ = now;
    done_ = bytes_done;
    const Duration passed = now - measured_at_;
    if (passed < kMeasureTime) return;
    const double fresh =
        static_cast<double>(done_ - std::min(measured_, done_)) / seconds_of(passed);
    const double weight = rate_ == 0 ? 1 : 1 - std::exp(-seconds_of(passed) / kSmoothSeconds);
    rate_ += weight * (fresh - rate_);
    measured_at_ = now;
    measured_ = done_;
}

std::optional<Duration> TransferMeter::time_left(std::uint64_t bytes_total) const {
    if (rate_ < 1 || bytes_total < done_) return std::nullopt;
    const double seconds = static_cast<double>(bytes_total - done_) / rate_;
    constexpr double kNoEnd = 100.0 * 3600;
    if (seconds > kNoEnd) return std::nullopt;
    return Duration{static_cast<Duration::rep>(seconds * 1e6)};
}

bool TransferMeter::take_quarter(Instant now, std::uint64_t bytes_total) {
    if (bytes_total == 0 || bytes_total == kSizeUnknown || now < began_at_ + kLongTime)
        return false;
    const std::uint64_t quarter = bytes_total / 4 + (bytes_total % 4 == 0 ? 0 : 1);
    unsigned quarters = 0;
    while (quarters < 3 && done_ / (quarters + 1) >= quarter) ++quarters;
    return std::exchange(quarters_, std::max(quarters_, quarters)) < quarters;
}

std::string progress_words(const TransferState& state) {
    std::string out = state.way == Way::kSend ? "sending" : "receiving";
    if (state.files_total > 1) {
        out += fmt::format(" {} of {}", state.files, count_words(state.files_total));
    }
    const bool has_end = state.bytes_total != kSizeUnknown;
    const double share = state.bytes_total == 0 ? 1
                                                : static_cast<double>(state.bytes) /
                                                      static_cast<double>(state.bytes_total);
    out += fmt::format(": {}", size_words(state.bytes));
    if (has_end) {
        out += fmt::format(" of {} ({:.0f} %)", size_words(state.bytes_total),
                           std::floor(share * 100));
    }
    if (state.is_silent) {
        return out + fmt::format(fmt::runtime(state.way == Way::kSend ? ", {} is not replying"
                                                                      : ", waiting for {}"),
                                 state.peer);
    }
    if (state.rate >= 1) {
        out += fmt::format(", {}/s", size_words(static_cast<std::uint64_t>(state.rate)));
    }
    if (state.time_left) out += fmt::format(", {} left", time_words(*state.time_left));
    return out;
}

}  // namespace pinhole::peer::files
