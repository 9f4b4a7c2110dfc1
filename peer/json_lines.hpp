// One JSON object a line for machines: {"v":1,"event":...}. Fields may be added, never renamed.
//
// Pure functions. All non-ASCII characters are escaped, so a line is harmless on a terminal too;
// bytes that are no UTF-8 become U+FFFD.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "peer/exit_code.hpp"
#include "peer/room.hpp"
#include "shared/node/event.hpp"

namespace pinhole::peer::json {

using node::Id;

[[nodiscard]] std::string registered(const node::Registered& event);
[[nodiscard]] std::string server_lost(const node::ServerLost& event);
[[nodiscard]] std::string introduced(const node::PeerIntroduced& event);
/// `is_new`: the key was not known before.
[[nodiscard]] std::string connected(const node::PeerConnected& event, bool is_new);
[[nodiscard]] std::string path(const Id& peer, const node::PathChanged& event);
[[nodiscard]] std::string closed(const Id& peer, node::CloseReason reason);
/// `text` may hold anything.
[[nodiscard]] std::string message(const Id& peer, std::uint32_t id, std::string_view text);
[[nodiscard]] std::string delivered(const Id& peer, std::uint32_t id);
/// Who is in a room.
[[nodiscard]] std::string room(const node::RoomMembers& event);
[[nodiscard]] std::string member(const Id& room, const Id& peer, Room::Change change);
[[nodiscard]] std::string error(ExitCode code, std::string_view message);

/// One answered measurement of `ping`.
struct Pong {
    Id peer;
    std::uint32_t number = 0;
    Duration round_trip_time{};
    std::optional<node::PathChanged> path;
};
[[nodiscard]] std::string ping(const Pong& pong);

/// The token of a state of the way to a peer.
[[nodiscard]] std::string_view token_of(node::PathState state);
[[nodiscard]] std::string_view token_of(node::CloseReason reason);
[[nodiscard]] std::string_view token_of(node::ServerTrouble trouble);
[[nodiscard]] std::string_view token_of(Room::Change change);

}  // namespace pinhole::peer::json
