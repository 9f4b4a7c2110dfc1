// The way to the rendezvous: UDP where it gets out, TCP where it does not.
//
//     UDP silent for 2 s ---> stream opens ---> key, if unknown ---> handshake, register
//     UDP answers again  ---> keepalive by UDP ---> challenge, response ---> session moves
#include "shared/node/rendezvous_client.hpp"

namespace pinhole::node {
namespace {

/// So long binding requests (six by then) stay unanswered before the server is asked over TCP.
constexpr Duration kUdpPatience = 2s;
/// Silence of the server before the user hears of it.
constexpr Duration kTroubleAfter = 5s;

}  // namespace

void RendezvousClient::begin(Instant now) {
    withdraw_early_requests();
    state_ = State::kBinding;
    if (!timers_.is_set(Timer::kTrouble)) timers_.set(Timer::kTrouble, now + kTroubleAfter);
    if (is_udp_silent_) return begin_on_stream(now);
    timers_.set(Timer::kUdpSilence, now + kUdpPatience);
    // A server that fell silent is asked by binding requests until it answers.
    if (!is_silent_ && gathering_.server_path()) begin_handshake(now);
}

void RendezvousClient::wait(Instant now, Duration pause) {
    withdraw_early_requests();
    state_ = State::kWaiting;
    link_.drop_attempt();
    register_.stop();
    for (const Timer timer :
         {Timer::kTrouble, Timer::kKeepalive, Timer::kAck, Timer::kUdpSilence}) {
        timers_.stop(timer);
    }
    timers_.set(Timer::kRejoin, now + pause);
}

void RendezvousClient::begin_handshake(Instant now) {
    auto key = options_.pinned_key;
    if (!key && server_key_shown()) key = crypto::PublicKey{*server_key_shown()};
    const auto path = is_udp_silent_ ? stream_.path() : gathering_.server_path();
    if (!key || !path) return;
    // A stream needs no cookie.
    const Cookie cookie = gathering_.cookie_for(path->socket).value_or(Cookie{});
    if (!link_.begin(now, *key, *path, cookie)) return;
    state_ = State::kHandshaking;
    handshake_sent_ = now;
}

void RendezvousClient::on_server_answered(Instant now) {
    is_udp_silent_ = false;
    timers_.stop(Timer::kUdpSilence);
    return_.start(now);
    if (state_ != State::kBinding) return;
    stream_.release();
    if (!is_silent_) return begin_handshake(now);
    // Everybody sees it come back at about the same time: return spread over the window. If it was
    // only our own network that was gone, it still knows us, and its acknowledgement ends the wait.
    wait(now, shared_.random.jitter(rejoin_window_));
    send_keepalive(now, true);
    timers_.stop(Timer::kAck);
}

void RendezvousClient::lose_server(Instant now) {
    is_silent_ = link_.has_session();
    timers_.stop(Timer::kKeepalive);
    timers_.stop(Timer::kAck);
    acks_missing_ = 0;
    stream_.release();
    gathering_.ask_again(now);
    begin(now);
}

void RendezvousClient::on_silence(Instant now) {
    timers_.set(Timer::kTrouble, now + kTroubleAfter);
    const auto& shown = server_key_shown();
    if (options_.pinned_key && shown && *shown != options_.pinned_key->raw) {
        return stop(ServerTrouble::kKeyChanged, crypto::PublicKey{*shown});
    }
    report(ServerTrouble::kNoAnswer);
    if (state_ == State::kRegistering) begin(now);
}

const std::optional<FixedBytes<32>>& RendezvousClient::server_key_shown() const {
    return is_udp_silent_ && stream_key_ ? stream_key_ : gathering_.server_key();
}

// ---- to TCP

void RendezvousClient::on_udp_silence(Instant now) {
    if (state_ != State::kBinding) return;
    is_udp_silent_ = true;
    begin_on_stream(now);
}

void RendezvousClient::begin_on_stream(Instant now) {
    if (stream_.path()) return begin_handshake(now);
    // A server that comes back is met by everybody at about the same time.
    stream_.want(is_silent_ ? now + shared_.random.jitter(rejoin_window_) : now);
}

void RendezvousClient::poll_stream(Instant now) {
    if (timers_.take_expired(Timer::kUdpSilence, now)) on_udp_silence(now);
    stream_.handle_timeout(now);
    if (stream_.take_opened()) on_stream_opened(now);
    if (stream_.take_closed()) on_stream_closed(now);
    if (is_moving() && return_.take_due(now)) {
        // The server sees the session in another place, and challenges that.
        link_.send_on(*gathering_.server_path(), wire::Keepalive{});
    }
}

void RendezvousClient::on_stream_opened(Instant now) {
    if (state_ != State::kBinding || !is_udp_silent_) return stream_.release();
    timers_.set(Timer::kTrouble, now + kTroubleAfter);
    // The key is asked for even when one is pinned: that is how a changed one shows.
    key_transaction_ = shared_.random.bytes<8>();
    FixedBytes<wire::kBindingRequestSize> request;
    wire::encode(wire::BindingRequest{.wants_server_key = true, .transaction = key_transaction_},
                 request);
    link_.push(*stream_.path(), request);
    begin_handshake(now);
}

void RendezvousClient::on_stream_key(Instant now, const Path& path,
                                     const wire::BindingResponse& in) {
    const bool is_asked_for = path == stream_.path() && in.transaction == key_transaction_;
    if (!is_asked_for || !in.server_key) return shared_.drops.add(Drop::kUnexpected);
    stream_key_ = in.server_key;
    if (state_ == State::kBinding) begin_handshake(now);
    handle_timeout(now);
}

void RendezvousClient::on_stream_closed(Instant now) {
    if (state_ == State::kWaiting) return;
    link_.drop_attempt();
    register_.stop();
    lose_server(now);
}

// ---- and back

bool RendezvousClient::is_moving() const {
    const auto& better = gathering_.server_path();
    if (state_ != State::kRegistered || is_udp_silent_ || !better) return false;
    if (is_over_tcp()) return true;
    return *better != link_.path() && !gathering_.lists(link_.path().remote.ip.family());
}

void RendezvousClient::on_challenge(Instant now, const Path& path, const wire::Challenge& frame) {
    // The answer goes back the way the challenge came: that is what it asks about.
    link_.send_on(path, wire::Response{.id = frame.id});
    if (!is_moving() || path != gathering_.server_path()) return;
    // Acknowledged on this path when the session has moved.
    keepalive_sent_ = now;
    link_.send_on(path, wire::Keepalive{.wants_ack = true, .sequence = ++keepalive_sequence_});
}

void RendezvousClient::note_server_path(Instant now, const Path& path) {
    // What is no challenge the server sends to the place that it validated, and nowhere else.
    if (!is_moving() || path != gathering_.server_path()) return;
    link_.move_to(path);
    settle(now);
}

}  // namespace pinhole::node
