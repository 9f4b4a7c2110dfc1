// Our side of the rendezvous: one registration, kept alive.
//
//     idle -> binding -> handshaking -> registering -> registered
//               ^                                          |
//               +------ no answer, gone, shutdown ---------+   (beside the old session)
//     any state -> stopped: the id is taken, the key changed, or we were replaced
//
// Where no binding request is answered it goes on over TCP (rendezvous_client_way.cpp), and comes
// back to UDP when that answers.
//
// Owns the gathering of our own candidates (which shares the binding requests), the link to the
// server, the registration, its keepalive, and what repeats until the server answers: `register`,
// `connect`, and what the rooms ask. It refuses to judge peers: frames about them go to the node.
#pragma once

#include <deque>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "shared/node/backoff.hpp"
#include "shared/node/event.hpp"
#include "shared/node/room_client.hpp"
#include "shared/node/server_link.hpp"
#include "shared/node/server_stream.hpp"
#include "shared/traversal/gathering.hpp"
#include "shared/traversal/nat_report.hpp"
#include "shared/traversal/refresh.hpp"

namespace pinhole::node {

/// Keepalives refresh the mapping towards the server and tell it that we live (protocol.md); a
/// mapping lives at least 30 s on the shortest-lived routers we know.
inline constexpr Duration kServerKeepalive = 20s;
/// Every third keepalive asks for an acknowledgement; over TCP each one, since no datagram of the
/// pairs shows there that the server is still at the other end.
inline constexpr int kKeepalivesPerAck = 3;
/// Waits for an acknowledgement before the session counts as lost: 1, 2, 4 s.
inline constexpr int kAckTries = 3;
/// Between two looks at our own mapping because a peer's path died.
inline constexpr Duration kLookInterval = 5s;
/// `gone` starts at most one handshake in this time.
inline constexpr Duration kGoneInterval = 5s;
class RendezvousClient {
  public:
    struct Options {
        Id id;
        wire::AcceptMode accept = wire::AcceptMode::kOpen;
        std::optional<crypto::PublicKey> pinned_key{};
        Incarnation incarnation;
        /// Where the server takes TCP, if not at its UDP port.
        std::optional<std::uint16_t> tcp_port{};
        /// Closes the rooms that we join. Must outlive the client.
        const crypto::Psk& group_key;
    };
    RendezvousClient(const Options& options, const ServerLink::Shared& shared);

    void start(Instant now, std::vector<Endpoint> servers);
    void handle_io_event(Instant now, const IoEvent& event);
    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    void handle_binding_response(Instant now, const Path& path, const wire::BindingResponse& in);
    void handle_handshake_response(Instant now, const Path& path,
                                   const wire::HandshakeResponse& in);
    void handle_retry(const Path& path, const wire::Retry& in) { link_.handle_retry(path, in); }
    void handle_gone(Instant now, const wire::Gone& in);
    /// Opens a transport message of the server's session. A frame about peers comes back, borrowing
    /// from the room of `in`; the client's own are dealt with here.
    [[nodiscard]] std::optional<wire::ServerFrame> handle_transport(
        Instant now, const Path& path, const wire::TransportHeader& header, const Opening& in);

    /// What a `connect` says, the same in every copy.
    struct Call {
        IntroductionNonce nonce;
        Id target;
        bool resume = false;
        /// Message 1 for a peer whose key is pinned, or empty.
        session::HandshakeBuffer handshake{};
    };
    /// Asks for an introduction and repeats until `introduced` or `error` comes, or `cancel`, or
    /// the registration fails. May be called as soon as `takes_requests`: the server answers it
    /// with the registration, so it leaves right behind `register`.
    void connect(Instant now, const Call& call);
    void cancel(const IntroductionNonce& nonce);
    /// In the room from now on, whenever we are registered.
    void join(Instant now, const Id& room);
    void leave(Instant now, const Id& room);
    /// A session stands, and a registration stands or is under way in it.
    [[nodiscard]] bool takes_requests() const {
        return state_ == State::kRegistered || state_ == State::kRegistering;
    }
    /// The `connect` with this nonce is still repeated.
    [[nodiscard]] bool is_asking(const IntroductionNonce& nonce) const;
    /// Seals one frame to the server. False when there is no session.
    template <class Frame>
    bool send(const Frame& frame) {
        return link_.send(frame);
    }
    /// Sends the message in `outgoing` through the server. Destroys it. False without a session.
    bool relay(RelayHandle handle, Outgoing& outgoing) { return link_.relay(handle, outgoing); }

    /// What discovery knows of our NAT: the server is told what it uses, and mappings are refreshed
    /// in time. Cheap when nothing of that changed.
    void note_nat(Instant now, const traversal::NatReport& report);
    /// Tells peers from now on that our gateway forwards `external` to the IPv4 socket, or, without
    /// one, that it does not. Cheap when nothing changed.
    void offer_port_mapping(Instant now, const std::optional<Endpoint>& external) {
        if (gathering_.set_port_mapping(kSocketV4, external)) poll_gathering(now);
    }

    /// Something about our network changed: find out what the server sees now.
    void on_network_changed(Instant now);
    /// A direct path died, perhaps with a mapping of ours: asks what the server sees now, at most
    /// every `kLookInterval`.
    void look_again(Instant now);
    /// Says `close` to the server and stops.
    void shutdown();

