// How a running peer stands, as one value, for people and for machines.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shared/node/node.hpp"

namespace pinhole::peer {

struct StatusReport {
    node::Id id;
    crypto::PublicKey key;
    /// Of its process.
    int pid = 0;
    std::string via;
    /// Whether the rendezvous knows us now, and what it said when it last took us.
    bool is_registered = false;
    std::optional<node::Registered> server;
    node::PortMapping port_mapping{};
    /// Streams of all peers: pipes, forwarded connections, transfers.
    std::size_t streams = 0;
    /// Of these streams, before they left: more came at once than the connections took.
    std::uint64_t datagrams_dropped = 0;
    std::vector<node::PeerStatus> peers;
};

/// Bytes that had to be sent again, of all that were sent, in percent; nothing before any was.
[[nodiscard]] std::optional<double> loss_percent(const node::PeerStatus& peer);

/// A few lines for people, with a line end.
[[nodiscard]] std::string status_text(const StatusReport& report);
/// One line of JSON, with a line end: {"v":1,"event":"status",...}.
[[nodiscard]] std::string status_json(const StatusReport& report);

}  // namespace pinhole::peer
