#include "shared/node/config.hpp"

namespace pinhole::node {

std::string_view name_of(CloseReason reason) {
    switch (reason) {
        case CloseReason::kDone: return "the other side left";
        case CloseReason::kLocal: return "closed here";
        case CloseReason::kPeerRestarted: return "the other side restarted";
        case CloseReason::kUnknownPeer: return "unknown, offline, or it does not take our calls";
        case CloseReason::kUnreachable: return "registered, but it does not answer";
        case CloseReason::kKeyMismatch: return "its key is not the one we know";
        case CloseReason::kGroupKey: return "the group keys differ";
        case CloseReason::kNoAnswer: return "introduced, but it did not answer the handshake";
        case CloseReason::kRefused: return "the rendezvous refused: too many requests";
    }
    return "?";
}

std::string_view name_of(RoomTrouble trouble) {
    switch (trouble) {
        case RoomTrouble::kFull: return "the room is full";
        case RoomTrouble::kLimit: return "the rendezvous refused: too many rooms or joins";
        case RoomTrouble::kNoAnswer: return "the rendezvous knows no rooms";
    }
    return "?";
}

}  // namespace pinhole::node
