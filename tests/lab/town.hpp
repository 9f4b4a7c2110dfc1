// A rendezvous and its peers on the virtual internet: the real `Server`, real `Node`s, real ENet.
//
//     Town town{seed};
//     Peer& alice = town.add_peer("alice", town.home("a", "eim_apdf"));
//     Peer& bob = town.add_peer("bob", town.home("b", "eim_apdf"));
//     town.register_all();
//     town.connect(alice, bob);
//     town.run_until([&] { return alice.is_direct() && bob.is_direct(); }, 10s)
//
// A `Peer` outlives its process: `restart` kills the node and starts another one with the same
// identity, and the log goes on. What the server wants stored lands in the town's own store after
// the time a disk needs, and a restarted server gets it back.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "rendezvous/server.hpp"
#include "shared/node/node.hpp"
#include "tests/lab/lab.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::lab {

/// The rendezvous, where it always is.
inline constexpr std::string_view kServerV4 = "198.51.100.10";
inline constexpr std::string_view kServerV6 = "2001:db8:5::10";
inline constexpr std::uint16_t kServerPort = 3478;
/// The next port is the server's, too, and with `give_server_second_address` this address.
inline constexpr std::uint16_t kServerSecondPort = 3479;
inline constexpr std::string_view kServerOtherV4 = "198.51.100.11";
/// From a claim to its durability.
inline constexpr Duration kStoreLatency = 20ms;

class Town;

/// One user: an identity, a machine, a node on it, and everything the node ever said.
class Peer {
  public:
    struct Received {
        Instant at;
        std::string from;
        std::string text;
        /// Which of the connections with that sender, the first being 1.
        std::size_t connection = 0;
    };
    struct Closed {
        Instant at;
        std::string id;
        node::CloseReason reason;
    };

    [[nodiscard]] const std::string& id() const { return id_; }
    [[nodiscard]] Host& host() { return *host_; }
    [[nodiscard]] node::Node& node() { return *node_; }
    [[nodiscard]] const crypto::PublicKey& key() const { return keys_.public_key; }

    /// The path to the only, or last, peer; nothing before the first word about it.
    [[nodiscard]] std::optional<node::PathState> path() const;
    [[nodiscard]] std::optional<node::PathChanged> path_changed() const { return path_; }
    [[nodiscard]] bool is_direct() const { return path() == node::PathState::kDirect; }
    [[nodiscard]] bool is_connected() const { return !connected_to_.empty(); }
    [[nodiscard]] bool is_connected_to(const Peer& other) const {
        return connected_to_.contains(other.id_);
    }
    /// Connections that were ever made.
    [[nodiscard]] std::size_t connections() const { return connections_; }
    /// The same with one other peer.
    [[nodiscard]] std::size_t connections_with(const std::string& other) const;
    [[nodiscard]] std::size_t registrations() const { return registrations_; }
    /// By its last word the server is reached over TCP.
    [[nodiscard]] bool is_over_tcp() const { return is_over_tcp_; }
    [[nodiscard]] Instant registered_at() const { return registered_at_; }
    /// Processes that were ever started.
    [[nodiscard]] std::size_t processes() const { return processes_; }
    [[nodiscard]] const std::vector<Received>& received() const { return received_; }
    [[nodiscard]] std::vector<std::string> texts() const;
    [[nodiscard]] const std::vector<Closed>& closed() const { return closed_; }
    [[nodiscard]] const std::vector<node::ConnectFailed>& failures() const { return failures_; }
    [[nodiscard]] const std::vector<node::KeyMismatch>& mismatches() const { return mismatches_; }
    [[nodiscard]] const std::vector<node::CallRefused>& refused() const { return refused_; }
    [[nodiscard]] const std::vector<node::ServerLost>& troubles() const { return troubles_; }
    [[nodiscard]] std::optional<Instant> introduced_at() const { return introduced_at_; }
    [[nodiscard]] std::optional<Instant> connected_at() const { return connected_at_; }
    [[nodiscard]] std::optional<Instant> direct_at() const { return direct_at_; }
    /// The rendezvous took us into that room and has not refused us since.
    [[nodiscard]] bool is_in(const std::string& room) const { return rosters_.contains(room); }
    /// Who else is in that room, by its last word.
    [[nodiscard]] std::set<std::string> members_of(const std::string& room) const;
    /// How often it said who is in one.
    [[nodiscard]] std::size_t told_of_rooms() const { return told_of_rooms_; }
    [[nodiscard]] const std::vector<node::RoomRefused>& room_refusals() const {
        return room_refusals_;
    }
    /// How often there was room to send again.
    [[nodiscard]] std::size_t rooms() const { return rooms_; }
    /// What its node says of the peer that came last.
    [[nodiscard]] node::PeerStatus node_status() const { return *node_->status(last_peer_); }
    /// Every state the path went through, in order.
    [[nodiscard]] const std::vector<node::PathState>& path_history() const { return history_; }

  private:
    friend class Town;

    void take(Instant now, const node::NodeEvent& event);

