// The agent's fourth part: what it does when plain checks cannot succeed.
#include "shared/traversal/agent.hpp"

namespace pinhole::traversal {

// --- what is known -------------------------------------------------------------------------------

void Agent::set_nat(Instant now, const OurNat& nat, bool is_asked_for) {
    const bool is_new = nat != nat_;
    nat_ = nat;
    if (is_new) tell_nat();
    if (const auto terms = guess_terms()) guess_.update(*terms);
    if (is_asked_for) guess_.on_measured(now);
    conclude(now);
}

void Agent::set_udp_blocked(Instant now, bool is_blocked) {
    if (std::exchange(is_udp_blocked_, is_blocked) == is_blocked) return;
    tell_nat();
    if (const auto terms = guess_terms()) guess_.update(*terms);
    conclude(now);
}

void Agent::on_nat_behavior(Instant now, const wire::NatBehaviorFrame& frame) {
    learn_peer_nat(frame);
    conclude(now);
}

void Agent::learn_peer_nat(const wire::NatBehaviorFrame& frame) {
    peer_nat_ = frame;
    if (const auto terms = guess_terms()) guess_.update(*terms);
}

void Agent::tell_nat() {
    const bool has_news = nat_ != OurNat{} || is_udp_blocked_ || has_told_nat_;
    if (!is_established_ || !has_news) return;
    has_told_nat_ = true;
    push(TellNatBehavior{nat_frame()});
}

wire::NatBehavior Agent::our_behavior() const {
    wire::NatBehavior behavior = nat_.behavior;
    behavior.is_udp_blocked = is_udp_blocked_;
    return behavior;
}

wire::NatBehaviorFrame Agent::nat_frame() const {
    wire::NatBehaviorFrame frame{.behavior = our_behavior(), .external = nat_.external};
    // Of a NAT that keeps ports the newest one is known without asking.
    const bool keeps_ports = nat_.behavior.allocation == wire::Allocation::kPreserving;
    if (keeps_ports && guess_.needs_sockets()) frame.behavior.newest_port = guess_.newest_port();
    return frame;
}

/// Our new sockets will be at their local ports, behind a NAT that keeps those.
void Agent::tell_ports(const TellPorts& told) {
    if (!nat_.external) return;
    wire::CandidateList candidates;
    for (const std::uint16_t port : told.ports) {
        static_cast<void>(candidates.push_back(
            {.type = wire::CandidateType::kPredicted, .endpoint = {nat_.external->ip, port}}));
    }
    if (!leads_) open_meeting();
    push(TellCandidates{candidates});
}

bool Agent::takes_for_meeting(const wire::Candidate& candidate) {
    const auto plan = this->plan();
    const bool is_mutual =
        plan && plan->part == Part::kBoth &&
        (plan->technique == Technique::kPortGuess || plan->technique == Technique::kFreshPorts);
    if (!is_mutual || candidate.type != wire::CandidateType::kPredicted) return false;
    if (is_vouched(candidate.endpoint.ip)) {
        static_cast<void>(meeting_.push_back(candidate.endpoint));
    }
    return true;
}

/// Whoever leads told its ports first. Our openers leave before it hears of our ports, and nothing
/// else does before we hear it: neither NAT meets a datagram that it does not expect.
void Agent::open_meeting() {
    for (const Path& path : meetings()) {
        if (Pair* pair = checklist_.adopt(path)) send_openers(*pair);
    }
}

/// The answer to our ports: their openers are out, so ours may be followed by checks.
void Agent::meet(Instant now) {
    for (const Path& path : meetings()) {
        Pair* pair = checklist_.adopt(path);
        if (pair != nullptr && pair->state == PairState::kWaiting) start_checks(now, *pair, now);
    }
}

/// Each new socket of ours meets one of the peer's, and nobody else.
std::vector<Path> Agent::meetings() const {
    std::vector<Path> paths;
    const auto sockets = guess_.sockets();
    for (std::size_t i = 0; i < std::min(sockets.size(), meeting_.size()); ++i) {
        paths.push_back({sockets[i], meeting_[i]});
    }
    return paths;
}

void Agent::on_spray_ok(Instant now, const wire::SprayOk& frame) {
    learn_peer_nat(frame.nat);
    if (!selection_.selected()) guess_.on_granted(now, frame.datagrams);
    conclude(now);
}

void Agent::on_spare_opened(Instant now, SocketId socket, std::uint16_t local_port) {
    checklist_.add_spare(socket);
    guess_.on_opened(now, socket, local_port);
    conclude(now);
}

void Agent::on_spare_failed(Instant now) {
    guess_.on_failed(now);
    conclude(now);
}

void Agent::vouch(const IpAddress& ip) {
    // Eight candidates of few addresses must not leave those without room that come later.
    if (!is_vouched(ip)) static_cast<void>(vouched_.push_back(ip));
}

bool Agent::is_vouched(const IpAddress& ip) const {
    return std::ranges::find(vouched_, ip) != vouched_.end();
}

/// Both come from one outside address: what was not found inside will not be found outside.
bool Agent::is_behind_one_nat() const {
    return nat_.external && peer_nat_ && peer_nat_->external &&
           nat_.external->ip == peer_nat_->external->ip;
}

std::optional<Plan> Agent::plan() const {
    if (!peer_nat_) return std::nullopt;
    return plan_for({.behavior = our_behavior(), .leads = leads_},
                    {.behavior = peer_nat_->behavior, .leads = !leads_});
}

std::optional<Guess::Terms> Agent::guess_terms() const {
    const auto plan = this->plan();
    const auto& sockets = checklist_.sockets();
    if (!plan || !sockets.v4 || !peer_nat_->external) return std::nullopt;
    const Endpoint& target = *peer_nat_->external;
    // Private addresses are passed on unproven, and whoever lives there agreed to nothing.
    const bool is_proven =
        target.port != 0 && target.ip.scope() == Scope::kPublic && is_vouched(target.ip);
    if (!target.ip.is_v4() || !is_proven || is_behind_one_nat()) return std::nullopt;
    return Guess::Terms{.plan = *plan,
                        .ours = nat_.behavior,
                        .theirs = peer_nat_->behavior,
                        .target = target,
                        .socket = *sockets.v4,
                        .leads = leads_};
}

// --- what follows --------------------------------------------------------------------------------

bool Agent::has_no_other_way() const {
    if (!is_established_ || !has_relay_ || is_lost_ || selection_.selected()) return false;
    if (timers_.is_set(Timer::kGuess)) return false;
    const auto pairs = checklist_.pairs();
    return std::ranges::none_of(
        pairs, [](const Pair& pair) { return pair.state == PairState::kVerified; });
}

void Agent::tend_guess(Instant now) {
    if (selection_.selected()) {
        guess_.stop();
        guess_.renew_after_pause(now);
    }
    if (!guess_.needs_sockets()) close_unused_spares();
    if (!guess_.is_running() && !guess_.is_over() && has_no_other_way()) {
        if (const auto terms = guess_terms()) {
            guess_.begin(now, *terms);
            // Whoever leads may have been ready a moment before us, and tells its ports but once.
            if (!leads_ && !meeting_.empty()) guess_.on_told(now);
        }
    }
    take_guess_actions(now);
}

void Agent::take_guess_actions(Instant now) {
    while (const auto action = guess_.poll()) {
        if (const auto* shot = std::get_if<Shot>(&*action)) {
            take(now, *shot);
        } else if (const auto* open = std::get_if<OpenSpare>(&*action)) {
            push(*open);
        } else if (const auto* closed = std::get_if<CloseSpare>(&*action)) {
            checklist_.remove_spare(closed->socket);
            push(*closed);
        } else if (const auto* grant = std::get_if<GrantSpray>(&*action)) {
            push(SendSprayOk{{.datagrams = grant->datagrams, .nat = nat_frame()}});
        } else if (const auto* ports = std::get_if<TellPorts>(&*action)) {
            tell_ports(*ports);
        } else {
            push(MeasurePorts{});
        }
    }
}

void Agent::take(Instant now, const Shot& shot) {
    if (shot.is_opener) {
        // A hard NAT hides how many there are: past two of them at first, then past four.
        const std::uint8_t guessed = guess_.tries() < 2 ? kOpenerTtlFirst : kOpenerTtlSecond;
        return push(SendOpener{shot.path, nat_.opener_ttl.value_or(guessed)});
    }
    const Route route = Route::direct(shot.path);
    push(SendChallenge{route, {.id = transactions_.begin(now, route, false)}});
}

void Agent::close_unused_spares() {
    if (guess_.sockets().empty()) return;
    meeting_.clear();
    std::vector<SocketId> used;
    for (const Pair& pair : checklist_.pairs()) {
        if (pair.state == PairState::kVerified) used.push_back(pair.path.socket);
    }
    guess_.close_unused(used);
}

std::optional<Reason> Agent::guess_reason() const {
    const auto plan = this->plan();
    if (!plan) return std::nullopt;
    if (is_behind_one_nat()) return Reason::kNoHairpin;
    if (plan->technique == Technique::kImpossible) return plan->obstacle;
    if (guess_.is_over()) return Reason::kGuessFailed;
    if (guess_.is_running()) return Reason::kGuessing;
    return std::nullopt;
}

}  // namespace pinhole::traversal
