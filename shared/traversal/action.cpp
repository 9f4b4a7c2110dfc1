#include "shared/traversal/action.hpp"

namespace pinhole::traversal {

std::string_view name_of(PathState state) {
    switch (state) {
        case PathState::kDirect: return "direct";
        case PathState::kRelay: return "relay";
        case PathState::kRelayOneWay: return "relay_one_way";
        case PathState::kLost: return "lost";
    }
    return "?";
}

std::string_view name_of(Reason reason) {
    switch (reason) {
        case Reason::kSelected: return "selected";
        case Reason::kUdpBlocked: return "udp_blocked";
        case Reason::kPeerUdpBlocked: return "peer_udp_blocked";
        case Reason::kChecking: return "checking";
        case Reason::kNoCandidates: return "no_candidates";
        case Reason::kNoAnswer: return "no_answer";
        case Reason::kSmallOnly: return "small_only";
        case Reason::kNoHairpin: return "no_hairpin";
        case Reason::kGuessing: return "guessing";
        case Reason::kGuessFailed: return "guess_failed";
        case Reason::kBothHard: return "both_hard";
        case Reason::kSpraysOff: return "sprays_off";
        case Reason::kLostDirect: return "lost_direct";
        case Reason::kTheyAreNotYet: return "peer_not_yet";
        case Reason::kWeAreNotYet: return "not_yet";
        case Reason::kSilence: return "silence";
    }
    return "?";
}

std::string_view sentence_of(Reason reason) {
    switch (reason) {
        case Reason::kSelected: return "both sides send directly";
        case Reason::kUdpBlocked:
            return "UDP does not get out of this network; data goes through the server over TCP";
        case Reason::kPeerUdpBlocked:
            return "UDP does not get out of the other side's network; data goes through the server";
        case Reason::kChecking: return "direct paths are still being checked";
        case Reason::kNoCandidates: return "neither side has an address that the other could try";
        case Reason::kNoAnswer: return "no check was answered on any direct path";
        case Reason::kSmallOnly:
            return "the direct path carries small datagrams, but none of full size";
        case Reason::kNoHairpin:
            return "both sides share one outside address, and that NAT leads nothing back inside";
        case Reason::kGuessing:
            return "no check was answered, so ports of the NAT are being guessed";
        case Reason::kGuessFailed: return "ports of the NAT were guessed, and none was right";
        case Reason::kBothHard:
            return "both NATs take another, unpredictable port for every destination";
        case Reason::kSpraysOff:
            return "ports would have to be guessed, and one side has switched that off";
        case Reason::kLostDirect: return "the direct path stopped answering";
        case Reason::kTheyAreNotYet:
            return "our side sends directly, the other side still uses the relay";
        case Reason::kWeAreNotYet:
            return "the other side sends directly, our side still uses the relay";
        case Reason::kSilence: return "neither a direct path nor the relay answers";
    }
    return "?";
}

}  // namespace pinhole::traversal
