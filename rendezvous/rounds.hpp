// A walk past everybody, again and again, in small steps: how deadlines that lie far ahead are kept
// without a timer for each.
//
// Each slot is passed once in a round of `kRoundTime`, so whoever is looked at now is looked at
// again within two of them, whatever comes and goes in between; what is due sooner needs an alarm
// of its own. Far fewer than a thousand slots are passed in one step at the end of the round.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "shared/base/time.hpp"

namespace pinhole::rendezvous {

/// A third of a client's silence: one who is heard of regularly never needs an alarm.
inline constexpr Duration kRoundTime = 30s;
/// Slots of one step: about 50 us of work.
inline constexpr std::uint32_t kRoundStep = 1024;

class Rounds {
  public:
    using Slot = std::uint32_t;

    /// The slots below `end` are to be passed; it never falls. Begins to walk.
    void note_end(Instant now, Slot end) {
        if (begun_ == kNever) {
            begun_ = now;
            next_ = 0;
        }
        step_at_ = std::min({step_at_, now + step_time(end), begun_ + kRoundTime});
    }
    /// Nobody is left: walks no more.
    void stop() { begun_ = step_at_ = kNever; }

    /// The next slot to look at, if it is time. Call until there is none.
    [[nodiscard]] std::optional<Slot> take(Instant now, Slot end) {
        if (now < step_at_) return std::nullopt;
        const Duration passed = std::min(now - begun_, kRoundTime);
        const auto due = static_cast<Slot>(static_cast<std::uint64_t>(passed.count()) * end /
                                           static_cast<std::uint64_t>(kRoundTime.count()));
        if (next_ < due) return next_++;
        if (passed == kRoundTime) {
            // A round that was missed, because the machine slept, is not made up for.
            begun_ = std::max(begun_ + kRoundTime, now - kRoundTime);
            next_ = 0;
        }
        step_at_ = std::min(now + step_time(end), begun_ + kRoundTime);
        return std::nullopt;
    }

    [[nodiscard]] Instant next_timeout() const { return step_at_; }

  private:
    [[nodiscard]] static Duration step_time(Slot end) {
        return kRoundTime * kRoundStep / std::max(end, kRoundStep);
    }

    Instant begun_ = kNever;
    Instant step_at_ = kNever;
    Slot next_ = 0;
};

}  // namespace pinhole::rendezvous
