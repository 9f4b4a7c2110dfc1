// A NAT as a pure object, in the words of RFC 4787: what it maps, what it lets in, which port it
// takes, how long it remembers.
//
// It owns its tables and nothing else: time is an argument, random ports come from a `Random&`, and
// it neither sends nor schedules. Both the virtual internet and a lab over real sockets can
// therefore put the same NAT between two machines. It knows UDP flows only; TTL, links and ICMP
// messages belong to the box around it (`nat_box.hpp`).
//
// The unit of memory is the *session* (external endpoint, remote endpoint), like a conntrack entry;
// a *mapping* lives as long as one of its sessions. A packet that belongs to a live session always
// follows it, so an accepted inbound session is answered from the port it came in on whatever the
// mapping behavior says, which is what the Linux kernel does.
#pragma once

#include <unordered_map>
#include <vector>

#include "shared/base/endpoint.hpp"
#include "shared/base/random.hpp"
#include "shared/base/result.hpp"
#include "shared/base/time.hpp"

namespace pinhole::lab {

/// RFC 4787 4.1 (mapping) and 5 (filtering): how much of the remote endpoint matters.
enum class Behavior : std::uint8_t {
    kEndpointIndependent,
    kAddressDependent,
    kAddressAndPortDependent,
};

/// RFC 4787 4.2: which external port a new mapping gets.
enum class Allocation : std::uint8_t {
    kPreserving,  ///< the internal port when it is free, else a random one
    kSequential,  ///< the last one plus `NatProfile::sequential_step`
    kRandom,
};

/// RFC 4787 6: what a packet from inside to one of the NAT's own external endpoints becomes. The
/// filter is for "packets originating from a specific external endpoint" (5), so neighbours pass
/// it.
enum class Hairpinning : std::uint8_t {
    kNone,
    kExternalSource,
    kFiltered,  ///< external source, and let in only as somebody outside would be
    kInternalSource,
};

/// RFC 4787 4.1: which of several external addresses a new mapping gets.
enum class Pooling : std::uint8_t { kPaired, kArbitrary };

/// RFC 4787 11: what becomes of a packet in fragments, of which only the first has ports.
enum class Fragments : std::uint8_t { kPass, kFirstOnly, kDrop };

/// Both ends included.
struct PortRange {
    std::uint16_t first = 1024;
    std::uint16_t last = 65535;

    [[nodiscard]] constexpr std::size_t size() const { return std::size_t{last} - first + 1U; }
    [[nodiscard]] constexpr bool contains(std::uint16_t port) const {
        return first <= port && port <= last;
    }
};

/// Everything that distinguishes one NAT from another, as data.
struct NatProfile {
    Behavior mapping = Behavior::kEndpointIndependent;
    Behavior filtering = Behavior::kAddressAndPortDependent;
    Allocation allocation = Allocation::kPreserving;
    int sequential_step = 1;
    PortRange ports{};
    Hairpinning hairpinning = Hairpinning::kNone;
    Pooling pooling = Pooling::kPaired;

    /// False: a stateful firewall, which filters and keeps addresses as they are.
    bool translates = true;
    /// True: no filter either, packets pass both ways. Only sensible without translation.
    bool is_open = false;
    /// True: no UDP leaves.
    bool blocks_udp = false;

    /// RFC 4787 REQ-5: at least two minutes. Counts from the last packet that refreshes.
    Duration mapping_lifetime = 120s;
    /// The lifetime of a session until packets have flowed both ways and it is `two_way_after` old.
    Duration first_reply_lifetime = 120s;
    Duration two_way_after{0};
    /// RFC 4787 REQ-6: outbound packets always refresh; inbound ones only if this is set.
    bool refresh_inbound = true;

