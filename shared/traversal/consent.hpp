// Is one route alive, and may data go on it? One object per pair, and one for the relay.
//
// Death is counted from the oldest unanswered challenge, never from silence, so an idle route does
// not die. Silence only ends trust (data is then duplicated on the relay) and, after 30 s, the
// consent to send data at all (RFC 7675 5.1). Decides when the next challenge and the next
// keepalive are due; sends nothing itself.
#pragma once

#include <optional>

#include "shared/base/random.hpp"
#include "shared/base/time.hpp"
#include "shared/traversal/refresh.hpp"

namespace pinhole::traversal {

/// A challenge unanswered for so long means that the route is dead; also how long a heard route is
/// trusted. Three tries of 2 s and a margin, as Tailscale uses it.
inline constexpr Duration kDeadAfter = 6500ms;
/// RFC 7675 5.1: consent lasts 30 s.
inline constexpr Duration kConsentLifetime = 30s;
/// Between challenges while data flows.
inline constexpr Duration kChallengeInterval = 2s;
/// Silence on an idle route after which a challenge replaces waiting: the slowest keepalive should
/// have come by then, and there is room for an answer before consent ends.
inline constexpr Duration kQuietInterval = kKeepaliveMax + 2s;
/// Bounds of the time after which a challenge is repeated and the route is under suspicion.
inline constexpr Duration kSuspicionMin = 500ms;
inline constexpr Duration kSuspicionMax = 2s;
/// Data so long ago is no flow any more.
inline constexpr Duration kBusyFor = 30s;
/// The pace of challenges on a route that has been dead for long.
inline constexpr Duration kDeadInterval = 5s;

class Consent {
  public:
    /// An authenticated message arrived by this route.
    void on_heard(Instant now) { heard_ = now; }
    void on_challenge_sent(Instant now);
    /// A challenge to this route was answered.
    void on_answered(Instant now);
    /// Anything left by this route: its mapping is refreshed.
    void on_sent(Instant now) { sent_ = now; }
    /// A keepalive left by this route; where in its bounds the next one comes is drawn now.
    void on_keepalive_sent(Instant now, Random& random);
    /// Data left by this route.
    void on_data_sent(Instant now) { data_ = sent_ = now; }
    /// Nothing that was known still holds, such as after a network change: trust ends until the
    /// next answer.
    void doubt() { is_doubted_ = true; }
    /// The route is out of use: what it still owes does not count against it later.
    void settle() { unanswered_since_.reset(); }

    /// No challenge is overdue, and the route was heard lately: data needs no duplicate.
    [[nodiscard]] bool is_trusted(Instant now, Duration rtt) const;
    /// Data may go on it.
    [[nodiscard]] bool has_consent(Instant now) const;
    /// A challenge has been unanswered for `kDeadAfter`.
    [[nodiscard]] bool is_dead(Instant now) const { return now >= dead_at(); }
    [[nodiscard]] Instant dead_at() const;

    /// When the next challenge is due on a route that carries data. `rtt`: its smoothed RTT.
    [[nodiscard]] Instant next_challenge(Duration rtt) const;
    /// When the next challenge is due on a route that is only kept as a spare, `interval` apart.
    [[nodiscard]] Instant next_spare_challenge(Duration rtt, Duration interval) const;
    /// When the next keepalive is due on a route that carries data.
    [[nodiscard]] Instant next_keepalive(const Pace& pace) const;
    /// A challenge is open.
    [[nodiscard]] bool is_questioned() const { return unanswered_since_.has_value(); }
    /// How long the oldest open challenge has waited.
    [[nodiscard]] Duration unanswered_for(Instant now) const;
    /// The open challenge broke a long silence: no data flowed when the route fell silent.
    [[nodiscard]] bool is_silent_from_idleness() const {
        return unanswered_since_ && broke_silence_;
    }
    /// Data left shortly before the last challenge of `other`, or after it.
    [[nodiscard]] bool is_busy_beside(const Consent& other) const;
    /// Data left after the last challenge, so that nothing vouches for it yet.
    [[nodiscard]] bool owes_challenge() const {
        return data_ && (!challenged_ || *data_ > *challenged_);
    }

  private:
    [[nodiscard]] static Duration suspicion(Duration rtt);

    std::optional<Instant> heard_;
    std::optional<Instant> data_;
    std::optional<Instant> challenged_;
    std::optional<Instant> unanswered_since_;
    std::optional<Instant> sent_;
    /// Of the span that a pace leaves, in thousandths.
    int drawn_ = 500;
    bool is_doubted_ = false;
    /// When the oldest open challenge left, nothing had been heard for long.
    bool broke_silence_ = false;
};

}  // namespace pinhole::traversal
