// The inside of `Node`: it owns the parts, and every datagram passes it once in each direction.
//
// node.cpp holds the verbs and commands, demux.cpp the way of an arriving datagram to its owner,
// core_network.cpp what the machine and its network do to us.
#pragma once

#include <map>
#include <unordered_map>

#include "shared/crypto/cookie.hpp"
#include "shared/node/nat_watch.hpp"
#include "shared/node/node.hpp"
#include "shared/node/own_mapping.hpp"
#include "shared/node/peer_link.hpp"

namespace pinhole::node {

/// Outgoing datagrams that may wait for the driver at a time: a burst of ENet's window.
inline constexpr std::size_t kTransmitsMax = 4096;
/// Peers with a number at a time; ENet has as many slots by default.
inline constexpr std::size_t kPeersMax = 64;
/// From so many pending sessions on an initiation must show a cookie first (protocol.md).
inline constexpr std::size_t kPendingWithoutCookie = 8;
/// Whoever is woken so much later than it asked for has slept, and may be in another network now
/// (protocol.md, Time).
inline constexpr Duration kGapMax = 5s;

class Node::Core {
  public:
    Core(NodeConfig config, Random& random);

    void handle_datagram(Instant now, const Datagram& in);
    void handle_timeout(Instant now);
    void handle_io_event(Instant now, const IoEvent& event);
    [[nodiscard]] std::optional<Transmit> poll_transmit();
    [[nodiscard]] std::optional<IoRequest> poll_io_request();
    [[nodiscard]] std::optional<Event> poll_event();
    [[nodiscard]] Instant next_timeout() const;

    void start(Instant now, std::vector<Endpoint> servers);
    void trust(const Id& id, const crypto::PublicKey& key) { trusted_.insert_or_assign(id, key); }
    void forget(const Id& id) { trusted_.erase(id); }
    PeerNumber connect(Instant now, const Id& id, bool keep_trying);
    [[nodiscard]] Result<void, reliable::SendError> send(Instant now, PeerNumber peer,
                                                         const Outbound& message);
    void disconnect(Instant now, PeerNumber peer);
    void join(Instant now, const Id& room);
    void leave(Instant now, const Id& room);
    void refuse_calls() { refuses_calls_ = true; }
    void shutdown(Instant now);

    [[nodiscard]] std::optional<PeerStatus> status(PeerNumber peer) const;
    [[nodiscard]] std::size_t bytes_unacknowledged(PeerNumber peer) const;
    [[nodiscard]] bool has_room(PeerNumber peer) const;
    [[nodiscard]] std::vector<PeerStatus> peers() const;
    [[nodiscard]] bool is_registered() const { return rendezvous_.is_registered(); }
    [[nodiscard]] const NodeConfig& config() const { return config_; }
    [[nodiscard]] const DropCounters& drops() const { return drops_; }
    [[nodiscard]] const traversal::NatReport& nat_report() const { return nat_watch_.report(); }
    [[nodiscard]] const PortMapping& port_mapping() const { return own_mapping_.status(); }

  private:
    // The way in (demux.cpp).
    void handle_message(Instant now, const Route& route, Bytes message);
    /// From the server's stream comes what the server says, and nothing else.
    [[nodiscard]] bool may_be_on_stream(Bytes message) const;
    void handle_initiation(Instant now, const Route& route, Bytes message);
    void handle_response(Instant now, const Route& route, Bytes message);
    void handle_transport(Instant now, const Route& route, Bytes message);
    void handle_opener(Instant now, const Route& route, Bytes message);
    void handle_retry(const Route& route, Bytes message);
    void handle_gone(Instant now, Bytes message);
    void handle_binding_response(Instant now, const Route& route, Bytes message);
    void handle_binding_request(Instant now, const Route& route, Bytes message);
    void handle_server_frame(Instant now, const wire::ServerFrame& frame);
    void handle_introduction(Instant now, const wire::Introduction& in);
    [[nodiscard]] bool is_welcome(const wire::Introduction& in) const;

    // Owners.
    /// Tells who asked for a spare socket what became of it.
    void handle_spare(Instant now, SocketId socket, const IoEvent& event);
    [[nodiscard]] PeerLink* find(PeerNumber number);
    [[nodiscard]] PeerLink* find(const Id& id);
    /// The link of this id, made when there is none and room for one.
    [[nodiscard]] PeerLink* find_or_make(Instant now, const Id& id);
    [[nodiscard]] traversal::LocalSockets local_sockets() const;
    [[nodiscard]] std::size_t pending_count() const;

    // Around every mutation (node.cpp).
    /// Notices that we were woken much later than we asked to be.
    void notice_gap(Instant now);
    void on_network_changed(Instant now);
    void settle(Instant now);
    /// Settles what `send` and arrived ENet datagrams left for the first poll after them.
    void settle_rest();
    void take_rendezvous_news(Instant now);
    void take_nat_news(Instant now);
    void measure_ports(Instant now);
    void send_enet_datagrams(Instant now);
    void take_enet_events();
    void take(const reliable::EnetEvent& event);

    NodeConfig config_;
    Incarnation incarnation_;
    DropCounters drops_;
    TransmitQueue out_{kTransmitsMax};
    EventQueue events_;
    IndexTable indices_;
    session::SessionContext context_;
    crypto::CookieJar cookies_;
    PinnedKeys trusted_;
    EnetPort enet_;
    RendezvousClient rendezvous_;
    OwnMapping own_mapping_;
    Spares spares_;
    NatWatch nat_watch_;
    traversal::SprayPermit spray_permit_;
    PeerLink::Shared link_shared_;
    std::map<PeerNumber, std::unique_ptr<PeerLink>> links_;
    std::uint32_t next_peer_ = 1;
    bool has_v4_ = false;
    bool has_v6_ = false;
    /// The machine has a usable address of the family, as far as its interfaces tell.
    bool lists_v4_ = false;
    bool lists_v6_ = false;
    /// It had one and lost it: what the server saw of the family is over.
    bool lost_v4_ = false;
    bool lost_v6_ = false;
    Instant last_mutation_{};
    /// Messages were sent or ENet datagrams arrived since the last settling: what they make leave
    /// is to share datagrams.
    bool has_rest_ = false;
    /// `poll_transmit` has not said yet that there is nothing more.
    bool in_burst_ = false;
    /// Nothing in the datagram at hand needs more than that.
    bool is_enet_only_ = false;
    /// We are about to end.
    bool refuses_calls_ = false;
    bool had_relay_ = false;
    bool was_udp_blocked_ = false;
    /// Where datagrams are opened to: the outer one, and the one inside a relay frame.
    std::array<std::byte, kUdpPayloadProbed> opening_;
    std::array<std::byte, kUdpPayloadProbed> opening_relayed_;
};

}  // namespace pinhole::node
