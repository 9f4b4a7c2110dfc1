#include "shared/traversal/agent.hpp"

namespace pinhole::traversal {

namespace {

/// The server says when to fire; nobody may park us for longer (protocol, Introductions).
constexpr Duration kFireInMax = 500ms;
/// The peer's retries make us check the known candidates again at most this often.
constexpr Duration kPeerRetrySpacing = 4s;

bool has_same_endpoints(const wire::CandidateList& a, const wire::CandidateList& b) {
    return std::ranges::equal(a, b, [](const wire::Candidate& x, const wire::Candidate& y) {
        return x.endpoint == y.endpoint;
    });
}

}  // namespace

Agent::Agent(Random& random, SprayPermit& permit, const Sizes& sizes)
    : random_(random), sizes_(sizes), transactions_(random), guess_(random, permit) {}

void Agent::on_introduction(Instant now, const Terms& terms) {
    fire_at_ = now + std::clamp(terms.fire_in, Duration{}, kFireInMax);
    initiates_ = terms.initiates_handshake;
    is_listening_ = terms.technique == wire::Technique::kListen;
    has_relay_ = terms.has_relay;
    was_answered_ = false;
    had_direct_ = selection_.selected().has_value();
    leads_ = terms.leads;
    budget_.reset(now);
    guess_.renew_after_pause(now);
    vouched_.clear();
    checklist_.forget_remotes();
    for (const wire::Candidate& candidate : terms.remote) {
        budget_.grant(now, candidate.endpoint.ip, kBudgetPerIntroduction);
        vouch(candidate.endpoint.ip);
        checklist_.add_remote(candidate);
    }
    for (Pair& pair : checklist_.pairs()) {
        pair.quality.lift_bar();
        if (pair.state != PairState::kVerified) start_checks(now, pair, fire_at_);
    }
    timers_.set(Timer::kSearching, fire_at_ + kChecksFor);
    conclude(now);
}

void Agent::add_remote_candidates(Instant now, const wire::CandidateList& remote, Voucher voucher) {
    const bool is_peers = voucher == Voucher::kPeer;
    meeting_.clear();
    for (const wire::Candidate& candidate : remote) {
        if (takes_for_meeting(candidate)) continue;
        budget_.grant_new(now, candidate.endpoint.ip,
                          is_peers ? kBudgetOnTrust : kBudgetPerIntroduction);
        if (!is_peers) vouch(candidate.endpoint.ip);
        checklist_.add_remote(candidate);
    }
    for (Pair& pair : checklist_.pairs()) {
        if (pair.state == PairState::kWaiting) start_checks(now, pair, std::max(now, fire_at_));
    }
    if (!meeting_.empty()) leads_ ? meet(now) : guess_.on_told(now);
    const bool may_check = !peer_retried_ || now - *peer_retried_ >= kPeerRetrySpacing;
    if (is_peers && may_check) {
        peer_retried_ = now;
        // It tells its candidates when it has no direct path, or when its network changed: ours may
        // have gone with the old one.
        selection_.selected() ? question_selected(now) : check_again(now, now);
    }
    conclude(now);
}

void Agent::set_local(Instant now, const LocalSockets& sockets, const wire::CandidateList& own) {
    const bool is_new = !has_same_endpoints(checklist_.own(), own);
    checklist_.set_local(sockets, own);
    if (selected_pair() == nullptr) selection_.drop();
    for (Pair& pair : checklist_.pairs()) {
        if (pair.state == PairState::kWaiting) start_checks(now, pair, std::max(now, fire_at_));
    }
    if (is_established_ && is_new) retry_.at_once(now);
    conclude(now);
}

void Agent::on_opener(Instant now, const Path& path) {
    hear(now, path);
    conclude(now);
}

void Agent::on_handshake_heard(Instant now, const Route& route, bool is_message_2) {
    if (is_message_2) initiates_ = false;
    if (route.is_direct()) {
        Pair* pair = hear(now, route.path());
        // Without a message 1 on this very path it could be anybody's copy from a false source.
        if (pair != nullptr && is_message_2 && pair->carried_message1) {
            pair->carried_message2 = true;
            pair->consent.on_heard(now);
        }
    }
    conclude(now);
}

void Agent::on_peer_restarted() {
    for (Pair& pair : checklist_.pairs()) {
        if (pair.state == PairState::kVerified) give_up(pair);
    }
    selection_.drop();
}

void Agent::on_established(Instant now, const Route& route) {
    is_established_ = true;
    initiates_ = false;
    peer_selected_ = false;
    peer_path_.reset();
    if (route.is_direct()) {
        hear(now, route.path());
    } else {
        relay_.on_heard(now);
    }
    // Everything so far went out as openers and handshakes: now each pair has a challenge to
    // answer.
    const Instant at = std::max(now, fire_at_);
    timers_.set(Timer::kSearching, at + kChecksFor);
    for (Pair& pair : checklist_.pairs()) {
        if (pair.state == PairState::kInProgress) pair.checks.start(at);
        if (pair.state == PairState::kFailed) start_checks(now, pair, at);
    }
    announce_selection(now);
    timers_.set(Timer::kGuess, at + kChecksBeforeGuess);
    tell_nat();
    handle_timeout(now);
}

void Agent::on_challenge(Instant now, const Route& route, const wire::Challenge& challenge) {
    push(SendResponse{route, {challenge.id}});
    if (challenge.selected) note_peers_selection(now, route);
    on_authenticated(now, route);
    if (route.is_direct()) {
        if (Pair* pair = checklist_.find(route.path())) pair->consent.on_sent(now);
    }
    conclude(now);
}

void Agent::on_response(Instant now, const Route& route, const wire::Response& response) {
    on_authenticated(now, route);
    const auto proof = transactions_.complete(now, route, response.id);
    if (!proof) return;
    const Route announced = announced_ ? Route::direct(*announced_) : Route::relay();
    if (proof->route == announced && now - proof->rtt >= announced_since_) {
        timers_.stop(Timer::kAnnounce);
    }
    if (proof->route.is_direct() && selection_.is_selected(proof->route.path())) {
        path_mtu_.on_answer(now, response.id);
    }
    if (proof->route.is_relay()) {
        on_relay_answered(now, *proof);
    } else {
        on_path_answered(now, *proof);
    }
    conclude(now);
}

void Agent::on_authenticated(Instant now, const Route& route) {
    if (route.is_relay()) {
        relay_.on_heard(now);
        return;
    }
    Pair* pair = checklist_.find(route.path());
    if (pair != nullptr && pair->state == PairState::kVerified) {
        // The way of nearly every datagram: nothing follows from it.
        pair->consent.on_heard(now);
        return;
    }
    pair = hear(now, route.path());
    if (pair != nullptr) pair->consent.on_heard(now);
    conclude(now);
}

void Agent::on_data_sent(Instant now, std::size_t bytes) {
    const Routes used = routes(now);
    for (const auto& route : {used.primary, used.duplicate}) {
        if (!route) continue;
        if (route->is_relay()) {
            relayed_data_.add(bytes);
            relay_.on_data_sent(now);
            if (next_for_relay() <= now) tend_relay(now);
        } else if (Pair* pair = checklist_.find(route->path())) {
            direct_data_.add(bytes);
            pair->consent.on_data_sent(now);
            if (is_selected(*pair)) path_mtu_.on_data_sent(now, bytes);
            if (next_for(*pair) <= now) tend(now, *pair);
        }
    }
}

void Agent::on_too_big(Instant now, const Path& path) {
    if (selection_.is_selected(path)) path_mtu_.on_too_big(now);
}

void Agent::on_network_changed(Instant now) {
    for (Pair& pair : checklist_.pairs()) {
        pair.quality.lift_bar();
        if (pair.state != PairState::kVerified) continue;
        pair.consent.doubt();
        send_challenge(now, pair);
    }
    relay_.doubt();
    guess_.renew();
    quiet_death_.reset();
    refresh_.forget_lesson();
    if (is_established_) {
        timers_.set(Timer::kGuess, now + kChecksBeforeGuess);
        retry_.at_once(now);
    } else {
        check_again(now, now);
    }
    handle_timeout(now);
}

void Agent::on_relay_changed(Instant now, bool available) {
    if (has_relay_ == available) return;
    has_relay_ = available;
    relay_ = Consent{};
    relay_quality_ = Quality{};
    handle_timeout(now);
}

Pair* Agent::hear(Instant now, const Path& path) {
    Pair* pair = checklist_.adopt(path);
    if (pair == nullptr) return nullptr;
    const bool is_first = !pair->was_heard;
    pair->was_heard = true;
    budget_.grant_new(now, path.remote.ip, kBudgetOnTrust);
    if (pair->state == PairState::kVerified) return pair;
    if (!pair->checks.is_running()) {
        if (!is_barred(now, *pair)) start_checks(now, *pair, std::max(now, fire_at_));
    } else if (is_first) {
        pair->checks.pull_in(now);
    }
    return pair;
}

void Agent::on_path_answered(Instant now, const Validated& proof) {
    Pair* pair = checklist_.find(proof.route.path());
    if (pair == nullptr || is_barred(now, *pair)) return;
    // It may have been forgotten and named anew while its challenge was under way.
    if (pair->state != PairState::kVerified) pair->transition(PairState::kInProgress);
    pair->transition(PairState::kVerified);
    pair->checks.stop();
    pair->consent.on_answered(now);
    pair->quality.on_answer(proof.rtt, proof.data_sized);
    was_answered_ = true;
    guess_.on_hit(now);
    if (is_qualifying(*pair)) send_challenge(now, *pair);
    // The direct path answers: what its duplicate on the relay still owes does not matter.
    if (is_selected(*pair) && !timers_.is_set(Timer::kRelayWarm)) relay_.settle();
    recover(now);
}

void Agent::on_relay_answered(Instant now, const Validated& proof) {
    const bool was_blackout = relay_.unanswered_for(now) >= kSuspicionMax && !selection_.selected();
    relay_.on_answered(now);
    relay_quality_.on_answer(proof.rtt, false);
    if (was_blackout && !is_lost_) {
        // The relay was silent as well, so the direct path's silence was not its own fault.
        for (Pair& pair : checklist_.pairs()) pair.quality.lift_bar();
        quiet_death_.reset();
        retry_.at_once(now);
    }
    recover(now);
}

void Agent::note_peers_selection(Instant now, const Route& route) {
    peer_selected_ = route.is_direct();
    const auto path = route.is_direct() ? std::optional{route.path()} : std::nullopt;
    if (std::exchange(peer_path_, path) == path) return;
    // Our answers reach the peer by this way, and its challenge reached us: it is not as dead as it
    // was when we barred it.
    if (Pair* pair = path ? checklist_.find(*path) : nullptr) pair->quality.lift_bar();
    // The peer left the path that we use, perhaps because it cannot use it any more.
    if (selection_.selected() != path) question_selected(now);
}

void Agent::question_selected(Instant now) {
    // A quiet path would not tell for long. Whether we leave it, its own answers decide.
    Pair* pair = selected_pair();
    if (pair != nullptr && !pair->consent.is_questioned()) send_challenge(now, *pair);
}

void Agent::recover(Instant now) {
    silent_since_.reset();
    timers_.stop(Timer::kLost);
    if (!is_lost_) return;
    is_lost_ = false;
    if (selection_.selected()) {
        retry_.stop();
    } else {
        retry_.at_once(now);
    }
}

}  // namespace pinhole::traversal