    std::string id_;
    Host* host_ = nullptr;
    crypto::KeyPair keys_;
    crypto::Psk psk_;
    node::AcceptPolicy accept_ = node::AcceptPolicy::kAll;
    bool knows_server_v4_only_ = false;
    traversal::DiscoveryOptions nat_discovery_{};
    bool sprays_ = true;
    bool maps_ports_ = false;
    std::unique_ptr<test::SeededRandom> random_;
    std::unique_ptr<node::Node> node_;
    node::PeerNumber last_peer_{};
    std::optional<node::PathChanged> path_;
    std::size_t connections_ = 0;
    std::map<std::string, std::size_t> connections_with_;
    std::set<std::string> connected_to_;
    std::map<std::string, node::PeerNumber> numbers_;
    std::size_t registrations_ = 0;
    std::size_t rooms_ = 0;
    bool is_over_tcp_ = false;
    std::size_t processes_ = 0;
    Instant registered_at_{};
    std::vector<Received> received_;
    std::vector<Closed> closed_;
    std::vector<node::ConnectFailed> failures_;
    std::vector<node::KeyMismatch> mismatches_;
    std::vector<node::CallRefused> refused_;
    std::vector<node::ServerLost> troubles_;
    std::vector<node::PathState> history_;
    std::map<std::string, std::set<std::string>> rosters_;
    std::size_t told_of_rooms_ = 0;
    std::vector<node::RoomRefused> room_refusals_;
    std::optional<Instant> introduced_at_;
    std::optional<Instant> connected_at_;
    std::optional<Instant> direct_at_;
};

struct PeerOptions {
    /// Another identity than the one that the id alone would give: an impostor.
    std::string_view identity = {};
    node::AcceptPolicy accept = node::AcceptPolicy::kAll;
    std::optional<crypto::Psk> psk{};
    /// Was given the server's IPv4 address alone, as `--via 198.51.100.10` does.
    bool knows_server_v4_only = false;
    traversal::DiscoveryOptions nat_discovery{};
    bool sprays = true;
    bool maps_ports = false;
};

class Town {
  public:
    explicit Town(std::uint64_t seed, LabOptions options = {});
    ~Town();

    [[nodiscard]] Lab& lab() { return lab_; }
    [[nodiscard]] rendezvous::Server& server() { return *server_; }
    [[nodiscard]] Host& vps() { return *vps_; }
    [[nodiscard]] std::string where() const { return lab_.where(); }

    /// A machine behind a NAT of that profile, in a subnet and with an address of its own; "open"
    /// is a machine right on the core.
    Host& home(const std::string& name, std::string_view profile);
    /// The same behind a given profile.
    Host& home(const std::string& name, const NatProfile& profile);
    /// A home under a carrier's NAT of its own. `nat(name)` is the home's, `uplink` the carrier's.
    Host& home_under_carrier(const std::string& name, const NatProfile& home,
                             const NatProfile& carrier);
    /// A home without machines, whose LAN has an IPv6 prefix behind a firewall besides.
    NatBox& dual_stack_home(const std::string& name, std::string_view profile_v4);
    /// The NAT that `home(name, ...)` made.
    [[nodiscard]] NatBox& nat(const std::string& name) { return *nats_.at(name); }
    /// The cable between that home and the core.
    [[nodiscard]] Cable& uplink(const std::string& name) { return *uplinks_.at(name); }

    Peer& add_peer(std::string id, Host& host, const PeerOptions& options = {});
    /// Starts the peer's node (again) and lets it register.
    void start(Peer& peer);
    void kill(Peer& peer);
    void restart(Peer& peer);
    /// Starts every peer that does not run and waits until all are registered. False on a timeout.
    bool register_all();

    void connect(Peer& from, const Peer& to, bool keep_trying = true);
    /// Sends on channel 1 to the peer it is connected to. True when it was queued.
    bool send(Peer& from, std::string_view text);
    /// The same to one of several peers.
    bool send(Peer& from, const Peer& to, std::string_view text);
    /// Closes gracefully.
    void disconnect(Peer& from, const Peer& to);
    void join(Peer& peer, const std::string& room);
    void leave(Peer& peer, const std::string& room);
    /// Pins a key in the running node.
    void trust(Peer& peer, const std::string& id, const crypto::PublicKey& key);

    /// The server listens on two IPv4 addresses from now on, each by its own sockets.
    void give_server_second_address();
    /// The server takes TCP, too, from now on and after every restart.
    void take_tcp() { vps_->listen(kServerPort); }
    /// The next process of the server has another identity: it was set up anew, or is an impostor.
    void change_server_keys();
    void kill_server();
    /// Lets the server say goodbye, then ends its process.
    void stop_server();
    /// A new process on the same machine, key and store.
    void start_server();

    void run_for(Duration duration) { lab_.run_for(duration); }
    template <class Predicate>
    Reached run_until(Predicate predicate, Duration limit) {
        return lab_.run_until(std::move(predicate), limit);
    }

  private:
    void take(const rendezvous::Event& event);
    void bind_server();

    Lab lab_;
    Host* vps_;
    crypto::KeyPair server_keys_;
    std::unique_ptr<test::SeededRandom> server_random_;
    std::unique_ptr<rendezvous::Server> server_;
    std::map<wire::Id, rendezvous::StoredBinding> store_;
    std::map<std::string, NatBox*> nats_;
    std::map<std::string, Cable*> uplinks_;
    std::vector<std::unique_ptr<Peer>> peers_;
    std::uint32_t homes_ = 0;
    std::uint64_t starts_ = 0;
    bool has_second_address_ = false;
};

}  // namespace pinhole::lab
