// What the server counts. Hostile input shows here and nowhere else.
#pragma once

#include <string_view>

#include "shared/base/counters.hpp"

namespace pinhole::rendezvous {

/// Things that happened, other than drops.
enum class Happening : std::uint8_t {
    kBindingAnswered,
    kStunAnswered,
    kRetrySent,
    kGoneSent,
    kHandshakeAnswered,  ///< a Diffie-Hellman was done and message 2 sent
    kHandshakeRepeated,  ///< the cached message 2 was sent again
    kSessionProven,
    kPathChallenged,
    kPathMoved,
    kRegistered,
    kIntroductionMade,
    kIntroductionRefused,
    kIntroductionUnanswered,
    kCandidateWithheld,
    kRoomJoined,
    kRoomRefused,
    kMembersSent,  ///< one snapshot of a room to one of its members
    kFrameRelayed,
    kRelayRefused,  ///< a relay budget was used up
    kOutboxFull,
    kStreamOpened,
    kStreamRefused,  ///< no session was proven on it in time
    kStreamGone,     ///< a datagram for a stream that had ended
    kReplyWithheld,  ///< a reply to an unvalidated address would have been longer than its cause
    kCount
};

[[nodiscard]] constexpr std::string_view name_of(Happening what) {
    switch (what) {
        case Happening::kBindingAnswered: return "binding_answered";
        case Happening::kStunAnswered: return "stun_answered";
        case Happening::kRetrySent: return "retry_sent";
        case Happening::kGoneSent: return "gone_sent";
        case Happening::kHandshakeAnswered: return "handshake_answered";
        case Happening::kHandshakeRepeated: return "handshake_repeated";
        case Happening::kSessionProven: return "session_proven";
        case Happening::kPathChallenged: return "path_challenged";
        case Happening::kPathMoved: return "path_moved";
        case Happening::kRegistered: return "registered";
        case Happening::kIntroductionMade: return "introduction_made";
        case Happening::kIntroductionRefused: return "introduction_refused";
        case Happening::kIntroductionUnanswered: return "introduction_unanswered";
        case Happening::kCandidateWithheld: return "candidate_withheld";
        case Happening::kRoomJoined: return "room_joined";
        case Happening::kRoomRefused: return "room_refused";
        case Happening::kMembersSent: return "members_sent";
        case Happening::kFrameRelayed: return "frame_relayed";
        case Happening::kRelayRefused: return "relay_refused";
        case Happening::kOutboxFull: return "outbox_full";
        case Happening::kStreamOpened: return "stream_opened";
        case Happening::kStreamRefused: return "stream_refused";
        case Happening::kStreamGone: return "stream_gone";
        case Happening::kReplyWithheld: return "reply_withheld";
        case Happening::kCount: break;
    }
    return "?";
}

struct Metrics {
    DropCounters drops;
    Counters<Happening> happened;
    Traffic received;
    Traffic sent;
    /// Sent to addresses that were not validated: each an answer to one longer datagram.
    Traffic sent_unvalidated;
    Traffic relayed;
};

}  // namespace pinhole::rendezvous
