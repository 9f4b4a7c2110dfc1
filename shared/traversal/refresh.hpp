// How often a quiet path is refreshed, so that no NAT on our side forgets it.
//
// Follows what was seen of our own mappings' lifetime: each side keeps its own mappings alive, by
// what it sends, so the peer's NAT does not matter here. Knows each family apart, since only one of
// them was measured. What was never measured is refreshed every 15 s +-20 %. A path that went
// silent in a quiet time and then worked again was forgotten by some NAT that the measurement did
// not see: that halves the interval for some hours.
#pragma once

#include <algorithm>
#include <optional>

#include "shared/base/endpoint.hpp"
#include "shared/base/time.hpp"

namespace pinhole::traversal {

/// RFC 8445 11: Tr is 15 s at least; Linux drops a one-way mapping after 30 s.
inline constexpr Duration kKeepaliveInterval = 15s;
/// Of `kKeepaliveInterval` in both directions: 20 %.
inline constexpr Duration kKeepaliveJitter = 3s;
/// However long mappings live: consent ends 30 s after the peer was heard last (RFC 7675 5.1), and
/// one keepalive may be lost (`kQuietInterval`).
inline constexpr Duration kKeepaliveMax = 20s;
/// However short: what forgets within 2 s serves no interactive protocol.
inline constexpr Duration kKeepaliveMin = 2s;
/// Between challenges on a spare path: often enough to gather samples.
inline constexpr Duration kSpareInterval = 10s;
/// Mappings that were lost shorten the interval for so long. Then it may have been something else.
inline constexpr Duration kLessonFor = 6h;

/// The next refresh comes within these bounds, drawn anew each time.
struct Pace {
    Duration shortest = kKeepaliveInterval - kKeepaliveJitter;
    Duration longest = kKeepaliveInterval + kKeepaliveJitter;

    friend bool operator==(const Pace&, const Pace&) = default;
};

/// How long an idle mapping of ours was seen to live so far.
struct Lived {
    Family family = Family::kV4;
    Duration time{};

    friend bool operator==(const Lived&, const Lived&) = default;
};

/// A mapping that lived through `lived` is used up by 0.8 of that (traversal.md): the longest time
/// between two refreshes of it, at most `longest`.
[[nodiscard]] Duration refresh_interval(Duration lived, Duration longest);

class Refresh {
  public:
    /// It grows while it is measured; nothing means that nobody knows.
    void set_lived(const std::optional<Lived>& lived) { lived_ = lived; }
    /// A path over that family died in a quiet time and is there again, in the same network.
    void on_mapping_lost(Family family) {
        lesson_ = std::max(pace(family).longest / 2, kKeepaliveMin);
    }
    /// The lesson is old, or the network is another one.
    void forget_lesson() { lesson_ = kKeepaliveMax; }

    /// Of a path over that family which nothing crosses.
    [[nodiscard]] Pace pace(Family family) const;
    /// Of a spare path; while data flows elsewhere it is compared with that.
    [[nodiscard]] Duration spare_interval(Family family, bool is_busy) const;

  private:
    [[nodiscard]] bool is_measured(Family family) const {
        return lived_ && lived_->family == family;
    }

    std::optional<Lived> lived_;
    Duration lesson_ = kKeepaliveMax;
};

}  // namespace pinhole::traversal
