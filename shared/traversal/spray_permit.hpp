// One spray per process, and not too often: home routers count half-open flows and call a few
// thousand of them a flood (traversal.md, Sprays break home routers).
#pragma once

#include "shared/base/time.hpp"

namespace pinhole::traversal {

/// Between the beginnings of two sprays, whomever they are aimed at.
inline constexpr Duration kSprayPause = 20s;

class SprayPermit {
  public:
    /// True when a spray may begin now; then the next one may only after `kSprayPause`.
    [[nodiscard]] bool take(Instant now) {
        if (now < next_) return false;
        next_ = now + kSprayPause;
        return true;
    }
    /// When the next spray may begin.
    [[nodiscard]] Instant next() const { return next_; }

  private:
    Instant next_{};
};

}  // namespace pinhole::traversal
