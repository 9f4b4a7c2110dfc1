// Gathering (RFC 8445 5.1.1): what are we called, here and outside? One object per node.
//
// Owns what is known about each local socket: its port, the endpoint that the rendezvous server
// sees it as, and the cookie that proves it. Asks by binding requests, which it retransmits while
// unanswered and renews before the cookies go stale. Makes the candidate list from that and the
// local addresses. Refuses every response that answers no open request of that very path.
#pragma once

#include <deque>
#include <span>
#include <variant>
#include <vector>

#include "shared/base/io.hpp"
#include "shared/base/random.hpp"
#include "shared/base/result.hpp"
#include "shared/base/time.hpp"
#include "shared/wire/binding.hpp"
#include "shared/wire/candidate.hpp"

namespace pinhole::traversal {

/// Where one rendezvous server answers, in each family.
struct ServerEndpoints {
    std::optional<Endpoint> v4{};
    std::optional<Endpoint> v6{};

    friend bool operator==(const ServerEndpoints&, const ServerEndpoints&) = default;
};

/// A binding request that wants to leave by `path`.
struct SendBinding {
    Path path;
    wire::BindingRequest request;
};

/// The server answered for the first time, or first after a change: `Gathering::server_path()`
/// names the way to it.
struct ServerAnswered {
    Path path;
};

/// The server sees this socket at another endpoint than before. Not raised for the first one.
struct MappedChanged {
    SocketId socket;
    Endpoint previous;
    Endpoint mapped;
};

/// `Gathering::local_candidates()` would now give other endpoints than before.
struct CandidatesChanged {};

/// No family's requests were answered; slow retries go on. Raised once per outage.
struct ServerUnreachable {};

using GatheringEvent =
    std::variant<ServerAnswered, MappedChanged, CandidatesChanged, ServerUnreachable>;

class Gathering {
  public:
    /// `random` must outlive this.
    explicit Gathering(Random& random) : random_(random) {}

    /// The driver opened a socket; `local` names its family and its port. A candidate of its own
    /// and requests to the server of that family follow.
    void on_socket_opened(Instant now, SocketId socket, const Endpoint& local);
    void on_socket_failed(Instant now, SocketId socket);
    /// The whole list of usable local addresses. A change asks the server again on every socket.
    void on_interfaces_changed(Instant now, std::span<const LocalAddress> addresses);
    /// Forgets everything learnt from another server. `wants_key`: ask for its static key, too.
    void set_servers(Instant now, const ServerEndpoints& servers, bool wants_key);
    /// While true (the default) cookies are renewed before they are too old to be accepted;
    /// turning it on asks at once for those that are.
    void keep_fresh(Instant now, bool wanted);
    /// Our gateway forwards `external` to this socket, or nothing (PCP, NAT-PMP, UPnP). It becomes
    /// a candidate while its address is the one that the server sees: only then can it be proven.
    /// True when that is news.
    bool set_port_mapping(SocketId socket, const std::optional<Endpoint>& external);
    /// Asks again on every socket now: a network change, or a server that fell silent.
    void ask_again(Instant now);

    /// Drops: kUnexpected when nothing asked for it, or it came from elsewhere than it was asked;
    /// kBadField when it maps the socket to an endpoint that cannot be one.
    [[nodiscard]] Parsed<void> handle_response(Instant now, const Path& path,
                                               const wire::BindingResponse& response);
    void handle_timeout(Instant now);
    [[nodiscard]] std::optional<SendBinding> poll_transmit();
    [[nodiscard]] std::optional<GatheringEvent> poll_event();
    [[nodiscard]] Instant next_timeout() const;

    /// At most eight, proven ones first, then mapped, IPv6, LAN. Proofs are the cookies.
    [[nodiscard]] wire::CandidateList local_candidates() const;
    /// The cookie that the server gave to this socket's mapped endpoint.
    [[nodiscard]] std::optional<Cookie> cookie_for(SocketId socket) const;
    /// When that cookie was issued.
    [[nodiscard]] std::optional<Instant> cookie_issued(SocketId socket) const;
    [[nodiscard]] std::optional<Endpoint> mapped_endpoint(SocketId socket) const;
    /// Some usable local address is of this family.
    [[nodiscard]] bool lists(Family family) const;
    /// The server's first port, once it has answered this socket.
    [[nodiscard]] std::optional<Endpoint> server_seen_by(SocketId socket) const;
    /// The family whose server endpoint answered first; another one when that fell silent.
    [[nodiscard]] std::optional<Path> server_path() const { return server_path_; }
    /// The static key the server claims, unauthenticated: it never overrides a pin.
    [[nodiscard]] const std::optional<FixedBytes<32>>& server_key() const { return server_key_; }
    /// Every socket with a server to ask used up its tries.
    [[nodiscard]] bool is_unreachable() const;

  private:
    /// One question: this socket, that server endpoint.
    struct Probe {
        Path path;
        std::optional<wire::TransactionId> open{};
        unsigned tries = 0;
        Instant due = kNever;
        bool answered = false;
    };
    /// What is known about one local socket.
    struct Local {
        SocketId socket;
        Endpoint bound;
        std::optional<Endpoint> mapped{};
        /// What the gateway forwards to it.
        std::optional<Endpoint> port_mapping{};
        Cookie cookie{};
        Instant issued{};
    };

    [[nodiscard]] Local* find(SocketId socket);
    [[nodiscard]] const Local* find(SocketId socket) const;
    void rebuild_probes(Instant now);
    void start(Instant now, Probe& probe);
    void send(Instant now, Probe& probe);
    void learn(Instant now, const Probe& probe, const wire::BindingResponse& response);
    void prefer(const Path& path);
    void fall_back(const Path& silent);
    void note_candidates();
    void raise(const GatheringEvent& event);

    Random& random_;
    ServerEndpoints servers_;
    bool wants_key_ = false;
    bool keeps_fresh_ = true;
    bool is_choosing_ = true;  ///< the next answer decides which family is used
    bool said_unreachable_ = false;
    std::vector<Local> locals_;
    std::vector<Probe> probes_;
    std::vector<LocalAddress> addresses_;
    std::optional<Path> server_path_;
    std::optional<FixedBytes<32>> server_key_;
    wire::CandidateList known_;
    std::deque<SendBinding> transmits_;
    std::deque<GatheringEvent> events_;
};

}  // namespace pinhole::traversal
