// What can go wrong, as sentences: what happened, the likely cause, and the next command.
//
// Pure functions from facts to an exit code and a text of one or two lines.
#pragma once

#include <optional>
#include <string>

#include "peer/exit_code.hpp"
#include "peer/trust_store.hpp"
#include "shared/node/config.hpp"

namespace pinhole::peer {

struct Problem {
    ExitCode code = ExitCode::kOther;
    std::string text;
};

[[nodiscard]] Problem name_not_resolved(const std::string& sentence);
/// The rendezvous was never ours, or has ceased to be: why, and what to do. `known` is the key
/// that we hold of it and `shown` the one that it shows, where there are such.
struct ServerTroubleFacts {
    node::ServerTrouble trouble = node::ServerTrouble::kNoAnswer;
    std::string via;
    Id self;
    std::optional<KnownKey> known{};
    std::optional<crypto::PublicKey> shown{};
};
[[nodiscard]] Problem server_trouble(const ServerTroubleFacts& facts);

/// A peer shows another key than the one that we know.
struct KeyChange {
    PeerName name;
    /// The id alone, when it names one entry, else the whole name: what `peer trust` takes.
    std::string word;
    KnownKey known;
    crypto::PublicKey announced;
};
[[nodiscard]] Problem peer_key_changed(const KeyChange& change);

/// No connection to `peer` came about.
[[nodiscard]] Problem not_connected(const Id& peer, node::CloseReason reason,
                                    const std::string& via);
/// The rendezvous does not let us into the room.
[[nodiscard]] Problem room_refused(const Id& room, node::RoomTrouble why, const std::string& via);
/// There is nobody in the room to whom a message could go.
[[nodiscard]] Problem nobody_in_room(const Id& room, const std::string& via);
[[nodiscard]] Problem room_message_timed_out(const Id& room, std::size_t unconfirmed);
[[nodiscard]] Problem message_timed_out(const Id& peer, bool was_connected);
[[nodiscard]] Problem ping_timed_out(const Id& peer, bool was_connected);
[[nodiscard]] Problem only_a_relay(const Id& peer, std::string_view why);

}  // namespace pinhole::peer
