#include "shared/traversal/verdict.hpp"

namespace pinhole::traversal {

namespace {

/// Why nothing is direct: the first that applies.
Reason why_relayed(const Facts& facts) {
    if (facts.udp_blocked) return Reason::kUdpBlocked;
    if (facts.peer_udp_blocked) return Reason::kPeerUdpBlocked;
    if (facts.had_direct) return Reason::kLostDirect;
    // Why it has no address to try is what the peer may still say.
    const bool may_learn_why = facts.is_checking && !facts.knows_peer_nat;
    if (!facts.has_pairs && !may_learn_why) return Reason::kNoCandidates;
    if (facts.is_checking) return Reason::kChecking;
    if (facts.was_answered) return Reason::kSmallOnly;
    return facts.guess.value_or(Reason::kNoAnswer);
}

}  // namespace

std::optional<Verdict> judge(const Facts& facts) {
    if (facts.is_lost) return Verdict{PathState::kLost, Reason::kSilence};
    if (facts.we_selected) {
        // Without a relay there is no other way in which the peer's data could come.
        if (facts.peer_selected || !facts.has_relay) {
            return Verdict{PathState::kDirect, Reason::kSelected};
        }
        return Verdict{PathState::kRelayOneWay, Reason::kTheyAreNotYet};
    }
    if (!facts.has_relay) return std::nullopt;
    if (facts.peer_selected) return Verdict{PathState::kRelayOneWay, Reason::kWeAreNotYet};
    return Verdict{PathState::kRelay, why_relayed(facts)};
}

}  // namespace pinhole::traversal
