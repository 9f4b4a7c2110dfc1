#include "shared/node/rendezvous_client.hpp"

#include <utility>

namespace pinhole::node {
namespace {

/// How long two processes that displace each other keep away (protocol.md).
constexpr Duration kFlappingPause = 60s;

/// The server looks at nothing else.
bool is_same_to_server(const wire::NatBehavior& a, const wire::NatBehavior& b) {
    return a.mapping == b.mapping && a.filtering == b.filtering;
}

}  // namespace

RendezvousClient::RendezvousClient(const Options& options, const ServerLink::Shared& shared)
    : options_(options),
      shared_(shared),
      link_(shared, options.incarnation),
      gathering_(shared.random),
      rooms_(options.group_key) {}

void RendezvousClient::start(Instant now, std::vector<Endpoint> servers) {
    traversal::ServerEndpoints endpoints;
    for (const Endpoint& server : servers) {
        auto& slot = server.ip.is_v4() ? endpoints.v4 : endpoints.v6;
        if (!slot) slot = server;
    }
    // The key is asked for even when one is pinned: that is how a changed one shows.
    gathering_.set_servers(now, endpoints, true);
    std::vector<Endpoint> streams;
    for (const auto& server : {endpoints.v4, endpoints.v6}) {
        if (!server) continue;
        streams.push_back({server->ip, options_.tcp_port.value_or(server->port)});
    }
    stream_.set_servers(std::move(streams));
    begin(now);
    handle_timeout(now);
}

void RendezvousClient::handle_io_event(Instant now, const IoEvent& event) {
    if (const auto* opened = std::get_if<SocketOpened>(&event)) {
        gathering_.on_socket_opened(now, opened->socket, opened->local);
    } else if (const auto* failed = std::get_if<SocketFailed>(&event)) {
        gathering_.on_socket_failed(now, failed->socket);
    } else if (const auto* changed = std::get_if<InterfacesChanged>(&event)) {
        gathering_.on_interfaces_changed(now, changed->addresses);
    }
    stream_.handle_io_event(now, event);
    handle_timeout(now);
}

void RendezvousClient::handle_binding_response(Instant now, const Path& path,
                                               const wire::BindingResponse& in) {
    if (is_stream(path.socket)) return on_stream_key(now, path, in);
    const auto taken = gathering_.handle_response(now, path, in);
    if (!taken) shared_.drops.add(taken.error());
    handle_timeout(now);
}

void RendezvousClient::handle_handshake_response(Instant now, const Path& path,
                                                 const wire::HandshakeResponse& in) {
    if (!link_.handle_response(now, path, in)) return;
    state_ = State::kRegistering;
    session_anew_ = true;
    ++request_;
    // Of a repeat nobody can tell which copy was answered: the first one counts (Karn).
    rtt_ = now - handshake_sent_;
    register_sent_ = now;
    register_.start(now);
    events_.push_back(ServerProven{link_.key()});
    handle_timeout(now);
}

void RendezvousClient::handle_gone(Instant now, const wire::Gone& in) {
    if (!link_.has_session() || in.index != gone_index_ ||
        !crypto::equal_in_constant_time(in.token, gone_token_)) {
        return shared_.drops.add(Drop::kBadMac);
    }
    if (link_.has_attempt() || now < last_gone_ + kGoneInterval) return;
    last_gone_ = now;
    // Everybody hears `gone` at about the same time: come back spread over the window.
    timers_.pull_in(Timer::kRejoin, now + shared_.random.jitter(rejoin_window_));
}

std::optional<wire::ServerFrame> RendezvousClient::handle_transport(
    Instant now, const Path& path, const wire::TransportHeader& header, const Opening& in) {
    const auto frame = link_.open(now, header, in);
    if (!frame) {
        shared_.drops.add(frame.error());
        return std::nullopt;
    }
    if (const auto* challenge = std::get_if<wire::Challenge>(&*frame)) {
        on_challenge(now, path, *challenge);
        return std::nullopt;
    }
    note_server_path(now, path);
    if (const auto* keepalive = std::get_if<wire::Keepalive>(&*frame)) {
        on_keepalive(now, *keepalive);
    } else if (const auto* rekey = std::get_if<wire::Rekey>(&*frame)) {
        link_.handle_rekey(now, *rekey);
    } else if (const auto* close = std::get_if<wire::Close>(&*frame)) {
        on_close(now, *close);
    } else if (const auto* registered = std::get_if<wire::Registered>(&*frame)) {
        on_registered(now, *registered);
    } else if (const auto* members = std::get_if<wire::Members>(&*frame)) {
        on_members(now, *members);
    } else if (const auto* error = std::get_if<wire::Error>(&*frame);
               error != nullptr && error->request != 0) {
        on_error(now, *error);
    } else if (error != nullptr && !error->room.empty()) {
        on_room_error(now, *error);
    } else if (error != nullptr && is_too_early(*error)) {
        shared_.drops.add(Drop::kStale);
    } else {
        if (const auto* introduced = std::get_if<wire::Introduction>(&*frame)) {
            if (introduced->role == Role::kAsker) cancel(introduced->nonce);
        } else if (error != nullptr) {
            cancel(error->nonce);
        }
        return *frame;
    }
    return std::nullopt;
}

void RendezvousClient::on_registered(Instant now, const wire::Registered& frame) {
    if (frame.request == 0) return note_gone_token(frame);  // after a rekey: the index is new
    if (!register_.is_running() || !takes_requests() || frame.request != request_) {
        return shared_.drops.add(Drop::kStale);
    }
    register_.stop();
    if (state_ == State::kRegistered) return note_gone_token(frame);  // it knows our NAT now
    // A new id waits for the store besides; either may have waited for a repetition.
    rtt_ = std::min(rtt_, now - register_sent_);
    note_gone_token(frame);
    rejoin_window_ = std::chrono::seconds{frame.rejoin_window_s};
    observed_ = frame.observed;
    settle(now);
    options_.pinned_key = link_.key();
}

void RendezvousClient::settle(Instant now) {
    state_ = State::kRegistered;
    is_silent_ = false;
    acks_missing_ = 0;
    trouble_.reset();
    for (const Timer timer : {Timer::kTrouble, Timer::kAck, Timer::kRejoin}) timers_.stop(timer);
    timers_.set(Timer::kKeepalive, now + keepalive_);
    is_over_tcp() ? stream_.confirm() : stream_.release();
    registered_anew_ = true;
    events_.push_back(Registered{.server = link_.path().remote,
                                 .observed = observed_,
                                 .server_key = link_.key(),
                                 .is_first_contact = !options_.pinned_key,
                                 .round_trip_time = rtt_,
                                 .over_tcp = is_over_tcp()});
    rooms_.on_registered(now);
    poll_rooms(now);
}

void RendezvousClient::note_gone_token(const wire::Registered& frame) {
    gone_token_ = frame.gone_token;
    gone_index_ = link_.remote_index();
}

void RendezvousClient::on_keepalive(Instant now, const wire::Keepalive& frame) {
    if (frame.wants_ack) {
        send(wire::Keepalive{.is_ack = true, .sequence = frame.sequence});
        return;
    }
    if (!frame.is_ack || frame.sequence != keepalive_sequence_) return;
    timers_.stop(Timer::kAck);
    acks_missing_ = 0;
    rtt_ = now - keepalive_sent_;
    if (is_silent_) {
        link_.drop_attempt();
        settle(now);
    }
    rooms_.on_server_alive(now);
    if (frame.observed && frame.observed != observed_) {
        observed_ = frame.observed;
        address_changed_ = true;
        gathering_.ask_again(now);
    }
}

void RendezvousClient::on_error(Instant now, const wire::Error& frame) {
    if (frame.request != request_) return shared_.drops.add(Drop::kStale);
    switch (frame.code) {
        case wire::ErrorCode::kIdTaken: return stop(ServerTrouble::kIdTaken);
        case wire::ErrorCode::kFlapping:
            report(ServerTrouble::kFlapping);
            return wait(now, kFlappingPause + shared_.random.jitter(rejoin_window_));
        case wire::ErrorCode::kStorage: report(ServerTrouble::kStorage); break;
        case wire::ErrorCode::kUnknownPeer:
        case wire::ErrorCode::kUnreachable:
        case wire::ErrorCode::kNotRegistered:
        case wire::ErrorCode::kRoomFull:
        case wire::ErrorCode::kLimit: report(ServerTrouble::kLimit); break;
    }
    wait(now, kGoneInterval + shared_.random.jitter(rejoin_window_));
}

void RendezvousClient::on_close(Instant now, const wire::Close& frame) {
    switch (frame.reason) {
        case wire::CloseReason::kReplaced: return stop(ServerTrouble::kReplaced);
        case wire::CloseReason::kReleased:
        case wire::CloseReason::kDone:
        case wire::CloseReason::kLimit:
        case wire::CloseReason::kShutdown: break;
    }
    if (frame.rejoin_window_s != 0) {
        rejoin_window_ = std::chrono::seconds{frame.rejoin_window_s};
    }
    report(frame.reason == wire::CloseReason::kLimit ? ServerTrouble::kLimit
                                                     : ServerTrouble::kShutdown);
    wait(now, shared_.random.jitter(rejoin_window_));
}

void RendezvousClient::handle_timeout(Instant now) {
    poll_gathering(now);
    if (state_ == State::kIdle || state_ == State::kStopped) return;
    if (timers_.take_expired(Timer::kTrouble, now)) on_silence(now);
    link_.handle_timeout(now);
    if (link_.take_attempt_expired()) lose_server(now);
    poll_stream(now);
    if (timers_.take_expired(Timer::kRejoin, now)) {
        is_silent_ = false;
        begin(now);
    }
    poll_register(now);
    if (link_.take_rekey_failed()) begin(now);
    if (link_.has_session()) poll_keepalive(now);
    poll_requests(now);
    poll_rooms(now);
}

void RendezvousClient::poll_gathering(Instant now) {
    gathering_.handle_timeout(now);
    while (const auto event = gathering_.poll_event()) {
        if (std::holds_alternative<traversal::ServerAnswered>(*event)) {
            on_server_answered(now);
        } else if (std::holds_alternative<traversal::MappedChanged>(*event)) {
            address_changed_ = true;
        } else if (std::holds_alternative<traversal::CandidatesChanged>(*event)) {
            candidates_changed_ = true;
        }
    }
    while (const auto request = gathering_.poll_transmit()) {
        FixedBytes<wire::kBindingRequestSize> datagram;
        wire::encode(request->request, datagram);
        link_.push(request->path, datagram);
    }
}

void RendezvousClient::poll_register(Instant now) {
    if (!takes_requests()) return;
    if (!register_.is_running() && !is_same_to_server(behavior_, behavior_told_)) {
        ++request_;
        register_sent_ = now;
        register_.start(now);
    }
    if (register_.take_due(now)) send_register();
}

void RendezvousClient::send_register() {
    behavior_told_ = behavior_;
    send(wire::Register{
        .request = request_, .accept = options_.accept, .id = options_.id, .behavior = behavior_});
}

void RendezvousClient::note_nat(Instant now, const traversal::NatReport& report) {
    keepalive_ = report.mapping_lived
                     ? traversal::refresh_interval(*report.mapping_lived, kServerKeepalive)
                     : kServerKeepalive;
    if (timers_.is_set(Timer::kKeepalive)) timers_.pull_in(Timer::kKeepalive, now + keepalive_);
    behavior_ = report.behavior;
    poll_register(now);
}

void RendezvousClient::poll_keepalive(Instant now) {
    if (timers_.take_expired(Timer::kKeepalive, now)) {
        timers_.set(Timer::kKeepalive, now + keepalive_);
        send_keepalive(now, ++keepalives_ % kKeepalivesPerAck == 0 || is_over_tcp());
        rooms_.on_keepalive(now);
    }
    if (!timers_.take_expired(Timer::kAck, now)) return;
    if (++acks_missing_ < kAckTries) return send_keepalive(now, true);
    lose_server(now);
}

void RendezvousClient::send_keepalive(Instant now, bool wants_ack) {
    keepalive_sent_ = now;
    if (wants_ack) timers_.set(Timer::kAck, now + (1s * (1 << acks_missing_)));
    send(wire::Keepalive{.wants_ack = wants_ack, .sequence = ++keepalive_sequence_});
}

void RendezvousClient::on_network_changed(Instant now) {
    if (state_ == State::kIdle || state_ == State::kStopped) return;
    gathering_.ask_again(now);
    // The server learns our new address from the next datagram; ask whether it arrived.
    acks_missing_ = 0;
    if (state_ == State::kRegistered) send_keepalive(now, true);
    handle_timeout(now);
}

void RendezvousClient::look_again(Instant now) {
    if (state_ != State::kRegistered || now < last_look_ + kLookInterval) return;
    last_look_ = now;
    gathering_.ask_again(now);
    handle_timeout(now);
}

void RendezvousClient::shutdown() {
    send(wire::Close{});
    stop_all();
}

void RendezvousClient::stop(ServerTrouble trouble, std::optional<crypto::PublicKey> shown) {
    report(trouble, shown);
    stop_all();
}

void RendezvousClient::stop_all() {
    withdraw_early_requests();
    state_ = State::kStopped;
    link_.drop_attempt();
    link_.drop_session();
    requests_.clear();
    timers_ = {};
    gathering_.keep_fresh({}, false);
    stream_.release();
}

void RendezvousClient::report(ServerTrouble trouble, std::optional<crypto::PublicKey> shown) {
    if (trouble_ == trouble) return;
    trouble_ = trouble;
    events_.push_back(ServerLost{.trouble = trouble, .shown_key = shown});
}

std::optional<NodeEvent> RendezvousClient::poll_event() {
    if (events_.empty()) return rooms_.poll_event();
    NodeEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

Instant RendezvousClient::next_timeout() const {
    Instant at = std::min({timers_.next(), gathering_.next_timeout(), link_.next_timeout()});
    at = std::min(at, stream_.next_timeout());
    if (is_moving()) at = std::min(at, return_.at());
    if (takes_requests()) at = std::min(at, register_.at());
    if (state_ == State::kRegistered) at = std::min(at, rooms_.next_timeout());
    for (const Request& request : requests_) {
        at = std::min(at, takes_requests() ? request.repeat.at() : kNever);
        at = std::min(at, request.until);
    }
    return at;
}

}  // namespace pinhole::node
