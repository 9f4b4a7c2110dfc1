#include "shared/library/kept_event.hpp"

#include <algorithm>
#include <cassert>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "shared/traversal/action.hpp"

namespace pinhole::library {
namespace {

using node::CloseReason;
using node::ServerTrouble;

pinhole_trouble trouble_of(ServerTrouble trouble) {
    switch (trouble) {
        case ServerTrouble::kNoAnswer: return PINHOLE_TROUBLE_NO_ANSWER;
        case ServerTrouble::kKeyChanged: return PINHOLE_TROUBLE_KEY_CHANGED;
        case ServerTrouble::kIdTaken: return PINHOLE_TROUBLE_ID_TAKEN;
        case ServerTrouble::kReplaced: return PINHOLE_TROUBLE_REPLACED;
        case ServerTrouble::kFlapping: return PINHOLE_TROUBLE_FLAPPING;
        case ServerTrouble::kStorage: return PINHOLE_TROUBLE_STORAGE;
        case ServerTrouble::kLimit: return PINHOLE_TROUBLE_LIMIT;
        case ServerTrouble::kShutdown: return PINHOLE_TROUBLE_SHUTDOWN;
    }
    return PINHOLE_TROUBLE_NO_ANSWER;
}

std::string sentence_of(const node::ServerLost& lost) {
    switch (lost.trouble) {
        case ServerTrouble::kNoAnswer: return "did not answer (UDP)";
        case ServerTrouble::kKeyChanged:
            return fmt::format("shows another key{}{}", lost.shown_key ? ", " : "",
                               lost.shown_key ? lost.shown_key->to_string(crypto::kServerKeyPrefix)
                                              : std::string{});
        case ServerTrouble::kIdTaken: return "our id belongs to another key there";
        case ServerTrouble::kReplaced: return "another process with our key took our place there";
        case ServerTrouble::kFlapping:
            return "two processes with our key displace each other there";
        case ServerTrouble::kStorage: return "cannot store new names";
        case ServerTrouble::kLimit: return "refused: too many requests from here";
        case ServerTrouble::kShutdown: return "stops";
    }
    return {};
}

pinhole_room_trouble trouble_of(node::RoomTrouble trouble) {
    switch (trouble) {
        case node::RoomTrouble::kFull: return PINHOLE_ROOM_FULL;
        case node::RoomTrouble::kLimit: return PINHOLE_ROOM_LIMIT;
        case node::RoomTrouble::kNoAnswer: return PINHOLE_ROOM_NO_ANSWER;
    }
    return PINHOLE_ROOM_LIMIT;
}

pinhole_path path_of(node::PathState state) {
    switch (state) {
        case node::PathState::kDirect: return PINHOLE_PATH_DIRECT;
        case node::PathState::kRelay: return PINHOLE_PATH_RELAY;
        case node::PathState::kRelayOneWay: return PINHOLE_PATH_RELAY_ONE_WAY;
        case node::PathState::kLost: return PINHOLE_PATH_LOST;
    }
    return PINHOLE_PATH_LOST;
}

pinhole_reason reason_of(CloseReason reason) {
    switch (reason) {
        case CloseReason::kDone: return PINHOLE_REASON_DONE;
        case CloseReason::kLocal: return PINHOLE_REASON_LOCAL;
        case CloseReason::kPeerRestarted: return PINHOLE_REASON_RESTARTED;
        case CloseReason::kUnknownPeer: return PINHOLE_REASON_UNKNOWN_PEER;
        case CloseReason::kUnreachable: return PINHOLE_REASON_UNREACHABLE;
        case CloseReason::kKeyMismatch: return PINHOLE_REASON_KEY_MISMATCH;
        case CloseReason::kGroupKey: return PINHOLE_REASON_GROUP_KEY;
        case CloseReason::kNoAnswer: return PINHOLE_REASON_NO_ANSWER;
        case CloseReason::kRefused: return PINHOLE_REASON_REFUSED;
    }
    return PINHOLE_REASON_DONE;
}

}  // namespace

KeptEvent::KeptEvent(const node::NodeEvent& event, const node::Node& node) {
    shown_.id = id_.data();
    std::visit(
        [&](const auto& known) {
            if constexpr (requires { known.peer; } && !requires { known.id; }) {
                const auto status = node.status(known.peer);
                set_peer(known.peer, status ? status->id : node::Id{});
            } else if constexpr (requires { known.peer; }) {
                set_peer(known.peer, known.id);
            } else if constexpr (requires { known.id; }) {
                set_peer({}, known.id);
            }
            show(known);
        },
        event);
}

KeptEvent::KeptEvent(std::string_view sentence) {
    shown_.id = id_.data();
    show_lost(PINHOLE_TROUBLE_NAME, sentence);
}

void KeptEvent::show(const node::ServerProven& /*event*/) {
    assert(false);  // `is_shown` comes first.
}

void KeptEvent::show(const node::Registered& event) {
    shown_.type = PINHOLE_EVENT_REGISTERED;
    auto& out = shown_.as.registered;
    out.server = keep(event.server.to_string());
    out.observed = keep(event.observed ? event.observed->to_string() : std::string{});
    out.server_key = keep(event.server_key.to_string(crypto::kServerKeyPrefix));
    out.over_tcp = event.over_tcp ? 1 : 0;
}

void KeptEvent::show(const node::ServerLost& event) {
    show_lost(trouble_of(event.trouble), sentence_of(event));
}

void KeptEvent::show(const node::PeerIntroduced& event) {
    show_identity(PINHOLE_EVENT_INTRODUCED, event.key, event.incoming);
}

void KeptEvent::show(const node::CallRefused& event) {
    show_identity(PINHOLE_EVENT_CALL_REFUSED, event.key, true);
}

void KeptEvent::show(const node::KeyMismatch& event) {
    shown_.type = PINHOLE_EVENT_KEY_MISMATCH;
    shown_.as.mismatch.pinned = keep(event.pinned.to_string());
    shown_.as.mismatch.announced = keep(event.announced.to_string());
}

void KeptEvent::show(const node::PeerConnected& event) {
    show_identity(PINHOLE_EVENT_CONNECTED, event.key, event.incoming);
}

void KeptEvent::show(const node::MessageReceived& event) {
    bytes_ = to_vector(event.bytes);
    shown_.type = PINHOLE_EVENT_MESSAGE;
    shown_.as.message.data = bytes_.data();
    shown_.as.message.size = bytes_.size();
    shown_.as.message.channel = event.channel;
}

void KeptEvent::show(const node::PathChanged& event) {
    shown_.type = PINHOLE_EVENT_PATH;
    auto& out = shown_.as.path;
    out.state = path_of(event.state);
    out.state_text = keep(std::string{traversal::name_of(event.state)});
    out.reason = keep(std::string{traversal::name_of(event.reason)});
    out.text = keep(std::string{traversal::sentence_of(event.reason)});
    out.remote = keep(event.remote ? event.remote->to_string() : std::string{});
    out.round_trip_us = static_cast<std::uint32_t>(
        std::clamp<Duration::rep>(event.round_trip_time.count(), 0, UINT32_MAX));
}

void KeptEvent::show(const node::PeerClosed& event) {
    show_end(PINHOLE_EVENT_CLOSED, event.reason, event.reason != CloseReason::kPeerRestarted);
}

void KeptEvent::show(const node::ConnectFailed& event) {
    show_end(PINHOLE_EVENT_CONNECT_FAILED, event.reason, !event.retrying);
}

void KeptEvent::show(const node::RoomToSend& /*event*/) {
    shown_.type = PINHOLE_EVENT_ROOM;
}

void KeptEvent::show(const node::RoomMembers& event) {
    // Nothing moves any more once C points to it.
    member_texts_.reserve(2 * event.members.size());
    for (const auto& member : event.members) {
        const std::string& id = member_texts_.emplace_back(member.id.text());
        const std::string& key = member_texts_.emplace_back(member.key.to_string());
        members_.push_back({.id = id.c_str(), .key = key.c_str()});
    }
    shown_.type = PINHOLE_EVENT_MEMBERS;
    shown_.as.members.room = keep(std::string{event.room.text()});
    shown_.as.members.list = members_.data();
    shown_.as.members.count = members_.size();
}

void KeptEvent::show(const node::RoomRefused& event) {
    shown_.type = PINHOLE_EVENT_ROOM_REFUSED;
    shown_.as.room_refused.room = keep(std::string{event.room.text()});
    shown_.as.room_refused.trouble = trouble_of(event.why);
    shown_.as.room_refused.text = keep(std::string{node::name_of(event.why)});
}

void KeptEvent::show_lost(pinhole_trouble trouble, std::string_view sentence) {
    shown_.type = PINHOLE_EVENT_SERVER_LOST;
    shown_.as.server_lost.trouble = trouble;
    shown_.as.server_lost.text = keep(std::string{sentence});
}

void KeptEvent::show_identity(pinhole_event_type type, const crypto::PublicKey& key,
                              bool incoming) {
    shown_.type = type;
    shown_.as.identity.key = keep(key.to_string());
    shown_.as.identity.incoming = incoming ? 1 : 0;
}

void KeptEvent::show_end(pinhole_event_type type, CloseReason reason, bool gone) {
    shown_.type = type;
    shown_.as.end.reason = reason_of(reason);
    shown_.as.end.text = keep(std::string{node::name_of(reason)});
    shown_.as.end.gone = gone ? 1 : 0;
}

void KeptEvent::set_peer(node::PeerNumber peer, const node::Id& id) {
    shown_.peer = peer.value();
    std::ranges::copy(id.text(), id_.begin());
}

const char* KeptEvent::keep(std::string text) {
    assert(texts_kept_ < texts_.size());
    std::string& kept = texts_[texts_kept_++];
    kept = std::move(text);
    return kept.c_str();
}

}  // namespace pinhole::library
