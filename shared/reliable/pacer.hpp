// Spreads what leaves over time, so that a window does not hit the path as one burst.
//
// A credit that grows with the pacing rate. Bulk waits until there is enough of it for a train of
// datagrams that is worth one system call; a lone small message does not.
#pragma once

#include <algorithm>
#include <cstdint>

#include "shared/base/time.hpp"

namespace pinhole::reliable {

class Pacer {
  public:
    /// Bytes a second from now on, in datagrams of up to so many bytes.
    void set_rate(Instant now, std::uint64_t rate, std::size_t datagram) {
        refill(now);
        rate_ = std::max<std::uint64_t>(rate, 1000);
        train_min_ = std::max(kTrainMin, static_cast<std::int64_t>(datagram));
    }

    /// Bytes that may leave now when `wanted` bytes want to; 0 before `ready_at`.
    [[nodiscard]] std::size_t budget(Instant now, std::size_t wanted) {
        refill(now);
        const std::int64_t bytes = credit_ / kMicro;
        if (bytes < needed(wanted)) return 0;
        return static_cast<std::size_t>(bytes);
    }

    /// When `budget` will not be 0 for so many bytes.
    [[nodiscard]] Instant ready_at(std::size_t wanted) const {
        const std::int64_t missing = needed(wanted) * kMicro - credit_;
        if (missing <= 0) return refilled_at_;
        const auto rate = static_cast<std::int64_t>(rate_);
        return refilled_at_ + Duration{(missing + rate - 1) / rate};
    }

    void on_sent(std::size_t bytes) { credit_ -= static_cast<std::int64_t>(bytes) * kMicro; }

  private:
    /// Credit is kept in millionths of a byte, so that no microsecond's worth is lost.
    static constexpr std::int64_t kMicro = 1'000'000;
    /// One train of datagrams is what the rate carries in this time...
    static constexpr Duration kTrain = 1ms;
    /// ... and at least two datagrams or a large one, and at most one segmentation offload's worth.
    static constexpr std::int64_t kTrainMin = 2 * 1160;
    static constexpr std::int64_t kTrainMax = 64 * 1024;
    /// What may be saved up: the driver's timer is late, or nothing was to be sent. Ten datagrams
    /// at least (RFC 6928's initial window).
    static constexpr Duration kSaved = 3ms;
    static constexpr std::int64_t kSavedMin = 10 * 1160;

    [[nodiscard]] std::int64_t bytes_in(Duration time) const {
        return static_cast<std::int64_t>(rate_) * time.count() / kMicro;
    }

    [[nodiscard]] std::int64_t needed(std::size_t wanted) const {
        const std::int64_t train = std::clamp(bytes_in(kTrain), train_min_, kTrainMax);
        return std::min(train, std::max<std::int64_t>(static_cast<std::int64_t>(wanted), 1));
    }

    void refill(Instant now) {
        const Duration passed = std::clamp(now - refilled_at_, Duration{0}, Duration{1s});
        refilled_at_ = std::max(refilled_at_, now);
        const std::int64_t most = std::max(bytes_in(kSaved), kSavedMin) * kMicro;
        credit_ = std::min(most, credit_ + static_cast<std::int64_t>(rate_) * passed.count());
    }

    std::uint64_t rate_ = 1'000'000;
    std::int64_t train_min_ = kTrainMin;
    std::int64_t credit_ = kSavedMin * kMicro;
    Instant refilled_at_;
};

}  // namespace pinhole::reliable
