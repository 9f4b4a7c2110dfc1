// Everything between us and one remote peer: introductions, handshake, session, paths, ENet.
//
//     wanted -> introduced -> handshaking -> established -> (lost -> introduced ...) -> closed
//
// A link owns the introductions under way, our attempt, the pending session that the other side's
// attempt made, the session, and the traversal agent. It joins them: what the agent asks for it
// seals and sends, what arrives it opens and hands on. It refuses to answer anybody whose static
// key is not the announced one.
#pragma once

#include <optional>
#include <unordered_map>

#include "shared/node/backoff.hpp"
#include "shared/node/enet_port.hpp"
#include "shared/node/event_queue.hpp"
#include "shared/node/nat_watch.hpp"
#include "shared/node/part_assembly.hpp"
#include "shared/node/rendezvous_client.hpp"
#include "shared/node/spare_sockets.hpp"
#include "shared/session/session.hpp"
#include "shared/traversal/agent.hpp"
#include "shared/wire/peer_frame.hpp"

namespace pinhole::node {

using traversal::Route;

/// A lost pair, or one that could not be made, tries again after this and a jitter of its half.
inline constexpr Duration kRetryInterval = 5s;
/// After an introduction the openers of both sides are under way for no longer than this.
inline constexpr Duration kOpenersFor = 10s;
/// Two processes hear of an introduction at the same moment and act on it some milliseconds apart.
/// Where all ways are shorter than that, the later one's NAT would meet the earlier one's datagram
/// first (the first-packet race): both wait for what their way to the server lacks of this.
inline constexpr Duration kSchedulingSlack = 25ms;
/// How long the server's introduction may take.
inline constexpr Duration kIntroductionTimeout = 10s;
/// What ENet assumes of a path that nothing has measured yet.
inline constexpr Duration kUnmeasuredRoundTrip = 100ms;

/// The size of ENet's datagrams where nothing better is known: it fits the relay, too.
inline constexpr std::size_t kDatagramSizeMin = reliable::EnetOptions{}.mtu;

using PinnedKeys = std::unordered_map<Id, crypto::PublicKey>;

class PeerLink {
  public:
    /// What all links of a node share; must outlive them.
    struct Shared {
        const NodeConfig& config;
        Incarnation incarnation;
        const session::SessionContext& context;
        RendezvousClient& rendezvous;
        EnetPort& enet;
        IndexTable& indices;
        TransmitQueue& out;
        DropCounters& drops;
        Random& random;
        EventQueue& events;
        /// The keys that the user pinned; those that were merely seen are not among them.
        const PinnedKeys& pins;
        /// Where a link gets further sockets, under its own number.
        Spares& spares;
        /// What is known of our NAT at this moment.
        const NatWatch& nat;
        /// One spray at a time, whichever peer it is for.
        traversal::SprayPermit& spray_permit;
    };
    /// One introduction that may still lead to a handshake.
    struct Introduced {
        IntroductionNonce nonce{};
        wire::NonceTag tag{};
        /// What an opener of the other side must carry.
        FixedBytes<16> opener_from_peer{};
        /// Openers prove nothing and can be replayed: later ones are not believed.
        Instant openers_until{};
        Role role = Role::kAsker;

        friend bool operator==(const Introduced&, const Introduced&) = default;
    };

    PeerLink(PeerNumber number, const Id& id, const Shared& shared);
    ~PeerLink();
    PeerLink(const PeerLink&) = delete;
    PeerLink& operator=(const PeerLink&) = delete;

