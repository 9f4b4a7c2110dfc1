// The pace of the checks on one pair: round 1 at once, then 20, 50, 100, 200 ms ... 1 s between
// rounds, until 6 s have passed.
//
// All pairs of an introduction start together, so round 1 goes to all candidates back to back; a
// pair that appears later has its own round 1. Knows nothing of what is sent.
#pragma once

#include "shared/base/time.hpp"

namespace pinhole::traversal {

/// Openers at this TTL pass our own NAT and die in the core, so that they cannot poison the other
/// NAT's connection tracking (measured: TTL 1 dies before it leaves ours).
inline constexpr std::uint8_t kOpenerTtl = 2;
/// One may be lost.
inline constexpr unsigned kOpenerCopies = 2;
/// Plain checks that were not answered by then will not be.
inline constexpr Duration kChecksFor = 6s;

/// The time between round `rounds_done` and the next one.
[[nodiscard]] Duration gap_after_round(unsigned rounds_done);

class CheckSchedule {
  public:
    /// Round 1 is due at `at`; the checks end 6 s later.
    void start(Instant at);
    void stop() { next_ = end_ = kNever; }
    /// A reason to believe that the next round succeeds: it is due now, unless one went out within
    /// the last 20 ms.
    void pull_in(Instant now);

    /// True once for each round that is due; the next one is then scheduled.
    [[nodiscard]] bool take_round(Instant now);
    /// True once when the checks have ended.
    [[nodiscard]] bool take_end(Instant now);

    [[nodiscard]] bool is_running() const { return end_ != kNever; }
    [[nodiscard]] Instant next() const { return std::min(next_, end_); }

  private:
    Instant next_ = kNever;
    Instant end_ = kNever;
    Instant last_{};
    unsigned rounds_ = 0;
};

}  // namespace pinhole::traversal