    [[nodiscard]] std::optional<NodeEvent> poll_event();
    [[nodiscard]] std::optional<IoRequest> poll_io_request() { return stream_.poll_io_request(); }
    [[nodiscard]] bool is_registered() const { return state_ == State::kRegistered; }
    /// A session exists, so frames can be relayed.
    [[nodiscard]] bool has_session() const { return link_.has_session(); }
    /// The session runs over TCP, because UDP does not get out.
    [[nodiscard]] bool is_over_tcp() const {
        return link_.has_session() && is_stream(link_.path().socket);
    }
    [[nodiscard]] Duration round_trip_time() const { return rtt_; }
    [[nodiscard]] const traversal::Gathering& gathering() const { return gathering_; }
    /// True once after each handshake: a registration is under way and `takes_requests`.
    [[nodiscard]] bool take_session_anew() { return std::exchange(session_anew_, false); }
    /// True once after a registration failed: what was asked for with it is asked for no more.
    [[nodiscard]] bool take_requests_withdrawn() { return std::exchange(withdrawn_, false); }
    /// True once after each registration, so that live pairs can be resumed.
    [[nodiscard]] bool take_registered_anew() { return std::exchange(registered_anew_, false); }
    /// True once after the server began to see us elsewhere.
    [[nodiscard]] bool take_address_changed() { return std::exchange(address_changed_, false); }
    /// True once after `gathering().local_candidates()` changed.
    [[nodiscard]] bool take_candidates_changed() {
        return std::exchange(candidates_changed_, false);
    }

  private:
    enum class State : std::uint8_t {
        kIdle,
        kBinding,
        kHandshaking,
        kRegistering,
        kRegistered,
        kWaiting,
        kStopped
    };
    enum class Timer : std::uint8_t { kKeepalive, kAck, kRejoin, kTrouble, kUdpSilence, kCount };
    struct Request {
        Call call;
        Backoff repeat;
        Instant until;
    };

    // The way there (rendezvous_client_way.cpp).
    void begin(Instant now);
    void begin_handshake(Instant now);
    void wait(Instant now, Duration pause);
    void on_server_answered(Instant now);
    /// The server does not answer any more: ask for it anew.
    void lose_server(Instant now);
    void on_silence(Instant now);
    [[nodiscard]] const std::optional<FixedBytes<32>>& server_key_shown() const;
    void on_udp_silence(Instant now);
    void begin_on_stream(Instant now);
    void poll_stream(Instant now);
    void on_stream_opened(Instant now);
    void on_stream_key(Instant now, const Path& path, const wire::BindingResponse& in);
    void on_stream_closed(Instant now);
    /// Registered over TCP while UDP answers, or over a family of which we have no address left.
    [[nodiscard]] bool is_moving() const;
    void on_challenge(Instant now, const Path& path, const wire::Challenge& frame);
    void note_server_path(Instant now, const Path& path);

    void settle(Instant now);

    // What is asked for (rendezvous_client_requests.cpp).
    /// To be called before the state becomes another than registered: what was asked for while the
    /// registration was under way hangs on it.
    void withdraw_early_requests();
    void poll_requests(Instant now);
    void send_connect(const Call& call);
    void poll_rooms(Instant now);
    void on_members(Instant now, const wire::Members& frame);
    void on_room_error(Instant now, const wire::Error& frame);

    void poll_gathering(Instant now);
    void poll_keepalive(Instant now);
    /// Repeats `register` until it is answered; a changed NAT behavior is told by another one.
    void poll_register(Instant now);
    void send_register();
    void send_keepalive(Instant now, bool wants_ack);
    void on_registered(Instant now, const wire::Registered& frame);
    void note_gone_token(const wire::Registered& frame);
    void on_keepalive(Instant now, const wire::Keepalive& frame);
    void on_error(Instant now, const wire::Error& frame);
    /// Says of a `connect` that our registration is missing, while copies of both are under way.
    [[nodiscard]] bool is_too_early(const wire::Error& error) const {
        return error.code == wire::ErrorCode::kNotRegistered && state_ == State::kRegistering;
    }
    void on_close(Instant now, const wire::Close& frame);
    void stop(ServerTrouble trouble, std::optional<crypto::PublicKey> shown = std::nullopt);
    void stop_all();
    void report(ServerTrouble trouble, std::optional<crypto::PublicKey> shown = std::nullopt);

    Options options_;
    ServerLink::Shared shared_;
    ServerLink link_;
    traversal::Gathering gathering_;
    ServerStream stream_;
    /// What the server showed on the stream.
    std::optional<FixedBytes<32>> stream_key_;
    wire::TransactionId key_transaction_{};
    /// Binding requests are not answered any more: the way is TCP.
    bool is_udp_silent_ = false;
    /// Tries to move the session from TCP to UDP.
    Backoff return_{500ms, 8s};
    State state_ = State::kIdle;
    FixedBytes<16> gone_token_{};
    SessionIndex gone_index_{};
    Backoff register_{50ms, 1s};
    wire::NatBehavior behavior_;
    /// The behavior in the last `register`.
    wire::NatBehavior behavior_told_;
    Duration keepalive_ = kServerKeepalive;
    std::uint16_t request_ = 0;
    Instant handshake_sent_{};
    Instant register_sent_{};
    std::vector<Request> requests_;
    RoomClient rooms_;
    TimerTable<Timer> timers_;
    int keepalives_ = 0;
    int acks_missing_ = 0;
    std::uint16_t keepalive_sequence_ = 0;
    Instant keepalive_sent_{};
    Instant last_gone_{};
    Instant last_look_{};
    Duration rejoin_window_ = 2s;
    std::optional<Endpoint> observed_;
    Duration rtt_{};
    std::optional<ServerTrouble> trouble_;
    /// The server that registered us does not answer any more.
    bool is_silent_ = false;
    bool session_anew_ = false;
    bool withdrawn_ = false;
    bool registered_anew_ = false;
    bool address_changed_ = false;
    bool candidates_changed_ = false;
    std::deque<NodeEvent> events_;
};

}  // namespace pinhole::node
