#include "shared/traversal/guess.hpp"

#include <algorithm>
#include <cassert>

namespace pinhole::traversal {

namespace {

/// 200 datagrams a second (traversal.md: 100-200), in small bursts.
constexpr std::size_t kBurst = 4;
constexpr Duration kBurstInterval = 20ms;
/// What the measurement, the sockets, and the peer's answer may take.
constexpr Duration kMeasureFor = 1s;
constexpr Duration kOpenFor = 1s;
constexpr Duration kAwaitFor = 4s;
/// Whoever waits to be told gives up after this: two sprays and the pause between them.
constexpr Duration kGrantsFor = 60s;
/// Between the copies of a grant; three in all.
constexpr Duration kGrantInterval = 500ms;
constexpr unsigned kGrantCopies = 3;
/// An opener waits for the whole of the peer's fire: 2000 datagrams take 10 s.
constexpr Duration kOpenerListens = 13s;
/// What was fired last may be under way for so long, with its answer.
constexpr Duration kProberListens = 2s;
/// Between two tries, beside what the permit asks for.
constexpr Duration kRest = 2s;
/// Two NATs that count are aimed at for so many rounds.
constexpr std::size_t kMeetingRounds = 15;

}  // namespace

void Guess::begin(Instant now, const Terms& terms) {
    if (state_ != State::kIdle) return;
    terms_ = terms;
    if (terms.plan.part == Part::kNone) return;
    if (tries_ >= kSpraysMax) return enter(State::kOver, kNever);
    // A prober fires when it is told to; where both fire, whoever leads tells.
    if (begins()) return start_try(now);
    try_ends_ = now + kGrantsFor;
    grants_left_ = 0;
    enter(State::kResting, try_ends_);
}

void Guess::update(const Terms& terms) {
    if (state_ == State::kIdle || state_ == State::kOver) return;
    const bool is_same = terms.plan == terms_.plan;
    terms_ = terms;
    // The agent begins anew when it has closed what this one opened.
    if (!is_same) stop();
}

void Guess::start_try(Instant now) {
    if (tries_ >= kSpraysMax) return enter(State::kOver, kNever);
    // Three sockets and a few checks are no spray.
    if (!is_plain() && !permit_.take(now)) {
        return enter(State::kResting, begins() ? permit_.next() : now + kGrantsFor);
    }
    ++tries_;
    last_try_ = now;
    if (!counts_ports()) return open_sockets(now);
    enter(State::kMeasuring, now + kMeasureFor);
    actions_.emplace_back(MeasurePorts{});
}

void Guess::on_measured(Instant now) {
    if (state_ == State::kMeasuring) open_sockets(now);
}

void Guess::open_sockets(Instant now) {
    enter(State::kOpening, now + kOpenFor);
    const std::size_t wanted = sockets_wanted();
    const bool are_low = terms_.plan.technique == Technique::kLowPorts;
    const std::vector<std::uint16_t> low =
        are_low ? low_ports(random_) : std::vector<std::uint16_t>{};
    opening_ = wanted;
    ports_.clear();
    for (std::size_t i = 0; i < wanted; ++i) {
        actions_.emplace_back(OpenSpare{.port = are_low ? low[i] : std::uint16_t{0}});
    }
    if (wanted == 0) on_sockets_ready(now);
}

void Guess::on_told(Instant now) {
    if (is_plain() && !begins() && may_be_told()) start_try(now);
}

void Guess::on_opened(Instant now, SocketId socket, std::uint16_t local_port) {
    if (state_ != State::kOpening) {
        actions_.emplace_back(CloseSpare{socket});
        return;
    }
    sockets_.push_back(socket);
    ports_.push_back(local_port);
    if (--opening_ == 0) on_sockets_ready(now);
}

void Guess::on_failed(Instant now) {
    if (state_ == State::kOpening && --opening_ == 0) on_sockets_ready(now);
}

void Guess::on_sockets_ready(Instant now) {
    if (sockets_.empty() && sockets_wanted() > 0) return fail(now);
    if (is_plain()) {
        actions_.emplace_back(TellPorts{ports_});
        // Where both sides have such ports, each aims at what the other one tells.
        const bool aims = terms_.plan.part == Part::kOpener;
        return fire(now, volley(aims ? sockets_ : std::vector<SocketId>{}, terms_.target, 1), true);
    }
    if (terms_.plan.part == Part::kOpener) {
        return fire(now, volley(sockets_, terms_.target, 1), true);
    }
    actions_.emplace_back(GrantSpray{static_cast<std::uint16_t>(kShotsMax)});
    if (terms_.leads) {
        grants_left_ = kGrantCopies - 1;
        try_ends_ = now + kAwaitFor;
        return enter(State::kAwaiting, now + kGrantInterval);
    }
    on_granted(now, static_cast<std::uint16_t>(granted_));
}

void Guess::on_granted(Instant now, std::uint16_t datagrams) {
    granted_ = std::min<std::size_t>(datagrams, kShotsMax);
    switch (terms_.plan.part) {
        case Part::kNone:
        case Part::kOpener: return;
        case Part::kProber: {
            if (!may_be_told() || !permit_.take(now)) return;
            ++tries_;
            last_try_ = now;
            const auto ports = terms_.plan.technique == Technique::kWindow
                                   ? window_ports(terms_.theirs)
                                   : birthday_ports(terms_.theirs, random_);
            return fire(now, sweep(terms_.socket, terms_.target.ip, ports), false);
        }
        case Part::kBoth: break;
    }
    const bool is_follower_ready = !terms_.leads && state_ == State::kOpening && opening_ == 0;
    if (!terms_.leads && !is_follower_ready) {
        if (may_be_told()) start_try(now);
        return;
    }
    if (terms_.leads && state_ != State::kAwaiting) return;
    fire_together(now);
}

/// Both sides are ready, and know of each other's new sockets what can be known.
void Guess::fire_together(Instant now) {
    const Technique technique = terms_.plan.technique;
    const IpAddress& ip = terms_.target.ip;
    if (technique == Technique::kLowPorts)
        return fire(now, crossfire(sockets_, ip, random_), false);
    if (technique == Technique::kBirthday && keeps_ports()) {
        const auto ports = birthday_ports(terms_.theirs, random_);
        return fire(now, sweep(sockets_.front(), ip, ports), false);
    }
    const Endpoint meeting{ip, meeting_port(terms_.theirs)};
    // Nobody is met at a port that was never told.
    if (meeting.port == 0) return fail(now);
    if (technique == Technique::kBirthday) return fire(now, volley(sockets_, meeting, 1), true);
    fire(now, volley(sockets_, meeting, kMeetingRounds), false);
}

void Guess::fire(Instant now, std::vector<Path> shots, bool are_openers) {
    shots_ = std::move(shots);
    if (!are_openers) shots_.resize(std::min(shots_.size(), granted_));
    fired_ = 0;
    are_openers_ = are_openers;
    enter(State::kFiring, now);
    fire_some(now);
}

void Guess::fire_some(Instant now) {
    for (std::size_t i = 0; i < kBurst && fired_ < shots_.size(); ++i, ++fired_) {
        actions_.emplace_back(Shot{shots_[fired_], are_openers_});
    }
    if (fired_ < shots_.size()) {
        next_ = now + kBurstInterval;
    } else {
        on_all_fired(now);
    }
}

void Guess::on_all_fired(Instant now) {
    if (terms_.plan.part != Part::kOpener || is_plain()) {
        grants_left_ = 0;
        // Our own openers are early: what answers them is the peer's whole fire.
        const Duration waits = are_openers_ ? kOpenerListens : kProberListens;
        try_ends_ = now + (is_plain() ? kChecksFor : waits);
        return enter(State::kListening, try_ends_);
    }
    actions_.emplace_back(GrantSpray{static_cast<std::uint16_t>(kShotsMax)});
    grants_left_ = kGrantCopies - 1;
    try_ends_ = now + kOpenerListens;
    enter(State::kListening, now + kGrantInterval);
}

void Guess::on_hit(Instant now) {
    if (state_ != State::kFiring && state_ != State::kListening) return;
    grants_left_ = 0;
    try_ends_ = now + kProberListens;
    enter(State::kListening, try_ends_);
}

void Guess::fail(Instant now) {
    opening_ = 0;
    if (tries_ >= kSpraysMax) return enter(State::kOver, kNever);
    enter(State::kResting, now + (begins() ? kRest : kGrantsFor));
}

void Guess::handle_timeout(Instant now) {
    if (now < next_) return;
    switch (state_) {
        case State::kIdle:
        case State::kOver: return;
        case State::kMeasuring: return open_sockets(now);
        case State::kOpening: opening_ = 0; return on_sockets_ready(now);
        case State::kFiring: return fire_some(now);
        case State::kAwaiting:
        case State::kListening:
            if (now >= try_ends_) return fail(now);
            if (grants_left_ > 0) {
                --grants_left_;
                actions_.emplace_back(GrantSpray{static_cast<std::uint16_t>(kShotsMax)});
            }
            next_ = grants_left_ > 0 ? std::min(now + kGrantInterval, try_ends_) : try_ends_;
            return;
        case State::kResting:
            if (begins()) return start_try(now);
            return enter(State::kOver, kNever);  // the peer had its time to begin
    }
}

void Guess::stop() {
    enter(State::kIdle, kNever);
    shots_.clear();
    opening_ = 0;
    grants_left_ = 0;
}

void Guess::renew_after_pause(Instant now) {
    if (now >= last_try_ + kRenewAfter) renew();
}

void Guess::renew() {
    tries_ = 0;
    if (state_ == State::kOver) enter(State::kIdle, kNever);
}

void Guess::close_unused(std::span<const SocketId> used) {
    std::erase_if(sockets_, [&](SocketId socket) {
        if (std::ranges::find(used, socket) != used.end()) return false;
        actions_.emplace_back(CloseSpare{socket});
        return true;
    });
}

std::optional<GuessAction> Guess::poll() {
    if (actions_.empty()) return std::nullopt;
    const GuessAction action = actions_.front();
    actions_.pop_front();
    return action;
}

std::size_t Guess::sockets_wanted() const {
    switch (terms_.plan.technique) {
        case Technique::kBirthday: return keeps_ports() ? 1 : birthday_sockets(terms_.ours);
        case Technique::kWindow: return kWindowSockets;
        case Technique::kFreshPorts:
        case Technique::kPortGuess: return kPortGuessSockets;
        case Technique::kMeeting: return counts_ports() ? kMeetingSockets : 1;
        case Technique::kLowPorts: return kLowPortSockets;
        case Technique::kChecks:
        case Technique::kImpossible: break;
    }
    return 0;
}

bool Guess::begins() const {
    return terms_.plan.part == Part::kOpener || (terms_.plan.part == Part::kBoth && terms_.leads);
}

bool Guess::is_plain() const {
    return terms_.plan.technique == Technique::kPortGuess ||
           terms_.plan.technique == Technique::kFreshPorts;
}

bool Guess::may_be_told() const {
    if (tries_ >= kSpraysMax) return false;
    return state_ == State::kResting || state_ == State::kOver;
}

bool Guess::keeps_ports() const {
    return terms_.ours.allocation == wire::Allocation::kPreserving;
}

bool Guess::counts_ports() const {
    return terms_.plan.technique == Technique::kWindow ||
           (terms_.plan.technique == Technique::kMeeting &&
            terms_.ours.allocation == wire::Allocation::kSequential);
}

}  // namespace pinhole::traversal