    /// RFC 4787 4.2.1 "port overloading": two internal endpoints may share an external one as long
    /// as their remotes differ. Linux does; it makes the mapping depend on the destination when two
    /// hosts use the same local port.
    bool port_overloading = false;
    /// Linux keeps ports 1-511, 512-1023 and the rest apart; 512-1023 map into 600-1023.
    bool keeps_port_class = false;
    /// The INPUT-accept pitfall of Linux: an unsolicited inbound packet becomes a session of the
    /// router itself, which takes that tuple, so that our own flow to that remote gets another
    /// port. Each further packet of either side keeps it so.
    bool first_packet_race = false;
    /// An inbound packet that nobody waits for is answered by ICMP port unreachable.
    bool rejects = false;

    /// For the box around the model, which sees packets.
    Fragments fragments = Fragments::kPass;

    /// A carrier NAT's port block: each internal address allocates from so many consecutive ports
    /// of its own. 0 = none.
    std::uint16_t port_block = 0;
    /// Whoever is inside may ask for a port to be forwarded (PCP, NAT-PMP, UPnP).
    bool maps_ports = false;

    /// Live mappings of one internal address. 0 = no limit.
    std::size_t mappings_per_host_max = 0;
};

/// Why a NAT did not pass a packet.
enum class NatDrop : std::uint8_t {
    kNoMapping,        ///< inbound, to an external endpoint that nobody has
    kFiltered,         ///< inbound, mapped, but not from this remote
    kClaimedByRouter,  ///< inbound, became or belongs to a session of the router itself
    kPortsExhausted,   ///< outbound, no free port in the range or block
    kLimit,            ///< outbound, this internal address has too many mappings
    kUdpBlocked,       ///< outbound, no UDP leaves here
    kNoHairpin,        ///< from inside to an own external address
};

/// A local and a remote endpoint, the remote blanked as far as a behavior ignores it.
struct FlowKey {
    Endpoint local;
    Endpoint remote;

    friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

/// Mapping and filtering are two uses of this one function: mapping keys internal endpoints,
/// filtering keys external ones.
[[nodiscard]] FlowKey flow_key(Behavior behavior, const Endpoint& local, const Endpoint& remote);

struct FlowKeyHash {
    [[nodiscard]] std::size_t operator()(const FlowKey& key) const noexcept;
};

class NatModel {
  public:
    /// A NAT with the given external addresses (at least one if it translates). `random` must
    /// outlive it.
    NatModel(const NatProfile& profile, std::vector<IpAddress> external_ips, Random& random);

    /// A packet from inside: the external endpoint it leaves from. Creates or refreshes.
    [[nodiscard]] Result<Endpoint, NatDrop> outbound(Instant now, const Endpoint& internal,
                                                     const Endpoint& remote);

    /// A packet from outside to `external`: the internal endpoint it goes to.
    [[nodiscard]] Result<Endpoint, NatDrop> inbound(Instant now, const Endpoint& remote,
                                                    const Endpoint& external);

    /// What a packet from inside to an own external endpoint becomes.
    struct Hairpinned {
        Endpoint source;
        Endpoint destination;
    };
    [[nodiscard]] Result<Hairpinned, NatDrop> hairpin(Instant now, const Endpoint& internal,
                                                      const Endpoint& external);

    /// Who inside owns the live session (external, remote): for the packet quoted in an ICMP error
    /// from outside. Refreshes nothing.
    [[nodiscard]] std::optional<Endpoint> internal_of(Instant now, const Endpoint& external,
                                                      const Endpoint& remote) const;
    /// The external endpoint of the live session (internal, remote): for the packet quoted in an
    /// ICMP error from inside.
    [[nodiscard]] std::optional<Endpoint> external_of(Instant now, const Endpoint& internal,
                                                      const Endpoint& remote) const;

    /// Forwards an external port to `internal` until `unforward`: whatever the profile says, that
    /// port is then its mapping towards everybody (endpoint-independent), and lets everybody in.
    /// Sessions that exist keep the port they have. Nothing when no port is free.
    [[nodiscard]] std::optional<Endpoint> forward(Instant now, const Endpoint& internal);
    void unforward(const Endpoint& internal);

