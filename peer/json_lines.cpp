#include "peer/json_lines.hpp"

#include "peer/json_object.hpp"

namespace pinhole::peer::json {
namespace {

void add_path(Object& object, const node::PathChanged& event) {
    object["path"] = token_of(event.state);
    if (event.state == node::PathState::kDirect && event.remote) {
        object["remote"] = event.remote->to_string();
    }
}

void add_reason(Object& object, const node::PathChanged& event) {
    object["reason"] = traversal::name_of(event.reason);
    object["why"] = traversal::sentence_of(event.reason);
}

}  // namespace

std::string_view token_of(node::PathState state) {
    switch (state) {
        case node::PathState::kDirect: return "direct";
        case node::PathState::kRelay: return "relay";
        case node::PathState::kRelayOneWay: return "relay (one way)";
        case node::PathState::kLost: return "lost";
    }
    return "?";
}

std::string_view token_of(node::CloseReason reason) {
    switch (reason) {
        case node::CloseReason::kDone: return "done";
        case node::CloseReason::kLocal: return "local";
        case node::CloseReason::kPeerRestarted: return "peer_restarted";
        case node::CloseReason::kUnknownPeer: return "unknown_peer";
        case node::CloseReason::kUnreachable: return "unreachable";
        case node::CloseReason::kKeyMismatch: return "key_mismatch";
        case node::CloseReason::kGroupKey: return "group_key";
        case node::CloseReason::kNoAnswer: return "no_answer";
        case node::CloseReason::kRefused: return "refused";
    }
    return "?";
}

std::string_view token_of(node::ServerTrouble trouble) {
    switch (trouble) {
        case node::ServerTrouble::kNoAnswer: return "no_answer";
        case node::ServerTrouble::kKeyChanged: return "key_changed";
        case node::ServerTrouble::kIdTaken: return "id_taken";
        case node::ServerTrouble::kReplaced: return "replaced";
        case node::ServerTrouble::kFlapping: return "flapping";
        case node::ServerTrouble::kStorage: return "storage";
        case node::ServerTrouble::kLimit: return "limit";
        case node::ServerTrouble::kShutdown: return "shutdown";
    }
    return "?";
}

std::string_view token_of(Room::Change change) {
    switch (change) {
        case Room::Change::kJoined: return "joined";
        case Room::Change::kLeft: return "left";
        case Room::Change::kLost: return "lost";
        case Room::Change::kBack: return "back";
    }
    return "?";
}

std::string registered(const node::Registered& event) {
    Object object = begin("registered");
    object["server"] = event.server.to_string();
    if (event.observed) object["observed"] = event.observed->to_string();
    object["server_key"] = event.server_key.to_string(crypto::kServerKeyPrefix);
    object["over_tcp"] = event.over_tcp;
    return line(object);
}

std::string server_lost(const node::ServerLost& event) {
    Object object = begin("server_lost");
    object["trouble"] = token_of(event.trouble);
    return line(object);
}

std::string introduced(const node::PeerIntroduced& event) {
    Object object = begin("introduced");
    object["peer"] = event.id.text();
    object["key"] = event.key.to_string();
    return line(object);
}

std::string connected(const node::PeerConnected& event, bool is_new) {
    Object object = begin("connected");
    object["peer"] = event.id.text();
    object["key"] = event.key.to_string();
    object["new"] = is_new;
    return line(object);
}

std::string path(const Id& peer, const node::PathChanged& event) {
    Object object = begin("path");
    object["peer"] = peer.text();
    add_path(object, event);
    if (event.round_trip_time > Duration{}) {
        object["rtt_ms"] = milliseconds(event.round_trip_time);
    }
    add_reason(object, event);
    if (event.guesses > 0) object["guesses"] = event.guesses;
    return line(object);
}

std::string closed(const Id& peer, node::CloseReason reason) {
    Object object = begin("closed");
    object["peer"] = peer.text();
    object["reason"] = token_of(reason);
    return line(object);
}

std::string message(const Id& peer, std::uint32_t id, std::string_view text) {
    Object object = begin("message");
    object["peer"] = peer.text();
    object["id"] = id;
    object["text"] = text;
    return line(object);
}

std::string delivered(const Id& peer, std::uint32_t id) {
    Object object = begin("delivered");
    object["peer"] = peer.text();
    object["id"] = id;
    return line(object);
}

std::string room(const node::RoomMembers& event) {
    Object object = begin("room");
    object["room"] = event.room.text();
    object["members"] = Object::array();
    for (const auto& member : event.members) object["members"].push_back(member.id.text());
    return line(object);
}

std::string member(const Id& room, const Id& peer, Room::Change change) {
    Object object = begin("member");
    object["room"] = room.text();
    object["peer"] = peer.text();
    object["change"] = token_of(change);
    return line(object);
}

std::string error(ExitCode code, std::string_view message) {
    Object object = begin("error");
    object["code"] = static_cast<int>(code);
    object["message"] = message;
    return line(object);
}

std::string ping(const Pong& pong) {
    Object object = begin("ping");
    object["peer"] = pong.peer.text();
    object["number"] = pong.number;
    object["rtt_ms"] = milliseconds(pong.round_trip_time);
    if (!pong.path) return line(object);
    add_path(object, *pong.path);
    add_reason(object, *pong.path);
    return line(object);
}

}  // namespace pinhole::peer::json
