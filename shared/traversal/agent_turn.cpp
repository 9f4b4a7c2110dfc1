// The agent's second part: what it sends, and what time brings.
#include "shared/traversal/agent.hpp"

namespace pinhole::traversal {

namespace {

/// Nobody polls: a bound on what a flood of challenges could queue.
constexpr std::size_t kActionsMax = 512;
/// The same for the relay while it is kept warm after an upgrade.
constexpr Duration kWarmInterval = 5s;
/// An announced selection that nobody confirmed is announced again, ever less often.
constexpr unsigned kAnnouncementsMax = 6;
constexpr Duration kAnnounceSlack = 100ms;
constexpr Duration kUnmeasuredRtt = 200ms;
/// A retry's first round waits for the trickled candidates to cross the relay, at most so long.
constexpr Duration kTrickleLeadMax = 500ms;

}  // namespace

// --- sending -------------------------------------------------------------------------------------

void Agent::push(Action action) {
    if (actions_.size() == kActionsMax) {
        ++dropped_actions_;
        return;
    }
    actions_.push_back(std::move(action));
}

std::optional<Action> Agent::poll_action() {
    if (actions_.empty()) return std::nullopt;
    Action action = std::move(actions_.front());
    actions_.pop_front();
    return action;
}

void Agent::start_checks(Instant now, Pair& pair, Instant at) {
    // A listener's own first datagram would open a mapping that its peer cannot guess.
    if (is_listening_ && !pair.was_heard) return;
    if (is_barred(now, pair)) return;
    budget_.grant_new(now, pair.path.remote.ip, kBudgetOnTrust);
    if (!pair.was_heard) send_openers(pair);
    pair.transition(PairState::kInProgress);
    pair.checks.start(at);
    if (timers_.is_set(Timer::kSearching)) timers_.set(Timer::kSearching, at + kChecksFor);
}

void Agent::check_again(Instant now, Instant at) {
    for (Pair& pair : checklist_.pairs()) {
        if (pair.state == PairState::kVerified) continue;
        budget_.renew(now, pair.path.remote.ip, kBudgetOnTrust);
        // The mappings of both sides may be gone, so it is a first time again.
        pair.was_heard = pair.was_heard && is_listening_;
        start_checks(now, pair, at);
    }
}

void Agent::send_openers(Pair& pair) {
    if (pair.path.remote.ip.scope() != Scope::kPublic) return;
    for (unsigned i = 0; i < kOpenerCopies; ++i) {
        if (!budget_.spend(pair.path.remote.ip, sizes_.opener, kBudgetForChallenges)) return;
        push(SendOpener{pair.path, nat_.opener_ttl.value_or(kOpenerTtl)});
    }
}

void Agent::send_round(Instant now, Pair& pair) {
    const IpAddress& ip = pair.path.remote.ip;
    if (initiates_) {
        if (budget_.spend(ip, sizes_.handshake, kBudgetForChallenges)) {
            pair.carried_message1 = true;
            push(SendHandshake{pair.path});
        }
    } else if (!is_established_) {
        if (budget_.spend(ip, sizes_.opener, kBudgetForChallenges)) {
            push(SendOpener{pair.path, std::nullopt});
        }
    }
    if (is_established_) send_challenge(now, pair);
}

void Agent::send_challenge(Instant now, Pair& pair) {
    // Only a validated path is worth, and may be sent, a large datagram.
    const bool is_verified = pair.state == PairState::kVerified;
    const bool is_data_sized = is_verified && !pair.quality.carried_data_size();
    if (!is_verified && !budget_.spend(pair.path.remote.ip, sizes_.challenge)) return;
    const Route route = Route::direct(pair.path);
    wire::Challenge challenge{.id = transactions_.begin(now, route, is_data_sized),
                              .selected = is_selected(pair)};
    if (is_data_sized) {
        challenge.padding = static_cast<std::uint16_t>(sizes_.data - sizes_.challenge);
    }
    push(SendChallenge{route, challenge});
    pair.consent.on_challenge_sent(now);
    if (is_selected(pair) && !silent_since_) silent_since_ = now;
}

void Agent::send_size_probe(Instant now) {
    Pair* pair = selected_pair();
    const auto payload = pair != nullptr ? path_mtu_.take_probe(now) : std::nullopt;
    if (!payload) return;
    if (path_mtu_.wants_small()) question_selected(now);
    // Its loss says nothing about the path, so consent and liveness do not hear of it.
    const Route route = Route::direct(pair->path);
    const wire::Challenge probe{
        .id = transactions_.begin(now, route, true),
        .selected = true,
        .padding = static_cast<std::uint16_t>(*payload - sizes_.challenge),
    };
    push(SendChallenge{route, probe});
    path_mtu_.on_probe_sent(now, probe.id, pair->quality.rtt());
}

void Agent::send_relay_challenge(Instant now) {
    const bool is_primary = !selection_.selected();
    push(SendChallenge{
        Route::relay(),
        {.id = transactions_.begin(now, Route::relay(), false), .selected = is_primary}});
    relay_.on_challenge_sent(now);
    if (is_primary && !silent_since_) silent_since_ = now;
}

void Agent::announce_selection(Instant now) {
    announced_since_ = now;
    announcements_ = 0;
    announce_again(now);
}

/// The answer to an older challenge does not say that this one arrived.
void Agent::announce_again(Instant now) {
    timers_.stop(Timer::kAnnounce);
    if (!is_established_ || announcements_ == kAnnouncementsMax) return;
    const Duration wait = 2 * rtt().value_or(kUnmeasuredRtt) + kAnnounceSlack;
    timers_.set(Timer::kAnnounce, now + wait * (1 << announcements_++));
    if (const auto& selected = selection_.selected()) {
        if (Pair* pair = checklist_.find(*selected)) send_challenge(now, *pair);
    } else if (has_relay_) {
        send_relay_challenge(now);
    }
}

// --- what time brings ----------------------------------------------------------------------------

void Agent::handle_timeout(Instant now) {
    for (Pair& pair : checklist_.pairs()) tend(now, pair);
    tend_relay(now);
    send_size_probe(now);
    static_cast<void>(timers_.take_expired(Timer::kSearching, now));
    if (timers_.take_expired(Timer::kAnnounce, now)) announce_again(now);
    // The frame that told it may be lost.
    if (timers_.take_expired(Timer::kGuess, now) && !selection_.selected()) tell_nat();
    guess_.handle_timeout(now);
    if (timers_.take_expired(Timer::kRelayWarm, now)) relay_.settle();
    if (timers_.take_expired(Timer::kLesson, now)) refresh_.forget_lesson();
    conclude(now);
}

Instant Agent::next_timeout() const {
    Instant next = std::min({timers_.next(), retry_.next(), guess_.next_timeout()});
    for (const Pair& pair : checklist_.pairs()) next = std::min(next, next_for(pair));
    next = std::min({next, next_for_relay(), path_mtu_.next_timeout()});
    if (silent_since_ && !is_lost_) next = std::min(next, *silent_since_ + kLostAfter);
    return next;
}

void Agent::tend(Instant now, Pair& pair) {
    if (pair.checks.take_end(now)) {
        pair.transition(PairState::kFailed);
        pair.carried_message2 = false;
    }
    if (pair.state != PairState::kVerified || !is_established_) return;
    const Duration rtt = pair.quality.rtt();
    const bool carries = is_selected(pair) || is_qualifying(pair);
    if (carries && pair.consent.next_challenge(rtt) <= now) {
        send_challenge(now, pair);
    } else if (!carries && pair.is_spare &&
               pair.consent.next_spare_challenge(rtt, spare_interval(pair)) <= now) {
        send_challenge(now, pair);
    }
    if (is_selected(pair) && pair.consent.next_keepalive(pace_of(pair)) <= now) {
        pair.consent.on_keepalive_sent(now, random_);
        push(SendKeepalive{Route::direct(pair.path)});
    }
}

Instant Agent::next_for(const Pair& pair) const {
    Instant next = pair.checks.next();
    if (pair.state != PairState::kVerified || !is_established_) return next;
    const Duration rtt = pair.quality.rtt();
    if (is_selected(pair) || is_qualifying(pair)) {
        next = std::min(next, pair.consent.next_challenge(rtt));
        // Without a relay a dead selected path is kept, so its death is nothing to wake up for.
        if (has_relay_ || !is_selected(pair)) next = std::min(next, pair.consent.dead_at());
    } else if (pair.is_spare) {
        next = std::min({next, pair.consent.next_spare_challenge(rtt, spare_interval(pair)),
                         pair.consent.dead_at()});
    }
    if (is_selected(pair)) next = std::min(next, pair.consent.next_keepalive(pace_of(pair)));
    return next;
}

void Agent::tend_relay(Instant now) {
    if (next_for_relay() > now) return;
    const bool is_primary = !selection_.selected();
    if (is_primary && relay_.next_keepalive({}) <= now) {
        relay_.on_keepalive_sent(now, random_);
        push(SendKeepalive{Route::relay()});
    }
    if (next_for_relay() <= now) send_relay_challenge(now);
}

Instant Agent::next_for_relay() const {
    if (!is_established_ || !has_relay_) return kNever;
    const Duration rtt = relay_quality_.rtt();
    if (!selection_.selected()) {
        return std::min(relay_.next_challenge(rtt), relay_.next_keepalive({}));
    }
    if (timers_.is_set(Timer::kRelayWarm)) {
        return relay_.next_spare_challenge(rtt, kWarmInterval);
    }
    // As a duplicate it is asked once for each stretch of data that went over it.
    return relay_.owes_challenge() ? relay_.next_challenge(rtt) : kNever;
}

void Agent::tend_retry(Instant now) {
    if (!retry_.take_due(now)) return;
    push(TrickleCandidates{});
    tell_nat();
    const Duration lead = has_relay_ ? relay_quality_.rtt() / 2 : Duration{};
    check_again(now, now + std::min(lead, kTrickleLeadMax));
    if (selection_.selected() && !is_lost_) retry_.stop();
}

Pace Agent::pace_of(const Pair& pair) const {
    return refresh_.pace(pair.path.remote.ip.family());
}

Duration Agent::spare_interval(const Pair& pair) const {
    const Pair* selected = selected_pair();
    const bool is_busy = selected != nullptr && selected->consent.is_busy_beside(pair.consent);
    return refresh_.spare_interval(pair.path.remote.ip.family(), is_busy);
}

bool Agent::is_qualifying(const Pair& pair) const {
    return pair.state == PairState::kVerified && !pair.quality.is_selectable();
}

bool Agent::is_selected(const Pair& pair) const {
    return selection_.is_selected(pair.path);
}

}  // namespace pinhole::traversal
