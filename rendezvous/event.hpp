// What the server tells the process around it: work for the store, and things worth a log line.
#pragma once

#include <variant>

#include "rendezvous/store_op.hpp"
#include "shared/base/endpoint.hpp"

namespace pinhole::rendezvous {

/// Please remember this. A `Claim` is to be answered by `Server::handle_stored`.
struct StoreRequest {
    StoreOp op;
};

/// A peer registered, or its registration moved to a new process.
struct PeerOnline {
    wire::Id id;
    crypto::PublicKey key;
    Endpoint observed;
};

/// A registration ended.
struct PeerOffline {
    wire::Id id;
    enum class Why : std::uint8_t { kLeft, kSilent, kReplaced, kReleased, kFlapping } why;
};

/// Two peers were told of each other.
struct PeersIntroduced {
    wire::Id asker;
    wire::Id answerer;
};

/// Every client was told to come back later: the process may end.
struct ShutdownDone {};

using Event = std::variant<StoreRequest, PeerOnline, PeerOffline, PeersIntroduced, ShutdownDone>;

}  // namespace pinhole::rendezvous
