// The traversal agent: finds, keeps and chooses the ways to one peer. One object per peer pair.
//
// Takes what happened (an introduction, a heard message, a deadline) and hands out actions: after
// every call, take `poll_action()` until it is empty, then sleep until `next_timeout()`. Owns the
// units that decide (checklist, transactions, budget, consent, selection, retry, guess, verdict)
// and only routes between them. Never sees keys or payload: "authenticated" below means that the
// session opened the message.
#pragma once

#include <deque>

#include "shared/base/counters.hpp"
#include "shared/base/datagram.hpp"
#include "shared/base/random.hpp"
#include "shared/traversal/action.hpp"
#include "shared/traversal/budget.hpp"
#include "shared/traversal/checklist.hpp"
#include "shared/traversal/guess.hpp"
#include "shared/traversal/path_mtu.hpp"
#include "shared/traversal/refresh.hpp"
#include "shared/traversal/retry.hpp"
#include "shared/traversal/transaction.hpp"
#include "shared/traversal/verdict.hpp"
#include "shared/wire/peer_frame.hpp"
#include "shared/wire/rendezvous_frame.hpp"
#include "shared/wire/transport.hpp"

namespace pinhole::traversal {

/// UDP payload sizes of what the agent starts by itself, for the budget and for the padding.
struct Sizes {
    std::size_t opener = wire::kOpenerSize;
    /// Handshake message 1 with its ENet CONNECT, mac1 and cookie.
    std::size_t handshake = 208;
    /// A sealed challenge without padding.
    std::size_t challenge = 40;
    /// What a data-sized challenge fills (RFC 8200 5, less the headers).
    std::size_t data = kUdpPayloadMax;
};

/// What an introduction says. Borrowed for the call.
struct Terms {
    Role role = Role::kAsker;
    wire::Technique technique = wire::Technique::kNone;
    /// Datagrams of full TTL wait so long, so that both sides' leave together.
    Duration fire_in{};
    const wire::CandidateList& remote;
    /// This side sends handshake message 1. False for a `resume` of a live session.
    bool initiates_handshake = false;
    bool has_relay = false;
    /// Breaks ties between equal parts: true on exactly one of the two sides.
    bool leads = false;
};

/// Our own NAT, as far as it was measured.
struct OurNat {
    wire::NatBehavior behavior{};
    /// Where somebody whom we never sent to would find our IPv4 socket, if our NAT let him in.
    std::optional<Endpoint> external{};
    /// What an opener needs to pass our own NATs, if that could be measured.
    std::optional<std::uint8_t> opener_ttl{};

    friend bool operator==(const OurNat&, const OurNat&) = default;
};

/// Nothing was answered on any route for so long: lost (protocol, Liveness of peers).
inline constexpr Duration kLostAfter = 10s;
/// After an upgrade to a direct path the relay is kept verified for so long.
inline constexpr Duration kRelayWarmFor = 30s;

/// On whose word a candidate came.
enum class Voucher : std::uint8_t {
    kServer,  ///< a trickle that the server passed on: proven or private
    kPeer,    ///< a candidates frame inside the session
};

class Agent {
  public:
    /// What all agents of a process share must outlive them.
    Agent(Random& random, SprayPermit& permit, const Sizes& sizes);

