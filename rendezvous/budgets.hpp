// The budgets that the parts of the server share.
#pragma once

#include "rendezvous/limits.hpp"
#include "rendezvous/rate_limit.hpp"

namespace pinhole::rendezvous {

struct Budgets {
    explicit Budgets(Random& random)
        : handshakes({kHandshakeInterval, kHandshakeBurst}, kBudgetSlots, random),
          suspicion({kSuspicionInterval, kSuspicionBurst}, kBudgetSlots, random),
          gone({kGoneInterval, kGoneBurst}, kBudgetSlots, random),
          stun({kStunInterval, kStunBurst}, kBudgetSlots, random),
          introductions({kIntroductionInterval, kIntroductionBurst}, kBudgetSlots, random),
          joins({kJoinInterval, kJoinBurst}, kBudgetSlots, random) {}

    /// For each prefix: Diffie-Hellmans.
    RateLimit handshakes;
    /// For each prefix: new ids, and things that only an attacker or a mistake does.
    RateLimit suspicion;
    /// For each prefix: answers to transport messages of unknown sessions.
    RateLimit gone;
    /// For each prefix: STUN answers, the only ones that are longer than their requests.
    RateLimit stun;
    /// For each peer's key.
    RateLimit introductions;
    /// For each peer's key: new memberships in rooms.
    RateLimit joins;
};

}  // namespace pinhole::rendezvous
