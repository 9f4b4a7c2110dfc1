// What a node tells its owner. Every event is a value; texts and keys are for people and files.
#pragma once

#include <variant>
#include <vector>

#include "shared/base/endpoint.hpp"
#include "shared/base/io.hpp"
#include "shared/base/time.hpp"
#include "shared/node/config.hpp"

namespace pinhole::node {

/// The rendezvous proved that it has this key. Raised with every session with it, before anything
/// comes back that was asked of it: pins that hang on its key are in time now.
struct ServerProven {
    crypto::PublicKey server_key;
};

/// The rendezvous knows us. Raised after every registration, so also after a server's restart.
struct Registered {
    Endpoint server;
    /// Where the server sees us.
    std::optional<Endpoint> observed;
    /// The server's key; remember it when none was configured.
    crypto::PublicKey server_key;
    bool is_first_contact = false;
    Duration round_trip_time{};
    /// UDP does not get out of this network; the server is reached over TCP.
    bool over_tcp = false;
};

/// The rendezvous is not reachable, or not ours any more. Raised once per change of trouble.
struct ServerLost {
    ServerTrouble trouble = ServerTrouble::kNoAnswer;
    /// For kKeyChanged: what it shows now.
    std::optional<crypto::PublicKey> shown_key;
};

/// The rendezvous told us whom an id belongs to; the handshake is on its way.
struct PeerIntroduced {
    PeerNumber peer;
    Id id;
    crypto::PublicKey key;
    /// True when the other side asked for us.
    bool incoming = false;
};

/// Somebody called and `AcceptPolicy` turned him away.
struct CallRefused {
    Id id;
    crypto::PublicKey key;
};

/// The key announced for this id is not the pinned one: nothing was sent to it.
struct KeyMismatch {
    PeerNumber peer;
    Id id;
    crypto::PublicKey pinned;
    crypto::PublicKey announced;
    bool incoming = false;
};

/// Messages flow. Raised again, with a new connection, after kPeerRestarted.
struct PeerConnected {
    PeerNumber peer;
    Id id;
    crypto::PublicKey key;
    bool incoming = false;
};

/// `bytes` are borrowed and valid until the next `poll_event`.
struct MessageReceived {
    PeerNumber peer;
    std::uint8_t channel = 0;
    Bytes bytes;
};

struct PathChanged {
    PeerNumber peer;
    PathState state = PathState::kRelay;
    /// Why; `traversal::sentence_of` has the words.
    Reason reason = Reason::kChecking;
    /// Where our data goes, when that is a direct path.
    std::optional<Endpoint> remote;
    /// Smoothed; zero before the first answer.
    Duration round_trip_time{};
    /// How many guesses of ports were begun for it; 0 where plain checks did.
    unsigned guesses = 0;
};

/// The connection is over. After kPeerRestarted the number stays valid and a new connection
/// follows; after every other reason the number is gone.
struct PeerClosed {
    PeerNumber peer;
    Id id;
    CloseReason reason = CloseReason::kDone;
};

/// One try to connect came to nothing. The node goes on trying when `retrying`; else the number is
/// gone.
struct ConnectFailed {
    PeerNumber peer;
    Id id;
    CloseReason reason = CloseReason::kUnknownPeer;
    bool retrying = false;
};

/// `Node::has_room` said no, or `send` refused with `kQueueFull`; now a message leaves soon.
struct RoomToSend {
    PeerNumber peer;
};

/// Who is in a room, as the rendezvous knows: all others that are registered. Raised when we are
/// in, with every change, and again after each registration. Whom of them to call is the owner's
/// business; a connection outlives the membership.
struct RoomMembers {
    struct Member {
        Id id;
        crypto::PublicKey key;

        friend bool operator==(const Member&, const Member&) = default;
    };
    /// As it was joined.
    Id room;
    /// In the order of their coming, at most 15.
    std::vector<Member> members;
};

/// We are not in the room, or not any more. Raised once per change of trouble; `RoomMembers` ends
/// it.
struct RoomRefused {
    Id room;
    RoomTrouble why = RoomTrouble::kLimit;
};

using NodeEvent = std::variant<ServerProven, Registered, ServerLost, PeerIntroduced, CallRefused,
                               KeyMismatch, PeerConnected, MessageReceived, PathChanged, PeerClosed,
                               ConnectFailed, RoomToSend, RoomMembers, RoomRefused>;

}  // namespace pinhole::node
