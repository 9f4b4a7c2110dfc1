#include "shared/node/peer_link.hpp"

#include <utility>

#include "shared/crypto/mac.hpp"

namespace pinhole::node {
namespace {

/// An introduced peer that never shows up is forgotten after this.
constexpr Duration kIncomingTimeout = 15s;
/// The server never asks for more (protocol.md).
constexpr Duration kFireInMax = 500ms;
/// After a registration, live pairs renew their relay spread over this time.
constexpr Duration kResumeSpread = 1s;

CloseReason reason_of(wire::ErrorCode code) {
    switch (code) {
        case wire::ErrorCode::kUnknownPeer: return CloseReason::kUnknownPeer;
        case wire::ErrorCode::kUnreachable: return CloseReason::kUnreachable;
        case wire::ErrorCode::kIdTaken:
        case wire::ErrorCode::kLimit:
        case wire::ErrorCode::kStorage:
        case wire::ErrorCode::kNotRegistered:
        case wire::ErrorCode::kFlapping: return CloseReason::kRefused;
    }
    return CloseReason::kRefused;
}

}  // namespace

PeerLink::PeerLink(PeerNumber number, const Id& id, const Shared& shared)
    : number_(number), id_(id), shared_(shared), agent_(shared.random, traversal::Sizes{}) {}

PeerLink::~PeerLink() {
    drop_attempt();
    drop_pending();
    release_session();
    if (address_) shared_.enet.release(*address_);
}

// ---- introductions and retries

void PeerLink::connect(Instant now, bool keep_trying) {
    wanted_ = true;
    keep_trying_ = keep_trying_ || keep_trying;
    if (session_ || attempt_ || timers_.is_set(Timer::kIntroduction)) return;
    timers_.stop(Timer::kRetry);
    ask(now, false);
}

void PeerLink::ask(Instant now, bool resume) {
    if (!shared_.rendezvous.is_registered()) return;  // `on_registered` asks again
    if (asked_) shared_.rendezvous.cancel(*asked_);
    asked_ = shared_.random.bytes<16>();
    asked_to_resume_ = resume;
    if (!resume) timers_.set(Timer::kIntroduction, now + kIntroductionTimeout);
    shared_.rendezvous.connect(now, *asked_, id_, resume);
}

void PeerLink::on_registered(Instant now) {
    if (session_ && !lost_) {
        timers_.set(Timer::kResume, now + shared_.random.jitter(kResumeSpread));
    } else if ((wanted_ || lost_) && !attempt_) {
        ask(now, false);
    }
}

void PeerLink::on_relay_changed(Instant now) {
    agent_.on_relay_changed(now, handle_.has_value() && shared_.rendezvous.has_session());
}

void PeerLink::on_local_changed(Instant now, const traversal::LocalSockets& sockets) {
    const auto own = shared_.rendezvous.gathering().local_candidates();
    agent_.set_local(now, sockets, own);
    if (!session_ && !introductions_.empty()) {
        shared_.rendezvous.send(wire::Trickle{.nonce = current_.nonce, .candidates = own});
    }
}

void PeerLink::note_introduction(Instant now, const wire::Introduction& in) {
    current_ = {.nonce = in.nonce,
                .tag = crypto::nonce_tag(in.nonce),
                .opener_from_peer = crypto::opener_mac(in.nonce, other(in.role)),
                .openers_until = now + kOpenersFor,
                .role = in.role};
    const auto same_role = std::ranges::find(introductions_, in.role, &Introduced::role);
    if (same_role != introductions_.end()) {
        *same_role = current_;
    } else {
        introductions_.push_back(current_);
    }
}

void PeerLink::handle_introduction(Instant now, const wire::Introduction& in) {
    key_ = crypto::PublicKey{in.key};
    if (in.role == Role::kAnswerer) {
        shared_.rendezvous.send(wire::Accept{
            .nonce = in.nonce, .candidates = shared_.rendezvous.gathering().local_candidates()});
    } else {
        timers_.stop(Timer::kIntroduction);
    }
    if (find_introduction(crypto::nonce_tag(in.nonce)) != nullptr) return;  // a repeat
    const bool is_alive = session_ && !lost_;
    // We answered the other side's attempt: ours would only replace what it makes.
    const bool has_answered = pending_ && in.role == Role::kAsker;
    const bool keeps_own_attempt =
        attempt_ && in.role == Role::kAnswerer && shared_.config.keys.public_key < *key_;
    note_introduction(now, in);
    handle_ = in.handle;
    incoming_ = in.role == Role::kAnswerer;
    if (has_answered || keeps_own_attempt || (is_alive && in.role == Role::kAsker && !in.resume)) {
        // Two introductions crossed; what is under way or stands already goes on.
        agent_.add_remote_candidates(now, in.candidates, traversal::Voucher::kServer);
        return on_relay_changed(now);
    }
    if (in.resume && !session_) ask(now, false);  // the other side remembers what we lost
    const bool initiates = in.role == Role::kAsker && !in.resume;
    if (!in.resume && !is_alive) {
        shared_.events.emplace_back(
            PeerIntroduced{.peer = number_, .id = id_, .key = *key_, .incoming = incoming_});
        if (incoming_ && !session_) timers_.set(Timer::kIntroduction, now + kIncomingTimeout);
    }
    agent_.on_introduction(now, {.role = in.role,
                                 .technique = in.technique,
                                 .fire_in = std::min(Duration{in.fire_in_us}, kFireInMax),
                                 .remote = in.candidates,
                                 .initiates_handshake = initiates,
                                 .has_relay = shared_.rendezvous.has_session()});
    if (initiates) start_attempt(now, current_);
}

void PeerLink::handle_trickle(Instant now, const wire::Trickle& in) {
    agent_.add_remote_candidates(now, in.candidates, traversal::Voucher::kServer);
}

void PeerLink::handle_error(Instant now, const wire::Error& in) {
    asked_.reset();
    if (asked_to_resume_) return timers_.set(Timer::kResume, now + kRetryInterval);
    fail(now, reason_of(in.code));
}

void PeerLink::fail(Instant now, CloseReason reason) {
    timers_.stop(Timer::kIntroduction);
    const bool retrying = keep_trying_ || session_.has_value();
    shared_.events.emplace_back(
        ConnectFailed{.peer = number_, .id = id_, .reason = reason, .retrying = retrying});
    if (retrying) return try_later(now);
    finished_ = true;
}

void PeerLink::try_later(Instant now) {
    timers_.set(Timer::kRetry, now + kRetryInterval + shared_.random.jitter(kRetryInterval / 2));
}

// ---- frames

void PeerLink::push(const Path& path, Bytes datagram, std::optional<std::uint8_t> ttl) {
    if (!shared_.out.push({.path = path, .bytes = datagram, .ttl = ttl})) {
        shared_.drops.add(Drop::kLimit);
    }
}

void PeerLink::dispatch(const Route& route, Bytes sealed, Outgoing& outgoing) {
    if (sealed.empty()) return shared_.drops.add(Drop::kLimit);
    if (route.is_direct()) return push(route.path(), sealed);
    if (handle_) shared_.rendezvous.relay(*handle_, outgoing);
}

template <class Frame>
void PeerLink::send_frame(const Route& route, const Frame& frame) {
    if (!session_) return;
    Outgoing outgoing;
    const std::size_t size = wire::encode(frame, outgoing.frame_room());
    dispatch(route, outgoing.seal(*session_, size), outgoing);
}

void PeerLink::send_enet(Instant now, VirtualAddress from, Bytes datagram) {
    // While no session exists ENet's repeats go nowhere; it repeats them again.
    if (!session_ || from != address_) return;
    const traversal::Routes routes = agent_.routes(now);
    if (!routes.primary) return;
    Outgoing outgoing;
    const std::size_t size = wire::encode(wire::EnetFrame{datagram}, outgoing.frame_room());
    const Bytes sealed = outgoing.seal(*session_, size);
    if (sealed.empty()) return shared_.drops.add(Drop::kLimit);
    session_->on_data_sent();
    agent_.on_data_sent(now, sealed.size());
    // Wrapping for the relay destroys the sealed bytes, so a direct copy leaves first.
    const auto& [primary, duplicate] = routes;
    if (primary->is_direct()) push(primary->path(), sealed);
    if (duplicate && duplicate->is_direct()) push(duplicate->path(), sealed);
    if ((primary->is_relay() || (duplicate && duplicate->is_relay())) && handle_) {
        shared_.rendezvous.relay(*handle_, outgoing);
    }
}

void PeerLink::handle_transport(Instant now, const Route& route,
                                const wire::TransportHeader& header, MutableBytes datagram) {
    Parsed<session::PeerSession::Opened> opened = dropped(Drop::kUnknownSession);
    if (session_) opened = session_->open_in_place(now, header, datagram);
    if (!opened && opened.error() == Drop::kUnknownSession && pending_) {
        opened = pending_->session.open_in_place(now, header, datagram);
        if (opened) confirm_pending(now, route);
    }
    if (!opened) return shared_.drops.add(opened.error());
    lost_ = false;
    auto frame = wire::parse_peer_frame(opened->frame);
    if (!frame) return shared_.drops.add(frame.error());
    // What the peer selected is its latest word; an older one comes late by the slower route.
    if (auto* challenge = std::get_if<wire::Challenge>(&*frame); challenge && challenge->selected) {
        challenge->selected = !is_overtaken(header);
    }
    handle_frame(now, route, *frame);
}

bool PeerLink::is_overtaken(const wire::TransportHeader& header) {
    const bool is_same_epoch = header.receiver == selection_told_.receiver;
    const bool is_late = is_same_epoch ? header.counter < selection_told_.counter
                                       : selection_told_.receiver == session_->indices().local;
    if (!is_late) selection_told_ = header;
    return is_late;
}

void PeerLink::handle_frame(Instant now, const Route& route, const wire::PeerFrame& frame) {
    if (const auto* challenge = std::get_if<wire::Challenge>(&frame)) {
        return agent_.on_challenge(now, route, *challenge);
    }
    if (const auto* response = std::get_if<wire::Response>(&frame)) {
        return agent_.on_response(now, route, *response);
    }
    agent_.on_authenticated(now, route);
    if (const auto* enet = std::get_if<wire::EnetFrame>(&frame)) {
        if (address_) shared_.enet.host().handle_datagram(now, *address_, enet->datagram);
    } else if (const auto* candidates = std::get_if<wire::CandidatesFrame>(&frame)) {
        agent_.add_remote_candidates(now, candidates->candidates, traversal::Voucher::kPeer);
    } else if (const auto* keepalive = std::get_if<wire::Keepalive>(&frame)) {
        if (keepalive->wants_ack) {
            send_frame(route, wire::Keepalive{.is_ack = true, .sequence = keepalive->sequence});
        }
    } else if (const auto* rekey = std::get_if<wire::Rekey>(&frame)) {
        handle_rekey(now, *rekey);
    } else if (std::holds_alternative<wire::Close>(frame)) {
        finish(CloseReason::kDone);
    } else {
        shared_.drops.add(Drop::kUnexpected);
    }
}

void PeerLink::handle_rekey(Instant now, const wire::Rekey& frame) {
    const auto fresh = shared_.indices.allocate({number_});
    if (!fresh) return shared_.drops.add(Drop::kLimit);
    const auto used = session_->handle_rekey(now, frame, *fresh, shared_.random);
    if (!used) shared_.drops.add(used.error());
    if (!used || !*used) shared_.indices.release(*fresh);
}

void PeerLink::on_enet_connected() {
    if (std::exchange(connected_, true)) return;
    shared_.events.emplace_back(
        PeerConnected{.peer = number_, .id = id_, .key = *key_, .incoming = incoming_});
    if (path_) shared_.events.emplace_back(*path_);
}

void PeerLink::on_enet_closed() {
    if (!leaving_) return finish(CloseReason::kDone);
    if (const auto primary = agent_.routes({}).primary) send_frame(*primary, wire::Close{});
    finish(CloseReason::kLocal);
}

void PeerLink::disconnect(Instant now) {
    wanted_ = false;
    keep_trying_ = false;
    if (asked_) shared_.rendezvous.cancel(*asked_);
    if (is_connected() && !lost_) {
        leaving_ = true;
        return shared_.enet.host().disconnect(now, *address_);
    }
    shutdown(now);
    finish(CloseReason::kLocal);
}

void PeerLink::refuse(CloseReason reason) {
    shared_.events.emplace_back(
        ConnectFailed{.peer = number_, .id = id_, .reason = reason, .retrying = false});
    finished_ = true;
}

void PeerLink::shutdown(Instant now) {
    const traversal::Routes routes = agent_.routes(now);
    if (routes.primary) send_frame(*routes.primary, wire::Close{});
    if (routes.duplicate) send_frame(*routes.duplicate, wire::Close{});
}

void PeerLink::finish(CloseReason reason) {
    if (finished_) return;
    finished_ = true;
    if (address_) drop_address(reason);
}

// ---- time

void PeerLink::handle_timeout(Instant now) {
    agent_.handle_timeout(now);
    if (session_) session_->handle_timeout(now);
    if (attempt_ && now >= attempt_->expires()) on_attempt_expired(now);
    if (attempt_ && relay_initiation_.take_due(now)) send_initiation_by_relay();
    if (timers_.take_expired(Timer::kPending, now)) on_pending_expired(now);
    if (timers_.take_expired(Timer::kResume, now) && session_) ask(now, true);
    if (timers_.take_expired(Timer::kRetry, now)) ask(now, false);
    if (timers_.take_expired(Timer::kIntroduction, now)) fail(now, CloseReason::kNoAnswer);
}

Instant PeerLink::next_timeout() const {
    Instant at = std::min(timers_.next(), agent_.next_timeout());
    if (session_) at = std::min(at, session_->next_timeout());
    if (attempt_) at = std::min({at, attempt_->expires(), relay_initiation_.at()});
    return at;
}

void PeerLink::drain(Instant now) {
    while (const auto action = agent_.poll_action()) take(now, *action);
    if (attempt_ && relay_initiation_.take_due(now)) send_initiation_by_relay();
    poll_session(now);
}

void PeerLink::take(Instant now, const traversal::Action& action) {
    using namespace traversal;
    if (const auto* opener = std::get_if<SendOpener>(&action)) {
        FixedBytes<wire::kOpenerSize> datagram;
        wire::encode(wire::Opener{crypto::opener_mac(current_.nonce, current_.role)}, datagram);
        push(opener->path, datagram, opener->ttl);
    } else if (const auto* handshake = std::get_if<SendHandshake>(&action)) {
        if (attempt_) send_initiation(handshake->path);
    } else if (const auto* challenge = std::get_if<SendChallenge>(&action)) {
        send_frame(challenge->route, challenge->challenge);
    } else if (const auto* response = std::get_if<SendResponse>(&action)) {
        send_frame(response->route, response->response);
    } else if (const auto* keepalive = std::get_if<SendKeepalive>(&action)) {
        send_frame(keepalive->route, wire::Keepalive{});
    } else if (std::holds_alternative<TrickleCandidates>(action)) {
        send_frame(Route::relay(),
                   wire::CandidatesFrame{shared_.rendezvous.gathering().local_candidates()});
    } else if (const auto* changed = std::get_if<traversal::PathChanged>(&action)) {
        take(now, *changed);
    } else if (!attempt_ && !pending_) {  // Lost
        lost_ = true;
        ask(now, false);
    }
}

void PeerLink::take(Instant now, const traversal::PathChanged& changed) {
    const bool was_lost = path_ && path_->state == PathState::kLost;
    path_ = PathChanged{
        .peer = number_,
        .state = changed.state,
        .reason = changed.reason,
        .remote =
            changed.route.is_direct() ? std::optional{changed.route.path().remote} : std::nullopt,
        .round_trip_time = changed.rtt.value_or(Duration{}),
    };
    if (connected_) shared_.events.emplace_back(*path_);
    if (!address_ || changed.state == PathState::kLost) return;
    if (was_lost) {
        shared_.enet.host().on_path_restored(now, *address_, changed.rtt.value_or(kRetryInterval));
    } else if (changed.rtt) {
        shared_.enet.host().set_round_trip_time(*address_, *changed.rtt);
    }
}

void PeerLink::poll_session(Instant now) {
    if (!session_) return;
    if (session_->wants_rekey(now)) {
        if (const auto fresh = shared_.indices.allocate({number_})) {
            session_->start_rekey(now, *fresh, shared_.random);
        }
    }
    const auto [primary, duplicate] = agent_.routes(now);
    if (!std::exchange(is_duplicating_, duplicate.has_value()) && duplicate && address_) {
        // What went on the doubted path alone may be lost, and by now ENet's timers have doubled.
        shared_.enet.host().set_round_trip_time(
            *address_, std::max(agent_.rtt().value_or(Duration{}), kUnmeasuredRoundTrip));
    }
    Outgoing outgoing;
    while (const std::size_t size = session_->poll_frame(outgoing.frame_room())) {
        if (primary) dispatch(*primary, outgoing.seal(*session_, size), outgoing);
    }
    while (const auto index = session_->take_retired_index()) shared_.indices.release(*index);
    if (session_->take_rekey_failed()) ask(now, false);
}

}  // namespace pinhole::node