    /// Openers leave at once, checks after `fire_in`. May come again at any time.
    void on_introduction(Instant now, const Terms& terms);
    /// Further remote candidates. Without a direct path this also checks the known ones again,
    /// because the peer does so now.
    void add_remote_candidates(Instant now, const wire::CandidateList& remote, Voucher voucher);
    /// The sockets to check from and our own candidates. Call before the first introduction and on
    /// every change; in a live session a change is told to the peer.
    void set_local(Instant now, const LocalSockets& sockets, const wire::CandidateList& own);
    /// An opener of the other role with a valid MAC.
    void on_opener(Instant now, const Path& path);
    /// A valid handshake message of the current attempt, also a later copy of it.
    void on_handshake_heard(Instant now, const Route& route, bool is_message_2);
    /// Another process of the peer has the session now: what the former one proved of its sockets
    /// is over with it. Call before `on_established`.
    void on_peer_restarted();
    /// The session lives: we may seal now. `route` carried what proved it. Again after each new
    /// handshake.
    void on_established(Instant now, const Route& route);
    /// An authenticated challenge. Includes `on_authenticated`.
    void on_challenge(Instant now, const Route& route, const wire::Challenge& challenge);
    /// An authenticated response. Includes `on_authenticated`.
    void on_response(Instant now, const Route& route, const wire::Response& response);
    /// Any authenticated message. An unknown source is a path to challenge, never "send here".
    void on_authenticated(Instant now, const Route& route);
    /// A datagram of data left on `routes(now)`, `bytes` of UDP payload on a direct path. It counts
    /// towards `direct_data()` and `relayed_data()`.
    void on_data_sent(Instant now, std::size_t bytes);
    /// Data that left in datagrams of `payload_max()` arrived.
    void on_large_arrived(Instant now) { path_mtu_.on_large_arrived(now); }
    /// Our NAT was measured (again). `is_asked_for`: because of `MeasurePorts`.
    void set_nat(Instant now, const OurNat& nat, bool is_asked_for);
    /// How long our own mappings live, as far as that was seen.
    void set_lived(const std::optional<Lived>& lived) { refresh_.set_lived(lived); }
    /// The peer told how its NAT behaves, and where new mappings of it are.
    void on_nat_behavior(Instant now, const wire::NatBehaviorFrame& frame);
    /// The peer takes part in a guess, and we may fire so many datagrams.
    void on_spray_ok(Instant now, const wire::SprayOk& frame);
    /// What became of an `OpenSpare`.
    void on_spare_opened(Instant now, SocketId socket, std::uint16_t local_port);
    void on_spare_failed(Instant now);
    /// The network says that a datagram was too big for this path: a hint.
    void on_too_big(Instant now, const Path& path);
    /// Interfaces or routes of this machine changed, or a socket broke.
    void on_network_changed(Instant now);
    /// UDP does not get out of our network, or does again: why there is nothing but the relay.
    void set_udp_blocked(Instant now, bool is_blocked);
    /// The relay became usable or ceased to be, such as with the session to the server.
    void on_relay_changed(Instant now, bool available);

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;
    [[nodiscard]] std::optional<Action> poll_action();

    /// Where data goes now.
    [[nodiscard]] Routes routes(Instant now) const;
    /// The largest UDP payload that may go to a direct path: what the selected one was found to
    /// carry, on any other the least that all carry.
    [[nodiscard]] std::size_t payload_max(const Path& path) const {
        return selection_.is_selected(path) ? path_mtu_.payload() : kUdpPayloadMax;
    }
    /// The same for the selected path, or the least when there is none.
    [[nodiscard]] std::size_t payload_max() const { return path_mtu_.payload(); }
    /// How often the selected path ceased to carry a size that it had carried.
    [[nodiscard]] unsigned black_holes() const { return path_mtu_.black_holes(); }
    /// The smoothed RTT of the route that carries data, when it is known.
    [[nodiscard]] std::optional<Duration> rtt() const;
    /// Data so far, by the route it took; a duplicate counts on both.
    [[nodiscard]] const Traffic& direct_data() const { return direct_data_; }
    [[nodiscard]] const Traffic& relayed_data() const { return relayed_data_; }
    /// The peer's NAT as it told us, and what the two NATs together need; nothing before it did.
    [[nodiscard]] const std::optional<wire::NatBehaviorFrame>& peer_nat() const {
        return peer_nat_;
    }
    [[nodiscard]] std::optional<Plan> plan() const;
    /// Actions that did not fit into the queue because nobody polled.
    [[nodiscard]] std::uint64_t dropped_actions() const { return dropped_actions_; }

  private:
    enum class Timer : std::uint8_t {
        kSearching,
        kGuess,
        kAnnounce,
        kLost,
        kRelayWarm,
        kLesson,
        kCount
    };

    // Sending.
    void push(Action action);
    void start_checks(Instant now, Pair& pair, Instant at);
    void check_again(Instant now, Instant at);
    void send_openers(Pair& pair);
    void send_round(Instant now, Pair& pair);
    void send_challenge(Instant now, Pair& pair);
    void send_size_probe(Instant now);
    void send_relay_challenge(Instant now);
    void announce_selection(Instant now);
    void announce_again(Instant now);

