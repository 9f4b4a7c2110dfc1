// What a node is told at its birth, and the closed sets in which it speaks of its peers.
#pragma once

#include <optional>
#include <string_view>

#include "shared/base/tagged.hpp"
#include "shared/crypto/key_text.hpp"
#include "shared/crypto/keys.hpp"
#include "shared/reliable/enet_host.hpp"
#include "shared/traversal/action.hpp"
#include "shared/traversal/discovery.hpp"
#include "shared/wire/id.hpp"

namespace pinhole::node {

using wire::Id;

/// The node's local name of one remote peer, valid until its `PeerClosed` or `ConnectFailed`.
using PeerNumber = Tagged<struct PeerNumberTag, std::uint32_t>;

/// Whose calls we take. With `kKnown` and `kNone` the rendezvous asks before it tells a caller
/// anything, so a stranger cannot tell refusal from absence.
enum class AcceptPolicy : std::uint8_t {
    kAll,    ///< everybody; strangers are announced
    kKnown,  ///< ids that `trust` named, and whom we connect to ourselves
    kNone,   ///< nobody; only our own `connect` makes peers
};

struct NodeConfig {
    Id id;
    crypto::KeyPair keys;
    /// The key of a closed group; zeros for none.
    crypto::Psk psk{};
    AcceptPolicy accept = AcceptPolicy::kAll;
    /// The server's key as pinned or remembered; nothing = take the one it shows and say so.
    std::optional<crypto::PublicKey> server_key{};
    /// Where the server takes TCP, for networks that block UDP; nothing = at its UDP port.
    std::optional<std::uint16_t> server_tcp_port{};
    /// Offer AES-256-GCM. An argument, not a look at the CPU: traces repeat across machines.
    bool offers_aes256gcm = false;
    /// What is found out about the NAT beyond what costs nothing.
    traversal::DiscoveryOptions nat_discovery{};
    /// Guess ports, up to 2000 datagrams for a pair, where nothing else can work.
    bool sprays = true;
    /// Ask the gateway for a port mapping (PCP, NAT-PMP, UPnP) where a NAT is seen. Off unless
    /// asked for: it opens a port on somebody's router.
    bool maps_ports = false;
    reliable::EnetOptions enet{};
};

using traversal::PathState;
using traversal::Reason;

/// Why there is no connection to a peer, or no longer one.
enum class CloseReason : std::uint8_t {
    kDone,           ///< the other side left
    kLocal,          ///< we left
    kPeerRestarted,  ///< the other side started anew or calls anew; `PeerConnected` follows
    kUnknownPeer,    ///< unknown, offline, or it refused
    kUnreachable,    ///< registered, but it does not answer the rendezvous
    kKeyMismatch,    ///< the key is not the one that was pinned
    kGroupKey,       ///< the group keys differ
    kNoAnswer,       ///< introduced, but no handshake came back
    kRefused,        ///< a budget of the server refused it
};

/// A clear sentence fragment for people.
[[nodiscard]] std::string_view name_of(CloseReason reason);

/// Why the rendezvous is not ours.
enum class ServerTrouble : std::uint8_t {
    kNoAnswer,    ///< nothing came back over UDP; the node goes on trying
    kKeyChanged,  ///< it shows another key than the pinned one; the node stops
    kIdTaken,     ///< the id belongs to another key; the node stops
    kReplaced,    ///< another process with our key took the registration; the node stops
    kFlapping,    ///< two processes with our key displace each other; the node waits
    kStorage,     ///< the server could not store a new id; the node goes on trying
    kLimit,       ///< a budget of the server refused it; the node goes on trying
    kShutdown,    ///< the server stops; the node comes back by itself
};

/// Why the rendezvous does not tell who is in a room. The node goes on asking, slowly.
enum class RoomTrouble : std::uint8_t {
    kFull,      ///< as many are in it as fit
    kLimit,     ///< a budget of the server is used up: rooms of one peer, joins in a while, rooms
    kNoAnswer,  ///< the server is there, and says nothing: it is an older one that knows no rooms
};

/// A clear sentence fragment for people.
[[nodiscard]] std::string_view name_of(RoomTrouble trouble);

}  // namespace pinhole::node
