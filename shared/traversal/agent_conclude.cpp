// The agent's third part: after every input, what follows from all that is known.
#include <vector>

#include "shared/traversal/agent.hpp"

namespace pinhole::traversal {

namespace {

/// Paths beside the selected one that are kept verified.
constexpr unsigned kSparesMax = 2;
/// Between two requests for a new introduction, and their jitter.
constexpr Duration kLostInterval = 5s;
constexpr Duration kLostJitter = 1s;
/// A direct path that is back so soon was not unplugged: the longest bar, and a retry.
constexpr Duration kLessonWithin = 3min;

bool is_better_provisional(const Pair& a, const Pair& b) {
    if (a.state != b.state) return a.state == PairState::kVerified;
    if (a.quality.answers() != b.quality.answers()) {
        return a.quality.answers() > b.quality.answers();
    }
    return a.quality.rtt() < b.quality.rtt();
}

}  // namespace

void Agent::conclude(Instant now) {
    bury(now);
    choose(now);
    follow_selection(now);
    rank_spares();
    watch_loss(now);
    tend_retry(now);
    run_rounds(now);
    tend_guess(now);
    report();
}

void Agent::run_rounds(Instant now) {
    for (Pair& pair : checklist_.pairs()) {
        if (pair.checks.take_round(now)) send_round(now, pair);
    }
}

void Agent::bury(Instant now) {
    for (Pair& pair : checklist_.pairs()) {
        if (pair.state != PairState::kVerified || !pair.consent.is_dead(now)) continue;
        // With nothing to fall back to, the path that worked last is the best guess.
        if (is_selected(pair) && !fallback(now)) continue;
        if (is_selected(pair)) {
            if (pair.consent.is_silent_from_idleness()) quiet_death_ = {now, pair.path.remote.ip};
            selection_.drop();
        }
        pair.quality.on_failed(now);
        give_up(pair);
    }
}

void Agent::give_up(Pair& pair) {
    pair.consent.settle();
    pair.carried_message2 = false;
    pair.was_heard = false;
    pair.transition(PairState::kFailed);
}

void Agent::choose(Instant now) {
    std::vector<Selection::Option> options;
    options.reserve(checklist_.pairs().size());
    for (const Pair& pair : checklist_.pairs()) {
        const bool may = pair.state == PairState::kVerified && pair.quality.is_selectable() &&
                         pair.consent.has_consent(now) && !pair.consent.is_dead(now);
        if (may) options.push_back({pair.path, pair.quality});
    }
    static_cast<void>(selection_.consider(now, options));
}

void Agent::follow_selection(Instant now) {
    const std::optional<Path>& selected = selection_.selected();
    if (selected == announced_) return;
    if (selected) {
        path_mtu_.start(selected->remote.ip.family());
        learn_from_death(now, selected->remote.ip);
        had_direct_ = true;
        retry_.stop();
        if (!announced_ && has_relay_) timers_.set(Timer::kRelayWarm, now + kRelayWarmFor);
    } else {
        path_mtu_.stop();
        timers_.stop(Timer::kRelayWarm);
        timers_.set(Timer::kGuess, now + kChecksBeforeGuess);
    }
    announced_ = selected;
    announce_selection(now);
}

void Agent::learn_from_death(Instant now, const IpAddress& remote) {
    const auto death = std::exchange(quiet_death_, std::nullopt);
    if (!death || death->remote != remote || now - death->at > kLessonWithin) return;
    refresh_.on_mapping_lost(remote.family());
    timers_.set(Timer::kLesson, now + kLessonFor);
}

void Agent::rank_spares() {
    for (Pair& pair : checklist_.pairs()) pair.is_spare = false;
    for (unsigned i = 0; i < kSparesMax; ++i) {
        Pair* best = nullptr;
        for (Pair& pair : checklist_.pairs()) {
            const bool may = pair.state == PairState::kVerified && pair.quality.is_selectable() &&
                             !pair.is_spare && !is_selected(pair);
            if (may && (best == nullptr || pair.quality.rtt() < best->quality.rtt())) best = &pair;
        }
        if (best != nullptr) best->is_spare = true;
    }
}

void Agent::watch_loss(Instant now) {
    if (!is_established_) return;
    if (!silent_since_ && !routes(now).primary) silent_since_ = now;
    if (!is_lost_ && silent_since_ && now - *silent_since_ >= kLostAfter) {
        is_lost_ = true;
        peer_selected_ = false;
        // Everything fell silent, so no path did by its own fault.
        for (Pair& pair : checklist_.pairs()) pair.quality.lift_bar();
        timers_.set(Timer::kLost, now);
        retry_.at_once(now);
    }
    if (is_lost_ && timers_.take_expired(Timer::kLost, now)) {
        push(Lost{});
        timers_.set(Timer::kLost, now + kLostInterval + random_.jitter(kLostJitter));
    }
    const bool is_searching = timers_.is_set(Timer::kSearching);
    if (!selection_.selected() && !is_searching) retry_.arm(now);
}

Facts Agent::facts() const {
    const auto pairs = checklist_.pairs();
    return {.is_lost = is_lost_,
            .has_relay = has_relay_,
            .we_selected = selection_.selected().has_value(),
            .peer_selected = peer_selected_,
            .is_checking =
                timers_.is_set(Timer::kSearching) ||
                std::ranges::any_of(pairs, [&](const Pair& pair) { return is_qualifying(pair); }),
            .has_pairs = !pairs.empty(),
            .was_answered = was_answered_,
            .udp_blocked = is_udp_blocked_,
            .peer_udp_blocked = peer_nat_ && peer_nat_->behavior.is_udp_blocked,
            .knows_peer_nat = peer_nat_.has_value(),
            .had_direct = had_direct_,
            .guess = guess_reason()};
}

void Agent::report() {
    if (!is_established_) return;
    const auto verdict = judge(facts());
    if (!verdict) return;
    PathChanged change{.route = Route::relay(),
                       .state = verdict->state,
                       .reason = verdict->reason,
                       .rtt = rtt(),
                       .guesses = guess_.tries()};
    if (const auto& selected = selection_.selected()) {
        change.route = Route::direct(*selected);
    } else if (verdict->state == PathState::kLost && told_) {
        change.route = told_->route;
    }
    const bool is_news = !told_ || told_->route != change.route || told_->state != change.state ||
                         told_->reason != change.reason;
    if (!is_news) return;
    told_ = change;
    push(change);
}

Routes Agent::routes(Instant now) const {
    if (!is_established_) return {};
    const std::optional<Route> other = fallback(now);
    const Pair* selected = selected_pair();
    if (selected != nullptr && selected->consent.has_consent(now)) {
        const Route route = Route::direct(selected->path);
        if (selected->consent.is_trusted(now, selected->quality.rtt())) return {route, {}};
        return {route, other};
    }
    if (selected == nullptr) {
        if (const Pair* pair = provisional(now)) {
            const auto relay = has_relay_ ? std::optional{Route::relay()} : std::nullopt;
            return {Route::direct(pair->path), relay};
        }
    }
    return {other, {}};
}

std::optional<Duration> Agent::rtt() const {
    if (const Pair* selected = selected_pair()) return selected->quality.rtt();
    if (relay_quality_.answers() > 0) return relay_quality_.rtt();
    return std::nullopt;
}

bool Agent::is_barred(Instant now, const Pair& pair) const {
    // A bar protects from flapping; with nothing else to use it would only cut the pair off.
    return has_relay_ && pair.quality.is_barred(now);
}

const Pair* Agent::provisional(Instant now) const {
    const Pair* best = nullptr;
    for (const Pair& pair : checklist_.pairs()) {
        const bool may = (pair.state == PairState::kVerified || pair.carried_message2) &&
                         !is_selected(pair) && pair.consent.has_consent(now) &&
                         !pair.consent.is_dead(now);
        if (may && (best == nullptr || is_better_provisional(pair, *best))) best = &pair;
    }
    return best;
}

const Pair* Agent::selected_pair() const {
    const auto& selected = selection_.selected();
    return selected ? checklist_.find(*selected) : nullptr;
}

Pair* Agent::selected_pair() {
    const auto& selected = selection_.selected();
    return selected ? checklist_.find(*selected) : nullptr;
}

std::optional<Route> Agent::fallback(Instant now) const {
    if (has_relay_) return Route::relay();
    const Pair* pair = provisional(now);
    return pair != nullptr ? std::optional{Route::direct(pair->path)} : std::nullopt;
}

}  // namespace pinhole::traversal
