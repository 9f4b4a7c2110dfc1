// What the user is told: a pure function from the facts to a state and the first reason that
// explains it.
#pragma once

#include <optional>

#include "shared/traversal/action.hpp"

namespace pinhole::traversal {

struct Facts {
    bool is_lost = false;
    bool has_relay = false;
    bool we_selected = false;       ///< our data goes on a direct path
    bool peer_selected = false;     ///< the peer's last word is that its data does
    bool is_checking = false;       ///< some checks still run
    bool has_pairs = false;         ///< there was something to check
    bool was_answered = false;      ///< some pair answered since the introduction
    bool udp_blocked = false;       ///< we reach even the server by TCP alone
    bool peer_udp_blocked = false;  ///< the same of the peer, by its own word
    bool knows_peer_nat = false;    ///< the peer told of its network
    bool had_direct = false;        ///< a direct path was selected since the introduction
    /// How guessing stands, where plain checks cannot do.
    std::optional<Reason> guess{};
};

struct Verdict {
    PathState state = PathState::kRelay;
    Reason reason = Reason::kChecking;

    friend bool operator==(const Verdict&, const Verdict&) = default;
};

/// Nothing while there is no route at all and the pair does not count as lost yet.
[[nodiscard]] std::optional<Verdict> judge(const Facts& facts);

}  // namespace pinhole::traversal
