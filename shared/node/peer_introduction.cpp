// The introductions half of `PeerLink`: how two sides come to know of each other, and try again.
#include "shared/crypto/mac.hpp"
#include "shared/node/peer_link.hpp"

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
        case wire::ErrorCode::kRoomFull:
        case wire::ErrorCode::kFlapping: return CloseReason::kRefused;
    }
    return CloseReason::kRefused;
}

}  // namespace

void PeerLink::connect(Instant now, bool keep_trying) {
    wanted_ = true;
    keep_trying_ = keep_trying_ || keep_trying;
    if (session_ || attempt_ || timers_.is_set(Timer::kIntroduction)) return;
    timers_.stop(Timer::kRetry);
    ask(now, false);
}

void PeerLink::ask(Instant now, bool resume) {
    // `on_server_session` asks again; a pair is resumed when the registration stands.
    if (!shared_.rendezvous.takes_requests()) return;
    if (asked_) shared_.rendezvous.cancel(*asked_);
    if (is_riding()) drop_attempt();
    asked_ = shared_.random.bytes<16>();
    asked_to_resume_ = resume;
    if (!resume) timers_.set(Timer::kIntroduction, now + kIntroductionTimeout);
    shared_.rendezvous.connect(
        now, {.nonce = *asked_,
              .target = id_,
              .resume = resume,
              .handshake = resume ? session::HandshakeBuffer{} : ride_along(now, *asked_)});
}

session::HandshakeBuffer PeerLink::ride_along(Instant now, const IntroductionNonce& nonce) {
    const auto pin = shared_.pins.find(id_);
    if (pin == shared_.pins.end() || session_ || attempt_ || pending_) return {};
    if (!make_attempt(now, nonce, pin->second)) return {};
    return attempt_->initiation({});
}

void PeerLink::launch_attempt(Instant now, const wire::Introduction& in) {
    // The other side repeats its answer for no longer than an attempt lives, and the pin may have
    // changed since we asked: then we begin anew.
    const bool has_ridden = is_riding() && asked_ == in.nonce && attempt_->remote() == *key_ &&
                            now < attempt_->expires();
    if (!has_ridden && !make_attempt(now, in.nonce, *key_)) return;
    attempt_until_ = now + session::kAttemptLifetime;
    // What rode is at the other side about now. A copy is for the loss of its answer, which takes
    // that side's round trip to the server: ours, and by how much longer we are to wait for it.
    const Duration answer = shared_.rendezvous.round_trip_time() +
                            std::min(Duration{in.fire_in_us}, kFireInMax) + kSchedulingSlack;
    relay_initiation_.start(has_ridden ? now + answer : now);
}

bool PeerLink::must_ask() const {
    if (session_ && !lost_) return false;
    return (wanted_ || lost_) && (!attempt_ || is_riding());
}

void PeerLink::on_server_session(Instant now) {
    if (must_ask()) ask(now, false);
}

void PeerLink::on_registered(Instant now) {
    if (session_ && !lost_) {
        timers_.set(Timer::kResume, now + shared_.random.jitter(kResumeSpread));
    } else if (must_ask() && !(asked_ && shared_.rendezvous.is_asking(*asked_))) {
        ask(now, false);
    }
}

void PeerLink::on_requests_withdrawn() {
    if (is_riding()) drop_attempt();
    if (!asked_ || asked_to_resume_ || attempt_) return;
    asked_.reset();
    timers_.stop(Timer::kIntroduction);
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

Duration PeerLink::hold_for(const wire::Introduction& in) const {
    const Duration asked = std::min(Duration{in.fire_in_us}, kFireInMax);
    return std::max(asked, kSchedulingSlack - shared_.rendezvous.round_trip_time() / 2);
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
    const bool keeps_own_attempt = attempt_ && !is_riding() && in.role == Role::kAnswerer &&
                                   shared_.config.keys.public_key < *key_;
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
                                 .fire_in = hold_for(in),
                                 .remote = in.candidates,
                                 .initiates_handshake = initiates,
                                 .has_relay = shared_.rendezvous.has_session(),
                                 .leads = shared_.config.keys.public_key < *key_});
    if (initiates) launch_attempt(now, in);
}

wire::CandidateList PeerLink::fit_to_tell(const wire::CandidateList& candidates) const {
    wire::CandidateList out;
    for (const wire::Candidate& candidate : candidates) {
        // A proof is between its owner and the server; whoever has it could claim the endpoint.
        const wire::Candidate plain{.type = candidate.type, .endpoint = candidate.endpoint};
        if (shares_network_ || plain.endpoint.ip.scope() == Scope::kPublic) out.push_back(plain);
    }
    return out;
}

void PeerLink::tell_unproven(const Route& route) {
    const auto own = shared_.rendezvous.gathering().local_candidates();
    const bool has_unproven = std::ranges::any_of(own, [](const wire::Candidate& candidate) {
        return !candidate.proof && candidate.endpoint.ip.scope() == Scope::kPublic;
    });
    if (has_unproven) send_frame(route, wire::CandidatesFrame{fit_to_tell(own)});
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
    if (is_riding()) drop_attempt();
    const bool retrying = keep_trying_ || session_.has_value();
    shared_.events.emplace_back(
        ConnectFailed{.peer = number_, .id = id_, .reason = reason, .retrying = retrying});
    if (retrying) return try_later(now);
    finished_ = true;
}

void PeerLink::try_later(Instant now) {
    timers_.set(Timer::kRetry, now + kRetryInterval + shared_.random.jitter(kRetryInterval / 2));
}

}  // namespace pinhole::node
