// When to look for a direct path again: at 5, 15, 30 and 60 s, then every 60 s, and at once when
// something new gives hope. The loudest complaint about tools of this kind is "stuck on relay".
#pragma once

#include <optional>

#include "shared/base/time.hpp"

namespace pinhole::traversal {

/// Two tries are never closer together than this, whatever gives hope.
inline constexpr Duration kRetrySpacing = 1s;

class Retry {
  public:
    /// There is no direct path as of `now`: the ladder starts. Nothing happens when it runs.
    void arm(Instant now);
    void stop() {
        next_ = kNever;
        is_extra_ = false;
    }
    /// A new candidate or another network: a try is due now, and the ladder starts over.
    void at_once(Instant now);

    /// True once for each try that is due.
    [[nodiscard]] bool take_due(Instant now);
    [[nodiscard]] Instant next() const { return next_; }

  private:
    Instant start_{};
    Instant next_ = kNever;
    std::optional<Instant> last_;
    unsigned step_ = 0;
    /// The next try is one beside the ladder.
    bool is_extra_ = false;
};

}  // namespace pinhole::traversal
