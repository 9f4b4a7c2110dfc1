// A peer as one deterministic object: the public face of the library.
//
// A `Node` registers with a rendezvous server, connects to other peers by id, carries messages over
// ENet's channels and tells what happens in events. It owns every session, every path and the ENet
// host; it owns no socket and reads no clock (see shared/base/datagram.hpp for the verbs, and
// shared/net/driver.hpp for what joins it to the world). After every mutation, drain.
//
//     node.start(now, {server});             ->  Registered
//     node.connect(now, id)                  ->  PeerIntroduced, PeerConnected, PathChanged
//     node.send(now, peer, {channel, bytes}) ->  MessageReceived at the other side
//     node.join(now, room)                   ->  RoomMembers, and whom to connect to
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "shared/base/counters.hpp"
#include "shared/base/datagram.hpp"
#include "shared/base/io.hpp"
#include "shared/base/random.hpp"
#include "shared/node/config.hpp"
#include "shared/node/event.hpp"
#include "shared/node/own_mapping.hpp"
#include "shared/traversal/technique.hpp"

namespace pinhole::node {

/// How a peer looks at this moment.
struct PeerStatus {
    PeerNumber peer;
    Id id;
    std::optional<crypto::PublicKey> key;
    bool is_connected = false;
    /// Nothing before the first route exists.
    std::optional<PathChanged> path;
    /// Of messages handed to `send`.
    std::size_t bytes_unacknowledged = 0;
    /// How messages that we sent fared in this connection.
    reliable::Statistics sent{};
    /// Bytes of messages that came in, in all connections of this number.
    std::uint64_t bytes_received = 0;
    /// Rekeys that the present session went through.
    std::uint32_t rekeys = 0;
    /// Its NAT as it told us, and what its NAT and ours together need; nothing before it did.
    std::optional<wire::NatBehavior> nat{};
    std::optional<traversal::Plan> plan{};
};

/// A message to send. `bytes` are copied.
struct Outbound {
    std::uint8_t channel = 0;
    Bytes bytes;
    reliable::Delivery delivery = reliable::Delivery::kReliable;
};

class Node {
  public:
    using Event = NodeEvent;

    /// `random` must outlive the node. Throws `reliable::EnetUnusable` when ENet does not run on
    /// our platform layer.
    Node(NodeConfig config, Random& random);
    ~Node();
    Node(Node&&) noexcept;
    Node& operator=(Node&&) noexcept;

    void handle_datagram(Instant now, const Datagram& in);
    void handle_timeout(Instant now);
    void handle_io_event(Instant now, const IoEvent& event);
    [[nodiscard]] std::optional<Transmit> poll_transmit();
    [[nodiscard]] std::optional<IoRequest> poll_io_request();
    [[nodiscard]] std::optional<Event> poll_event();
    [[nodiscard]] Instant next_timeout() const;

    /// Begins to register with the rendezvous that answers on any of `servers` (one address of each
    /// family is enough), and keeps the registration alive until `shutdown`.
    void start(Instant now, std::vector<Endpoint> servers);

    /// Pins a key: a peer with this id and another key is refused from now on.
    void trust(const Id& id, const crypto::PublicKey& key);
    void forget(const Id& id);

    /// Asks for a connection. The same number comes back while one exists or is being made. With
    /// `keep_trying` the node repeats until `disconnect`; without, the first failure ends it.
    PeerNumber connect(Instant now, const Id& id, bool keep_trying);

    /// Queues a message; it leaves with the next drain, and what was sent since the last one shares
    /// datagrams with it.
    [[nodiscard]] Result<void, reliable::SendError> send(Instant now, PeerNumber peer,
                                                         const Outbound& message);

    /// Closes the connection after what was sent is acknowledged, then raises `PeerClosed`.
    void disconnect(Instant now, PeerNumber peer);

    /// Enters a room of the rendezvous: whoever is in it sees our id and key, and we theirs
    /// (`RoomMembers`), also those whom `AcceptPolicy` turns away. Holds until `leave`: every
    /// registration enters anew. With a group key (`NodeConfig::psk`) the room is closed: only
    /// those who have the key find it. Nobody is called.
    void join(Instant now, const Id& room);
    void leave(Instant now, const Id& room);

    /// Turns every further call away, so that nobody begins with who is about to end: for the time
    /// of a farewell, before `shutdown`.
    void refuse_calls();

    /// Says goodbye to the server and to every peer whose data is acknowledged; data still in
    /// flight is not waited for. Drain once more, then drop the node.
    void shutdown(Instant now);

    [[nodiscard]] std::optional<PeerStatus> status(PeerNumber peer) const;
    /// `PeerStatus::bytes_unacknowledged` alone, for those who ask before each message; 0 for a
    /// peer that does not exist.
    [[nodiscard]] std::size_t bytes_unacknowledged(PeerNumber peer) const;
    /// A message that is sent now leaves soon, and does not wait behind many others of its channel.
    /// If not, `RoomToSend` follows. False without a connection, and then nothing follows.
    [[nodiscard]] bool has_room(PeerNumber peer) const;
    /// Every peer that has a number, oldest first.
    [[nodiscard]] std::vector<PeerStatus> peers() const;
    [[nodiscard]] bool is_registered() const;
    /// What is known of the NAT in front of us. It fills in the seconds after registration, and
    /// anew after a network change; nothing is raised.
    [[nodiscard]] const traversal::NatReport& nat_report() const;
    [[nodiscard]] const Id& id() const;
    [[nodiscard]] const crypto::PublicKey& key() const;
    /// What came of asking the gateway for a port mapping (`NodeConfig::maps_ports`).
    [[nodiscard]] const PortMapping& port_mapping() const;
    [[nodiscard]] const DropCounters& drops() const;

  private:
    class Core;
    std::unique_ptr<Core> core_;
};

}  // namespace pinhole::node