    /// Asks the server for an introduction, now or as soon as it takes requests.
    void connect(Instant now, bool keep_trying);
    /// A session with the server stands, and we register in it: ask for what is wanted.
    void on_server_session(Instant now);
    /// We are registered (again): ask for what is wanted and not asked for, and renew a live pair's
    /// relay.
    void on_registered(Instant now);
    /// The registration failed with which we asked: nobody will answer.
    void on_requests_withdrawn();
    void on_relay_changed(Instant now);
    void on_local_changed(Instant now, const traversal::LocalSockets& sockets);
    /// UDP does not get out of our network, or does again.
    void on_udp_blocked(Instant now, bool is_blocked) { agent_.set_udp_blocked(now, is_blocked); }
    /// The network says that a datagram was too big for this path: a hint.
    void on_too_big(Instant now, const Path& path) { agent_.on_too_big(now, path); }
    void on_network_changed(Instant now) { agent_.on_network_changed(now); }
    /// The node's report about our NAT changed. `is_asked_for`: because a link wanted its ports.
    void on_nat_changed(Instant now, bool is_asked_for);
    /// The same, as far as it says how often to refresh our mappings.
    void on_lifetime_changed();
    /// A spare socket of ours exists, or cannot be had or broke.
    void on_spare_opened(Instant now, SocketId socket, std::uint16_t local_port) {
        agent_.on_spare_opened(now, socket, local_port);
    }
    void on_spare_failed(Instant now) { agent_.on_spare_failed(now); }
    /// True once after the agent wanted the ports of our NAT measured.
    [[nodiscard]] bool take_wants_ports() { return std::exchange(wants_ports_, false); }

    /// The server introduced us; the key passed the pin. In either role.
    void handle_introduction(Instant now, const wire::Introduction& in);
    void handle_trickle(Instant now, const wire::Trickle& in);
    /// The server refused our `connect`.
    void handle_error(Instant now, const wire::Error& in);

    void handle_opener(Instant now, const Path& path) { agent_.on_opener(now, path); }
    void handle_initiation(Instant now, const Route& route, const wire::HandshakeInitiation& in);
    void handle_response(Instant now, const Route& route, const wire::HandshakeResponse& in);
    void handle_retry(const Path& path, const wire::Retry& in);
    /// True when ENet alone has got something: `drain` can wait for more of its datagrams.
    [[nodiscard]] bool handle_transport(Instant now, const Route& route,
                                        const wire::TransportHeader& header, const Opening& in);
    /// ENet wants datagrams to leave for an address of ours: they go the same way.
    void begin_burst(Instant now);
    /// One of them.
    void send_enet(const reliable::EnetTransmit& transmit);
    void on_enet_connected();
    /// ENet's connection ended in good order.
    void on_enet_closed();

    void disconnect(Instant now);
    /// Ends the link for a reason that the node found, such as a wrong key.
    void refuse(CloseReason reason);
    /// Says `close` on the wire without waiting for anything.
    void shutdown(Instant now);

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;
    /// Hands on what the agent and the session ask for. Call after every mutation.
    void drain(Instant now);

    [[nodiscard]] PeerNumber number() const { return number_; }
    [[nodiscard]] const Id& id() const { return id_; }
    [[nodiscard]] const std::optional<crypto::PublicKey>& key() const { return key_; }
    [[nodiscard]] const BoundedVector<Introduced, 2>& introductions() const {
        return introductions_;
    }
    [[nodiscard]] std::optional<RelayHandle> relay_handle() const { return handle_; }
    [[nodiscard]] const std::optional<VirtualAddress>& address() const { return address_; }
    [[nodiscard]] const std::optional<PathChanged>& path() const { return path_; }
    [[nodiscard]] const traversal::Agent& agent() const { return agent_; }
    /// A message of so many bytes is handed on.
    void on_message(std::size_t bytes) { bytes_received_ += bytes; }
    [[nodiscard]] std::uint64_t bytes_received() const { return bytes_received_; }
    [[nodiscard]] std::uint32_t rekeys() const { return session_ ? session_->epoch_number() : 0; }
    [[nodiscard]] bool is_wanted() const { return wanted_; }
    /// Our `connect` with this nonce is under way.
    [[nodiscard]] bool has_asked(const IntroductionNonce& nonce) const { return asked_ == nonce; }
    [[nodiscard]] bool is_pending() const { return pending_.has_value(); }
    [[nodiscard]] bool has_session() const { return session_.has_value(); }
    [[nodiscard]] bool is_connected() const {
        return address_ && shared_.enet.host().is_connected(*address_);
    }
    /// The link is over and has said so in an event.
    [[nodiscard]] bool is_finished() const { return finished_; }

