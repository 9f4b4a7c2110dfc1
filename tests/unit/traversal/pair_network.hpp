// Two agents behind two NATs and a relay, on virtual time: just enough of a network, of a handshake
// and of a session to see what the agents make of it.
//
// Mapping and filtering follow RFC 4787; a datagram with a TTL opens its sender's NAT and dies.
// A handshake is one message each way, answered 1:1 on the path it came by, as sessions do it.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <variant>
#include <vector>

#include "shared/traversal/agent.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::traversal::test {

enum class Behavior : std::uint8_t { kIndependent, kAddressDependent, kPortDependent };

struct NatProfile {
    Behavior mapping = Behavior::kIndependent;
    Behavior filtering = Behavior::kPortDependent;
};

struct Message1 {};
struct Message2 {};
struct OpenerMessage {};
struct Data {
    int number = 0;
};
struct Candidates {
    wire::CandidateList list;
};
using Message = std::variant<OpenerMessage, Message1, Message2, wire::Challenge, wire::Response,
                             wire::Keepalive, Candidates, Data>;

/// One host with its agent, its NAT and a log of what the agent did.
struct Host {
    Host(std::uint64_t seed, const Endpoint& bound, const IpAddress& outside)
        : random(seed), agent(random, permit, Sizes{}), inside(bound), external(outside) {}

    pinhole::test::SeededRandom random;
    SprayPermit permit;
    Agent agent;
    Endpoint inside;
    IpAddress external;
    NatProfile nat;
    std::uint16_t next_port = 40000;
    std::map<Endpoint, std::uint16_t> mappings;
    std::map<std::uint16_t, std::set<Endpoint>> opened;
    bool is_established = false;
    bool is_initiator = false;
    wire::CandidateList own;

    struct Logged {
        Instant at;
        PathChanged change;
    };
    std::vector<Logged> changes;
    std::vector<std::pair<Instant, SendOpener>> openers;
    std::vector<Instant> trickles;
    std::vector<Instant> losses;
    std::vector<std::pair<Instant, SendKeepalive>> keepalives;
    std::vector<std::pair<Instant, SendChallenge>> challenges;
    std::map<IpAddress, std::size_t> started_bytes;
    std::set<int> received;
    std::size_t datagrams_out = 0;
};

class PairNetwork {
  public:
    /// What a filter sees of a datagram: who sends it, and by which way.
    struct Passage {
        int from = 0;
        bool is_relayed = false;
        std::size_t size = 0;
        Endpoint to;
        Instant at;
    };

    static constexpr int kA = 0;
    static constexpr int kB = 1;

    PairNetwork();

    [[nodiscard]] Host& host(int side) { return *hosts_[static_cast<std::size_t>(side)]; }
    [[nodiscard]] Agent& agent(int side) { return host(side).agent; }
    [[nodiscard]] Instant now() const { return now_; }

    /// Gathers (maps each host's socket towards the server) and hands both sides the other's
    /// candidates; message 1 also goes through the relay when there is one.
    void introduce(wire::Technique technique_a = wire::Technique::kNone,
                   wire::Technique technique_b = wire::Technique::kNone);
    /// Further introductions of a live or lost pair.
    void introduce_again();
    /// Until the virtual clock has moved on by `length`.
    void run(Duration length);
    /// A datagram of data on whatever routes `side` has now. False when there was none.
    bool send_data(int side, int number);
    /// Data every `interval` in both directions for `length`.
    void chat(Duration length, Duration interval = 100ms);

    /// Takes what the agent wants done. After whatever a test does to an agent by itself.
    void drain(int side);

    [[nodiscard]] PathState state(int side);
    [[nodiscard]] Reason reason(int side);
    /// The mapped endpoint of a host towards the rendezvous server.
    [[nodiscard]] Endpoint reflexive(int side);
    /// A NAT reboot: the host gets new external ports from now on.
    void rebind(int side);

    Duration delay = 20ms;
    bool has_relay = true;
    bool is_relay_up = true;
    bool shares_host_candidates = false;
    /// False drops the datagram.
    std::function<bool(const Passage&)> passes = [](const Passage&) { return true; };

  private:
    struct Flight {
        int to = 0;
        bool is_relayed = false;
        Endpoint source;
        Endpoint to_endpoint;
        Message message;
    };

    void take(int side, const Action& action);
    void send(int side, const Route& route, const Message& message, bool dies = false);
    void send_direct(int side, const Path& path, const Message& message, bool dies);
    void deliver(const Flight& flight);
    void establish(int side, const Route& route);
    void step_to(Instant at);
    std::uint16_t map(Host& host, const Endpoint& remote);
    bool accepts(const Host& host, std::uint16_t port, const Endpoint& source) const;
    [[nodiscard]] wire::CandidateList candidates_of(int side);

    Instant now_{1s};
    std::array<std::unique_ptr<Host>, 2> hosts_;
    std::multimap<Instant, Flight> flights_;
};

/// The size of the UDP payload that carries `message`.
[[nodiscard]] std::size_t size_of(const Message& message);

}  // namespace pinhole::traversal::test
