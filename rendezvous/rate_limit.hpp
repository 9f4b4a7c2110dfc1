// Budgets over time: a token bucket in 8 bytes, and a table of them that hostile keys cannot grow.
//
// A bucket is the instant at which it will be full again (the generic cell rate algorithm, ITU-T
// I.371): taking moves the instant into the future, and a take that would move it further than the
// bucket is deep is refused. The table has a fixed number of slots; which ones a key may use is
// decided by a keyed hash, so nobody can aim at somebody else's.
#pragma once

#include <optional>
#include <vector>

#include "shared/base/bytes.hpp"
#include "shared/base/endpoint.hpp"
#include "shared/base/random.hpp"
#include "shared/base/time.hpp"

namespace pinhole::rendezvous {

class TokenBucket {
  public:
    /// How long after `now` the bucket holds enough for `cost`, the time in which that much flows
    /// in; zero when it does now. `depth` is the time in which an empty bucket fills.
    [[nodiscard]] Duration wait(Instant now, Duration cost, Duration depth) const {
        return std::max(Duration{0}, std::max(full_at_, now) + cost - now - depth);
    }

    /// Takes `cost`, whether it is there or not.
    void take(Instant now, Duration cost) { full_at_ = std::max(full_at_, now) + cost; }

    /// Takes `cost` if it is there.
    [[nodiscard]] bool try_take(Instant now, Duration cost, Duration depth) {
        if (wait(now, cost, depth) > Duration{0}) return false;
        take(now, cost);
        return true;
    }

    [[nodiscard]] bool is_full(Instant now) const { return full_at_ <= now; }
    [[nodiscard]] Instant full_at() const { return full_at_; }

  private:
    Instant full_at_ = Instant::min();
};

/// One budget for each key: `burst` at once, then one each `interval`.
struct Rate {
    Duration interval;
    int burst = 1;
};

class RateLimit {
  public:
    /// `slots` is rounded down to a multiple of 4, and at least 4.
    RateLimit(Rate rate, std::size_t slots, Random& random);

    /// Takes one token of `key` if there is one.
    [[nodiscard]] bool try_take(Instant now, Bytes key);
    /// True when `try_take` would succeed.
    [[nodiscard]] bool has_token(Instant now, Bytes key) const;

    /// The budget of everybody in the subscriber's prefix of `address`.
    [[nodiscard]] bool try_take(Instant now, const IpAddress& address);
    [[nodiscard]] bool has_token(Instant now, const IpAddress& address) const;

  private:
    struct Slot {
        std::uint64_t owner = 0;
        TokenBucket bucket;
    };
    struct Place {
        std::uint64_t owner;
        std::size_t slot;
    };

    [[nodiscard]] Place find(Instant now, Bytes key) const;

    Rate rate_;
    FixedBytes<32> hash_key_;
    std::vector<Slot> slots_;
};

}  // namespace pinhole::rendezvous