  private:
    enum class Timer : std::uint8_t { kIntroduction, kRetry, kResume, kPending, kCount };
    /// The other side's attempt, answered, and waiting for the first message under its keys.
    struct Pending {
        session::PeerSession session;
        Incarnation incarnation;
        VirtualAddress address;
        bool is_new_address;
    };
    /// The answer to one attempt, repeated for every further copy of its message 1.
    struct Answered {
        crypto::PublicKey ephemeral;
        session::HandshakeBuffer message_2;
        Instant until;
    };
    /// Where message 1 went, and the cookie that it must show there.
    struct PathCookie {
        Path path;
        Cookie cookie{};
    };

    // Introductions and retries (peer_introduction.cpp).
    void ask(Instant now, bool resume);
    /// We want the other side, and no handshake of ours with it is under way.
    [[nodiscard]] bool must_ask() const;
    /// The message 1 that rides in the `connect` with this nonce: empty without a pin, and beside
    /// anything that is under way.
    [[nodiscard]] session::HandshakeBuffer ride_along(Instant now, const IntroductionNonce& nonce);
    /// The answer to our `connect` came: now message 1 may go to the other side itself.
    void launch_attempt(Instant now, const wire::Introduction& in);
    void try_later(Instant now);
    void fail(Instant now, CloseReason reason);
    /// The candidates that may be told inside the session, in either direction: private ones only
    /// where the server, too, found that both sides are on one network; and never with a proof.
    [[nodiscard]] wire::CandidateList fit_to_tell(const wire::CandidateList& candidates) const;
    /// What the server could not pass on because it has not seen it, such as the IPv6 addresses of
    /// a peer that reached the server over IPv4.
    void tell_unproven(const Route& route);
    /// How long datagrams of full TTL wait, so that the other side's openers leave first.
    [[nodiscard]] Duration hold_for(const wire::Introduction& in) const;
    void note_introduction(Instant now, const wire::Introduction& in);
    void finish(CloseReason reason);

    // Handshake (peer_handshake.cpp).
    [[nodiscard]] session::LocalSide local_side() const;
    [[nodiscard]] session::Prologue prologue(const IntroductionNonce& nonce,
                                             bool we_initiate) const;
    [[nodiscard]] const Introduced* find_introduction(const wire::NonceTag& tag) const;
    /// Makes the attempt of the introduction with this nonce; an older one is dropped. False when
    /// there is no room for it or the key is useless.
    bool make_attempt(Instant now, const IntroductionNonce& nonce, const crypto::PublicKey& remote);
    void drop_attempt();
    void drop_pending();
    void on_pending_expired(Instant now);
    void on_attempt_expired(Instant now);
    /// Our message 1 waits at the server for the introduction.
    [[nodiscard]] bool is_riding() const { return attempt_ && attempt_until_ == kNever; }
    void send_initiation_by_relay();
    void send_initiation(const Path& path);
    Parsed<void> answer(Instant now, session::Responder& responder,
                        const crypto::PublicKey& ephemeral);
    void repeat_answer(const Route& route);
    void confirm_pending(Instant now, const Route& route);
    void adopt(session::PeerSession session, Incarnation incarnation);
    void release_session();
    void drop_address(CloseReason reason);