    // Guessing.
    void learn_peer_nat(const wire::NatBehaviorFrame& frame);
    void tell_nat();
    [[nodiscard]] wire::NatBehavior our_behavior() const;
    [[nodiscard]] wire::NatBehaviorFrame nat_frame() const;
    void tell_ports(const TellPorts& told);
    [[nodiscard]] bool takes_for_meeting(const wire::Candidate& candidate);
    void open_meeting();
    void meet(Instant now);
    [[nodiscard]] std::vector<Path> meetings() const;
    void tend_guess(Instant now);
    void take_guess_actions(Instant now);
    void take(Instant now, const Shot& shot);
    void close_unused_spares();
    void vouch(const IpAddress& ip);
    [[nodiscard]] bool is_vouched(const IpAddress& ip) const;
    [[nodiscard]] bool is_behind_one_nat() const;
    [[nodiscard]] bool has_no_other_way() const;
    [[nodiscard]] std::optional<Guess::Terms> guess_terms() const;
    [[nodiscard]] std::optional<Reason> guess_reason() const;

    // What arrived.
    Pair* hear(Instant now, const Path& path);
    void on_path_answered(Instant now, const Validated& proof);
    void on_relay_answered(Instant now, const Validated& proof);
    void note_peers_selection(Instant now, const Route& route);
    /// Challenges the selected path, unless an answer is awaited anyway.
    void question_selected(Instant now);
    void recover(Instant now);

    // What time brings.
    void tend(Instant now, Pair& pair);
    void tend_relay(Instant now);
    void tend_retry(Instant now);
    [[nodiscard]] Instant next_for(const Pair& pair) const;
    [[nodiscard]] Instant next_for_relay() const;
    [[nodiscard]] Pace pace_of(const Pair& pair) const;
    [[nodiscard]] Duration spare_interval(const Pair& pair) const;
    [[nodiscard]] bool is_qualifying(const Pair& pair) const;
    [[nodiscard]] bool is_selected(const Pair& pair) const;

    // What follows from all that.
    void conclude(Instant now);
    void run_rounds(Instant now);
    void bury(Instant now);
    /// It was verified and is no longer.
    static void give_up(Pair& pair);
    void choose(Instant now);
    void learn_from_death(Instant now, const IpAddress& remote);
    void rank_spares();
    void follow_selection(Instant now);
    void watch_loss(Instant now);
    void report();
    [[nodiscard]] bool is_barred(Instant now, const Pair& pair) const;
    [[nodiscard]] const Pair* provisional(Instant now) const;
    [[nodiscard]] const Pair* selected_pair() const;
    [[nodiscard]] Pair* selected_pair();
    [[nodiscard]] Facts facts() const;
    [[nodiscard]] std::optional<Route> fallback(Instant now) const;

    Random& random_;
    Sizes sizes_;
    Checklist checklist_;
    Transactions transactions_;
    Budget budget_;
    Selection selection_;
    Retry retry_;
    Guess guess_;
    Refresh refresh_;
    PathMtu path_mtu_;
    Consent relay_;
    Quality relay_quality_;
    TimerTable<Timer> timers_;

    Instant fire_at_{};
    bool initiates_ = false;  ///< message 1 is ours to send, and message 2 was not heard yet
    bool is_listening_ = false;
    bool is_established_ = false;
    bool has_relay_ = false;
    bool is_udp_blocked_ = false;
    /// The peer has a word of ours about our network, which must not stand when it is over.
    bool has_told_nat_ = false;
    bool peer_selected_ = false;
    /// Where the peer's last word about its selection came from; nothing is the relay.
    std::optional<Path> peer_path_;
    bool was_answered_ = false;
    bool had_direct_ = false;
    bool is_lost_ = false;
    /// The oldest challenge on a route in use since the last answer on any route.
    std::optional<Instant> silent_since_;
    std::optional<Instant> peer_retried_;
    /// The selected path died in a quiet time, and nothing else explains it so far.
    struct QuietDeath {
        Instant at;
        IpAddress remote;
    };
    std::optional<QuietDeath> quiet_death_;
    /// The selection that the peer was told by a challenge.
    std::optional<Path> announced_;
    Instant announced_since_{};
    unsigned announcements_ = 0;
    Traffic direct_data_;
    Traffic relayed_data_;
    OurNat nat_;
    std::optional<wire::NatBehaviorFrame> peer_nat_;
    /// Addresses of the peer that the server vouched for: only there a spray may go.
    BoundedVector<IpAddress, wire::kCandidatesMax> vouched_;
    /// Where the peer's new sockets wait for ours, one each.
    BoundedVector<Endpoint, wire::kCandidatesMax> meeting_;
    bool leads_ = false;
    std::optional<PathChanged> told_;
    std::deque<Action> actions_;
    std::uint64_t dropped_actions_ = 0;
};

}  // namespace pinhole::traversal
