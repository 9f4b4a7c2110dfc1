// A machine of the virtual internet: addresses, sockets, and one program that runs on it.
//
// It does for a core what the real driver does: hands it datagrams, deadlines and I/O events, and
// after every mutation drains its transmits, requests and events. Several addresses and several
// cables (Wi-Fi and cellular) are possible. A core that spins, sending or waking without time going
// on, ends the test by a `LabFailure`.
#pragma once

#include <map>
#include <memory>
#include <stdexcept>

#include "shared/base/counters.hpp"
#include "tests/lab/host_streams.hpp"
#include "tests/lab/program.hpp"
#include "tests/lab/router.hpp"

namespace pinhole::lab {

/// A scenario went out of bounds; the text says which and names the seed.
class LabFailure : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// How a machine behaves, apart from what runs on it.
struct HostTraits {
    /// ICMP errors reach the core (IP_RECVERR on real sockets).
    bool hears_icmp = true;
    /// A datagram to a closed port is answered by ICMP port unreachable.
    bool answers_closed_ports = true;
    /// Datagrams or wake-ups at one instant before the core counts as spinning.
    std::size_t burst_max = 4096;
};

/// The local ports a program starts with; 0 = random, as peers must have it.
struct StartPorts {
    std::uint16_t v4 = 0;
    std::uint16_t v6 = 0;
};

class Host final : public Node, public EventTarget {
  public:
    Host(World world, std::string name, std::uint64_t seed);
    ~Host() override;

    // --- wiring; `Lab` does the first, tests the others while the internet runs ---

    /// Adds a network interface with these addresses. The router must outlive the host.
    void plug_into(Router& router, Attachment attachment, const std::vector<IpAddress>& addresses);
    /// Moves one interface to other addresses on the same router (roaming, renumbering). The core
    /// hears `InterfacesChanged`; its sockets stay, as unbound sockets do.
    void change_addresses(const std::vector<IpAddress>& addresses, std::size_t interface_index = 0);
    /// Takes an interface away (addresses gone, cable cut) or brings it back.
    void set_interface_up(bool is_up, std::size_t interface_index = 0);
    /// The cable of an interface, for blackouts and loss the core does not hear of.
    [[nodiscard]] Cable& cable(std::size_t interface_index = 0);
    /// Programs take TCP streams at this port from now on.
    void listen(std::uint16_t port) { streams_.listen(port); }
    void set_traits(const HostTraits& traits) { traits_ = traits; }

    // --- the program ---

    /// Runs `core` here from now on: opens sockets 0 (IPv4) and 1 (IPv6), tells it so and which
    /// addresses it has, and drains it. `core` is borrowed until `kill` or the next `start`.
    template <class Core, class OnEvent>
    void start(Core& core, OnEvent on_event, StartPorts ports = {}) {
        run(std::make_unique<ProgramOf<Core, OnEvent>>(core, std::move(on_event)), ports);
    }
    /// The same for a core without events, or whose events nobody cares for.
    template <class Core>
    void start(Core& core, StartPorts ports = {}) {
        start(core, [](Instant, const auto&) {}, ports);
    }
    /// Gives the running program a socket under a name of the caller's choice, on one address or on
    /// all; one of that name is closed first. Servers have such sockets.
    void bind(SocketId id, const Endpoint& local);
    /// The process is gone without a word; its sockets are closed.
    void kill();
    [[nodiscard]] bool is_running() const { return program_ != nullptr; }
    /// The machine is suspended: nothing arrives, no timer runs, nothing may be mutated; time goes
    /// on outside. `thaw` wakes it into the time that is then.
    void freeze() { is_frozen_ = true; }
    void thaw();
    [[nodiscard]] bool is_frozen() const { return is_frozen_; }

    /// Calls `mutation(now)`, which may do anything to the running core, and drains it.
    template <class Mutation>
    void mutate(Mutation mutation) {
        mutation(world_.queue.now());
        drain();
    }
    /// To be called after the core was changed behind the host's back.
    void drain();

    // --- what a test reads ---

    [[nodiscard]] const std::string& name() const { return name_; }
    /// The first address of that family. There must be one.
    [[nodiscard]] IpAddress address(Family family = Family::kV4) const;
    /// The port of an open socket, or nothing.
    [[nodiscard]] std::optional<std::uint16_t> port_of(SocketId socket) const;
    /// Datagrams and payload bytes that left for one address, or in all.
    [[nodiscard]] Traffic sent_to(const IpAddress& destination) const;
    [[nodiscard]] const std::map<IpAddress, Traffic>& sent_by_destination() const { return sent_; }
    [[nodiscard]] Traffic sent() const;
    [[nodiscard]] Traffic received() const { return received_; }
    /// How often a deadline of the program's own came, which is what wakes an idle machine.
    [[nodiscard]] std::uint64_t wake_ups() const { return wake_ups_; }

    /// The number under which the next interface will be plugged in.
    [[nodiscard]] CableId next_interface() const { return interfaces_.size(); }
    /// Puts a packet with any source on the first cable: what an attacker can do.
    void send_raw(Packet packet);

    void receive(Instant now, CableId cable, Packet packet) override;
    void handle_event(Instant now, std::uint64_t token) override;

  private:
    struct Interface {
        Router* router;
        Attachment attachment;
        std::vector<IpAddress> addresses;
        bool is_up = true;
    };
    struct Socket {
        SocketId id;
        Family family;
        std::uint16_t port;
        /// Unspecified: every address of the family.
        IpAddress ip;
    };

    void run(std::unique_ptr<Program> program, StartPorts ports);
    void announce_interfaces();
    void serve(const IoRequest& request);
    void open_socket(const OpenSocket& request);
    void map_port(const MapPort& request);
    void unmap_port(const UnmapPort& request);
    [[nodiscard]] std::optional<std::uint16_t> free_port(Family family, std::uint16_t wanted);
    [[nodiscard]] const Socket* socket_named(SocketId id) const;
    /// The socket that gets what is sent to `local`; any of that port for an unspecified address.
    [[nodiscard]] const Socket* socket_at(const Endpoint& local) const;

    void send(const Transmit& transmit);
    void send_one(const Transmit& transmit, Bytes bytes);
    /// The interface and source address that lead to `destination`.
    struct Exit {
        const Interface* interface;
        IpAddress source;
    };
    [[nodiscard]] std::optional<Exit> exit_to(const IpAddress& destination) const;
    [[nodiscard]] bool has_address(const IpAddress& address) const;
    void receive_icmp(Instant now, const IcmpQuote& quote);
    void refuse(const Packet& packet);
    void trace(const Packet& packet, Fate fate) const;
    void emit(const Exit& exit, Packet packet);

    void plan_wake_up();
    void guard_against_spinning();
    [[nodiscard]] HostStreams::Surroundings stream_surroundings();

    World world_;
    std::string name_;
    std::unique_ptr<Random> random_;
    HostTraits traits_;
    std::vector<Interface> interfaces_;
    std::vector<Socket> sockets_;

    std::unique_ptr<Program> program_;
    bool is_draining_ = false;
    bool is_frozen_ = false;
    Instant wake_at_ = kNever;
    std::uint64_t wake_token_ = 0;
    std::uint64_t wake_ups_ = 0;
    Instant burst_at_{};
    std::size_t burst_ = 0;

    std::map<IpAddress, Traffic> sent_;
    Traffic received_;
    HostStreams streams_;
};

}  // namespace pinhole::lab
