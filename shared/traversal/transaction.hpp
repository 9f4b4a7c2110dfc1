// The challenges that wait for their response.
//
// A response validates the route that its challenge went to, once, wherever the response appears
// (RFC 9000 8.2.2: the peer's NAT may answer from elsewhere), with one exception: what came back
// over the relay proves nothing about a direct path. Owns the ids; they are unpredictable.
#pragma once

#include <deque>

#include "shared/base/random.hpp"
#include "shared/base/time.hpp"
#include "shared/traversal/route.hpp"
#include "shared/wire/frame.hpp"

namespace pinhole::traversal {

inline constexpr std::size_t kChallengesMax = 2048;
/// Long after a route counts as dead an answer says nothing about now.
inline constexpr Duration kChallengeLifetime = 10s;

/// What a response proved.
struct Validated {
    Route route;
    Duration rtt{};
    bool data_sized = false;
};

class Transactions {
  public:
    /// `random` must outlive this.
    explicit Transactions(Random& random) : random_(random) {}

    /// The id of a new challenge to `route`. The oldest outstanding one is forgotten when there
    /// are already `kChallengesMax`.
    [[nodiscard]] wire::ChallengeId begin(Instant now, const Route& route, bool data_sized);
    /// Nothing when no such challenge is outstanding, or the response came over the relay and the
    /// challenge did not (it then stays outstanding).
    [[nodiscard]] std::optional<Validated> complete(Instant now, const Route& arrived,
                                                    const wire::ChallengeId& id);

    [[nodiscard]] std::size_t outstanding() const { return open_.size(); }

  private:
    struct Open {
        wire::ChallengeId id;
        Route route;
        Instant sent;
        bool data_sized;
    };

    Random& random_;
    std::deque<Open> open_;  // in the order sent
};

}  // namespace pinhole::traversal