    /// Forgets everything, as a reboot does. Sequential allocation starts somewhere else.
    void flush();
    /// Gets other external addresses, and with them forgets everything.
    void renumber(std::vector<IpAddress> external_ips);
    /// Behaves differently from now on; what is mapped stays.
    void become(const NatProfile& profile) { profile_ = profile; }

    [[nodiscard]] bool owns(const IpAddress& ip) const;
    [[nodiscard]] const std::vector<IpAddress>& external_ips() const { return external_ips_; }
    [[nodiscard]] const NatProfile& profile() const { return profile_; }
    /// Live mappings, those of one internal address or all.
    [[nodiscard]] std::size_t mapping_count(Instant now) const;
    [[nodiscard]] std::size_t mapping_count(Instant now, const IpAddress& internal) const;
    /// Sessions in memory, the dead ones that were not yet swept out included.
    [[nodiscard]] std::size_t session_count() const { return sessions_.size(); }

  private:
    /// One conntrack entry. Without `internal` it is the router's own (`first_packet_race`).
    struct Session {
        std::optional<Endpoint> internal;
        Instant created;
        Instant expires;
        bool began_inside = true;
        bool is_two_way = false;
    };
    /// Something that belongs to an internal endpoint or stands for an external one until it
    /// expires.
    struct Lease {
        Endpoint endpoint;
        Instant expires;
    };
    using Leases = std::unordered_map<FlowKey, Lease, FlowKeyHash>;

    [[nodiscard]] const Session* live_session(Instant now, const FlowKey& key) const;
    [[nodiscard]] Session* live_session(Instant now, const FlowKey& key);
    [[nodiscard]] std::optional<Endpoint> live_flow(Instant now, const FlowKey& flow) const;
    Session& begin_session(Instant now, const FlowKey& key, const Endpoint& internal);
    /// Restarts the lifetimes of a session and of all that lives with it.
    void refresh(Instant now, const FlowKey& key, Session& session);
    void accept_inbound(Instant now, const FlowKey& key, const Lease& permission);
    [[nodiscard]] Result<Endpoint, NatDrop> turn_in(Instant now, const FlowKey& key);
    [[nodiscard]] NatDrop refuse_inbound(Instant now, const FlowKey& key);

    [[nodiscard]] Result<Endpoint, NatDrop> allocate(Instant now, const Endpoint& internal,
                                                     const Endpoint& remote);
    [[nodiscard]] std::optional<Endpoint> forwarded_to(const Endpoint& external) const;
    [[nodiscard]] bool is_free(Instant now, const Endpoint& external, const Endpoint& remote) const;
    [[nodiscard]] IpAddress external_ip_for(const IpAddress& internal);
    [[nodiscard]] std::optional<PortRange> range_for(const Endpoint& internal);
    [[nodiscard]] std::uint16_t first_choice(const Endpoint& internal, PortRange range);
    void prune(Instant now);

    NatProfile profile_;
    std::vector<IpAddress> external_ips_;
    Random* random_;

    std::unordered_map<FlowKey, Session, FlowKeyHash> sessions_;  ///< by (external, remote)
    Leases flows_;        ///< (internal, remote) -> external of its session
    Leases mappings_;     ///< mapping key of an internal endpoint -> external
    Leases permissions_;  ///< filtering key of an external endpoint -> internal
    Leases owners_;       ///< (external, -) -> internal that holds it

    std::unordered_map<Endpoint, Endpoint> forwards_;  ///< internal -> external, explicit ones

    std::unordered_map<IpAddress, std::size_t> pooled_;     ///< internal address -> external index
    std::unordered_map<IpAddress, PortRange> port_blocks_;  ///< internal address -> its block
    std::uint16_t next_port_ = 0;
    std::size_t prune_at_ = 1024;
};

/// snake_case name of a drop, for traces.
[[nodiscard]] std::string_view name_of(NatDrop drop);

}  // namespace pinhole::lab