    // Frames (peer_link.cpp).
    template <class Frame>
    void send_frame(const Route& route, const Frame& frame) {
        if (!session_) return;
        Outgoing outgoing{shared_.out, way_of(route)};
        const std::size_t size = wire::encode(frame, outgoing.frame_room());
        dispatch(route, outgoing.seal(*session_, size), outgoing);
    }
    /// Tells ENet what size of datagrams the way to the peer carries now.
    void follow_datagram_size(Instant now);
    /// The longest frame that fits all these routes.
    [[nodiscard]] std::size_t frame_max(const traversal::Routes& routes) const;
    /// Seals a frame of data and sends it on the burst's routes.
    void send_data(Bytes frame);
    void dispatch(const Route& route, Bytes sealed, Outgoing& outgoing);
    void leave(const Path& path, Outgoing& outgoing);
    /// A copy of a sealed message or a handshake goes through the server. There must be a handle.
    void relay(Bytes message);
    [[nodiscard]] static Outgoing::Way way_of(const Route& route) {
        return route.is_relay() ? Outgoing::Way::kRelay : Outgoing::Way::kDirect;
    }
    void push(const Path& path, Bytes datagram, std::optional<std::uint8_t> ttl = std::nullopt);
    void take(Instant now, const traversal::Action& action);
    void take(Instant now, const traversal::PathChanged& changed);
    [[nodiscard]] traversal::OurNat our_nat() const;
    void open_spare(Instant now, const traversal::OpenSpare& wanted);
    /// Counts what was not taken; false.
    [[nodiscard]] bool drop(Drop reason);
    /// Of two words about one thing this is the one that was sealed first, come second. Else it is
    /// the `latest` one now.
    [[nodiscard]] bool is_overtaken(const wire::TransportHeader& header,
                                    wire::TransportHeader& latest);
    void handle_frame(Instant now, const Route& route, const wire::PeerFrame& frame);
    void handle_part(Instant now, const wire::Part& part);
    void handle_rekey(Instant now, const wire::Rekey& frame);
    void poll_session(Instant now);

    PeerNumber number_;
    Id id_;
    Shared shared_;
    std::optional<crypto::PublicKey> key_;
    traversal::Agent agent_;
    BoundedVector<Introduced, 2> introductions_;
    /// The one whose openers we send.
    Introduced current_{};
    std::optional<RelayHandle> handle_;
    std::optional<IntroductionNonce> asked_;
    std::optional<session::Attempt> attempt_;
    /// `kNever` while message 1 only rides in `connect`: then the server's answer ends the wait.
    Instant attempt_until_ = kNever;
    std::optional<VirtualAddress> attempt_address_;
    BoundedVector<PathCookie, traversal::kPairsMax> cookies_;
    Backoff relay_initiation_{20ms, 200ms};
    int retries_taken_ = 0;
    bool group_key_differs_ = false;
    std::optional<Pending> pending_;
    std::optional<Answered> answered_;
    std::optional<session::PeerSession> session_;
    Incarnation remote_incarnation_{};
    std::optional<VirtualAddress> address_;
    std::optional<PathChanged> path_;
    struct Burst {
        Instant began_at{};
        traversal::Routes routes{};
        std::size_t frame_max = 0;
    };
    Burst burst_;
    /// What ENet was told about the size of its datagrams, and for which address.
    std::optional<VirtualAddress> sized_address_;
    std::size_t datagram_size_ = kDatagramSizeMin;
    unsigned black_holes_ = 0;
    std::uint64_t bytes_received_ = 0;
    std::uint16_t next_part_id_ = 0;
    PartAssembly parts_{shared_.drops};
    /// The message that had the peer's latest word about its selection.
    wire::TransportHeader selection_told_;
    /// The same about its NAT.
    wire::TransportHeader nat_told_;
    TimerTable<Timer> timers_;
    /// mac1 of the message 2 that we took: a later copy of it shows another way to the peer, as
    /// long as copies may be under way. Afterwards it is somebody's replay.
    FixedBytes<16> taken_mac1_{};
    Instant taken_until_{};
    bool connected_ = false;
    bool lost_ = false;
    bool shares_network_ = false;
    bool asked_to_resume_ = false;
    /// Data goes on two routes, because the first one is in doubt.
    bool is_duplicating_ = false;
    bool wants_ports_ = false;
    bool wanted_ = false;
    bool keep_trying_ = false;
    bool incoming_ = false;
    bool leaving_ = false;
    bool finished_ = false;
};

}  // namespace pinhole::node
