// A shared link on a virtual clock: a rate, a queue, delay and loss, and what crosses it.
//
// Both directions have the same rate, delay and loss. Forward, everything goes through one
// queue, in which flows compete; loss happens behind it. Owns the datagrams on the way.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <vector>

#include "shared/base/bytes.hpp"
#include "shared/base/time.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::reliable::test {

struct LinkProfile {
    /// Bits a second, headers included.
    std::uint64_t rate = 100'000'000;
    Duration round_trip = 50ms;
    /// Of each direction, in thousandths.
    unsigned loss_permille = 0;
    /// Bytes that may wait; 0: what the link carries in one round trip.
    std::size_t queue_bytes = 0;

    [[nodiscard]] std::size_t queue_size() const {
        if (queue_bytes > 0) return queue_bytes;
        return static_cast<std::size_t>(rate / 8 * static_cast<std::uint64_t>(round_trip.count()) /
                                        1'000'000);
    }
};

/// IPv4 and UDP headers and what sealing adds: what a datagram of ours takes on the wire.
inline constexpr std::size_t kWireOverhead = 28 + 24;

/// One direction.
class SharedLink {
  public:
    SharedLink(const LinkProfile& profile, std::uint64_t seed) : profile_(profile), dice_(seed) {}

    /// When the datagram arrives, or nothing: the queue was full, or it was lost.
    [[nodiscard]] std::optional<Instant> send(Instant now, std::size_t wire_size) {
        const auto waiting = static_cast<std::size_t>(
            static_cast<double>(std::max(busy_until_ - nanoseconds(now), std::int64_t{0})) *
            static_cast<double>(profile_.rate) / 8e9);
        ++sent_;
        if (waiting + wire_size > profile_.queue_size()) {
            ++overflowed_;
            return std::nullopt;
        }
        busy_until_ = std::max(busy_until_, nanoseconds(now)) +
                      static_cast<std::int64_t>(wire_size * 8'000'000'000 / profile_.rate);
        bytes_ += wire_size;
        if (dice_.below(1000) < profile_.loss_permille) {
            ++lost_;
            return std::nullopt;
        }
        return Instant{Duration{busy_until_ / 1000}} + profile_.round_trip / 2;
    }

    /// How long a datagram that came now would wait.
    [[nodiscard]] Duration queue_delay(Instant now) const {
        return Duration{std::max(busy_until_ - nanoseconds(now), std::int64_t{0}) / 1000};
    }

    LinkProfile& profile() { return profile_; }
    [[nodiscard]] std::uint64_t sent() const { return sent_; }
    [[nodiscard]] std::uint64_t lost() const { return lost_; }
    [[nodiscard]] std::uint64_t overflowed() const { return overflowed_; }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  private:
    [[nodiscard]] static std::int64_t nanoseconds(Instant at) {
        return at.time_since_epoch().count() * 1000;
    }

    LinkProfile profile_;
    pinhole::test::SeededRandom dice_;
    std::int64_t busy_until_ = 0;
    std::uint64_t sent_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t overflowed_ = 0;
    std::uint64_t bytes_ = 0;
};

/// What happens when, in order of time and, at one instant, of scheduling.
class Agenda {
  public:
    using Action = std::function<void(Instant)>;

    void at(Instant when, Action action) { actions_.emplace(when, std::move(action)); }
    [[nodiscard]] Instant next() const {
        return actions_.empty() ? kNever : actions_.begin()->first;
    }
    void run_next(Instant now) {
        Action action = std::move(actions_.begin()->second);
        actions_.erase(actions_.begin());
        action(now);
    }

  private:
    std::multimap<Instant, Action> actions_;
};

}  // namespace pinhole::reliable::test
