#include "shared/reliable/congestion.hpp"

#include <algorithm>
#include <cmath>

namespace pinhole::reliable {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;
constexpr std::size_t kDatagram = 1160;
// What QUIC implementations begin with on the open internet; the pacer spreads it.
constexpr std::size_t kWindowInitial = 32 * kDatagram;
constexpr std::size_t kWindowMin = 4 * kDatagram;
// What waits for the sender's and the receiver's timers, beyond what the path carries.
constexpr std::size_t kSlack = 8 * kDatagram;

// BBRv3's ProbeRTT: when the shortest round trip was not seen for this long, half the window for so
// long shows it again. A flow that is alone sees it all the time.
constexpr Duration kRefreshAfter = 5s;
constexpr Duration kRefreshLasts = 200ms;

// What an acknowledgement may wait for at both ends, besides the path: processes that sleep, and
// batches. It is no queue in the path and not in the shortest round trip; on a path of microseconds
// it is all that there is.
constexpr Duration kEndDelay = 2ms;

// Rounds at the path's rate between probes: as many as in BBR's cycle.
constexpr unsigned kCruiseRounds = 6;
// A probe's largest queue, half of what a line of chat may lose to bulk...
constexpr Duration kProbeQueue = 20ms;
// ... and its size: the root of this times what the path holds. Larger made two flows equal sooner
// and small ones slower; simulated at 20 to 100 ms.
constexpr std::size_t kProbeScale = std::size_t{12} << 10U;

// BBRv3's loss threshold: 2 % beyond what the path loses anyway, which is at most a tenth.
constexpr std::uint64_t kLossThreshold = 20'000;
constexpr std::uint64_t kPathLossMax = 100'000;
// So many rounds in a row that each lost more than this met a path that has become slower, and no
// competitor: one that starts as fast as it may beside us costs us as much in a round or two only.
constexpr std::uint64_t kOverrun = 500'000;
constexpr unsigned kOverrunRounds = 3;
// How long the best rate counts for what the path can carry.
constexpr Duration kPeakLasts = 20s;

// Who yields so often and for so long, to half of what the path carries, and still meets a queue,
// competes. Less made two of our own flows compete with each other.
constexpr unsigned kYieldsMax = 8;
constexpr Duration kYieldTime = 1s;
constexpr Duration kCompeteTimeMax = 60s;
// A competitor takes this share of what the path carries, in percent, and no more. It loses some of
// it beside a flow that takes no notice of loss.
constexpr unsigned kShare = 55;
// So many cuts in a row that came in less than half the time that RFC 9438 needs to grow again: the
// other one does not answer to loss, and cutting only gives way to it.
constexpr unsigned kEarlyCutsMax = 3;
// One attempt in so many to give in asks whether the path itself has become longer. The others keep
// the old round trip: a queue that somebody else keeps up looks the same.
constexpr unsigned kGivesInForNew = 3;
// RFC 9438 4.1.2, 4.6.
constexpr double kCubicC = 0.4;
constexpr double kCubicBeta = 0.7;

constexpr std::uint64_t per_second(std::size_t bytes, Duration time) {
    return bytes * kMillion / static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 1));
}

}  // namespace

void CongestionController::on_acknowledged(Instant now, const AckSample& sample,
                                           const AckTracker& state) {
    if (sample.rate > 0 && sample.delivered_before >= round_ends_) finish_round(now, state);
    update_path(now, sample);
    if (state_ == State::kCompete) compete(now, sample, state);
    advance(now, state);
}

void CongestionController::update_path(Instant now, const AckSample& sample) {
    if (sample.round_trip > Duration{0}) {
        round_trip_of_round_ = std::min(round_trip_of_round_, sample.round_trip);
        if (sample.round_trip - sample.round_trip / 64 <= round_trip_min_) {
            round_trip_min_ = std::min(round_trip_min_, sample.round_trip);
            round_trip_min_at_ = now;
        }
    }
    // Over less than a round trip, acknowledgements that came at once look like a fast path.
    if (sample.rate == 0 || sample.interval < round_trip_min_) return;
    if (sample.is_app_limited && sample.rate < rate_) return;
    rate_of_round_ = std::max(rate_of_round_, sample.rate);
    rates_.add(sample.rate);
    rate_ = rates_.get();
}

bool CongestionController::is_queued(Duration round_trip) const {
    return round_trip - round_trip_min_ > std::max<Duration>(round_trip_min_ / 8, 2ms);
}

void CongestionController::finish_round(Instant now, const AckTracker& state) {
    const std::uint64_t lost = state.lost() - lost_at_round_;
    const std::uint64_t delivered = state.delivered() - delivered_at_round_;
    lost_at_round_ = state.lost();
    delivered_at_round_ = state.delivered();
    round_ends_ = state.delivered();
    ++rounds_in_state_;
    was_queued_ = round_trip_of_round_ != Duration::max() && is_queued(round_trip_of_round_);
    judge_round(now, lost, delivered);
    if (yields_ >= kYieldsMax && now - yielding_since_ >= kYieldTime && state_ != State::kCompete)
        begin_competing(now, state);
    round_trip_of_round_ = Duration::max();
    rate_of_round_ = 0;
    rates_.begin_round();
}

// What the round's loss and queue mean.
void CongestionController::judge_round(Instant now, std::uint64_t lost, std::uint64_t delivered) {
    const std::uint64_t loss = lost * kMillion / std::max<std::uint64_t>(lost + delivered, 1);
    note_peak(now, loss > kOverrun);
    const bool is_steady = state_ == State::kCruise || state_ == State::kDown;
    if (is_steady && !was_queued_) {
        path_loss_ = std::min((path_loss_ * 7 + loss) / 8, kPathLossMax);
    }
    if (is_steady) rounds_queued_ = was_queued_ ? rounds_queued_ + 1 : 0;
    const bool is_congested =
        was_queued_ && lost >= 3 * kDatagram && loss > kLossThreshold + path_loss_ + path_loss_ / 2;
    if (state_ == State::kStartup) {
        if (rate_ >= full_rate_ + full_rate_ / 4) {
            full_rate_ = rate_;
            rounds_without_growth_ = 0;
        } else {
            ++rounds_without_growth_;
        }
        if (is_congested) rounds_without_growth_ = 3;
        return;
    }
    if (state_ == State::kCompete || state_ == State::kRefresh) return;
    if (is_congested) {
        yield(now, rate_of_round_ > 0 ? rate_of_round_ : rate_);
    } else if (state_ == State::kCruise && was_queued_ && rounds_in_state_ >= 2) {
        yield(now, rate_ - rate_ / 16);
    }
}

// The best rate of late, unless the path has become slower since.
void CongestionController::note_peak(Instant now, bool is_overrun) {
    rounds_overrun_ = is_overrun ? rounds_overrun_ + 1 : 0;
    if (rounds_overrun_ >= kOverrunRounds && rate_of_round_ > 0) {
        peak_rate_ = std::min(peak_rate_, rate_of_round_);
        compete_rate_ = std::min(compete_rate_, rate_of_round_);
    }
    if (rate_ >= peak_rate_ || now - peak_at_ > kPeakLasts) {
        peak_rate_ = rate_;
        peak_at_ = now;
    }
    // Beside a competitor nothing better can be seen.
    if (state_ == State::kCompete) peak_at_ = now;
}

// A queue stands though we send no faster than we think the path delivers: we think too much of it,
// or somebody else is there. Half of the path is enough to leave to one.
void CongestionController::yield(Instant now, std::uint64_t rate) {
    if (yields_++ == 0) {
        rate_before_yield_ = std::max(rate_, peak_rate_);
        yielding_since_ = now;
    }
    if (rounds_overrun_ < kOverrunRounds) rate = std::max(rate, rate_before_yield_ / 2);
    rates_.reset(rate);
    rate_ = rate;
    enter(State::kDown, now);
}

void CongestionController::advance_startup(Instant now) {
    if (rounds_without_growth_ >= 3 || (rounds_without_growth_ >= 1 && was_queued_)) {
        enter(State::kDrain, now);
    }
}

void CongestionController::advance(Instant now, const AckTracker& state) {
    const Duration in_state = now - entered_at_;
    switch (state_) {
        case State::kStartup: advance_startup(now); break;
        case State::kDrain:
            if (state.in_flight() <= product(100)) enter(State::kCruise, now);
            break;
        case State::kUp:
            if ((state.in_flight() >= product(100) + probe_size()) ||
                in_state >= 3 * round_trip_min_) {
                enter(State::kDown, now);
            }
            break;
        case State::kDown:
            if (state.in_flight() <= product(100) || in_state >= 2 * round_trip_min_) {
                enter(State::kCruise, now);
            }
            break;
        case State::kCruise:
            if (rounds_queued_ > 0) break;
            if (rounds_in_state_ == 1 && rate_ > rate_before_probe_ + rate_before_probe_ / 16) {
                full_rate_ = rate_;
                rounds_without_growth_ = 0;
                enter(State::kStartup, now);
            } else if (rounds_in_state_ >= kCruiseRounds) {
                enter(State::kUp, now);
            }
            break;
        case State::kRefresh:
            if (in_state >= std::max(kRefreshLasts, round_trip_min_)) enter(State::kCruise, now);
            break;
        case State::kCompete: advance_competition(now, in_state); break;
    }
    if (state_ != State::kRefresh && state_ != State::kStartup && state_ != State::kCompete &&
        now - round_trip_min_at_ >= kRefreshAfter) {
        round_trip_min_ = state.round_trip().latest();
        round_trip_min_at_ = now;
        enter(State::kRefresh, now);
    }
}

// The other flow has gone when the queue has. It may also be one of our kind, which competes
// because we do: so now and then both of us must give in, more and more seldom while that is in
// vain.
void CongestionController::advance_competition(Instant now, Duration in_state) {
    if (rounds_in_state_ == 0) return;
    if (!was_queued_) {
        rounds_queued_ = 0;
        return enter(State::kCruise, now);
    }
    if (in_state < compete_time_) return;
    compete_time_ = std::min(2 * compete_time_, kCompeteTimeMax);
    if (++times_given_in_ % kGivesInForNew != 0) round_trip_min_at_ = now;
    yields_ = kYieldsMax / 2;
    enter(State::kRefresh, now);
}

void CongestionController::begin_competing(Instant now, const AckTracker& state) {
    enter(State::kCompete, now);
    compete_rate_ = rate_before_yield_ * kShare / 100;
    compete_window_ = share_window(state);
    compete_window_max_ = compete_window_;
    early_cuts_ = 0;
    yields_ = 0;
    compete_epoch_ = now;
    compete_cut_until_ = 0;
    compete_lost_ = state.lost();
}

// RFC 9438 in bytes, up to our share: who meets a flow that fills queues shares with it only as one
// of its kind. Who meets one that fills them and does not answer to loss takes the share and stays.
void CongestionController::compete(Instant now, const AckSample& sample, const AckTracker& state) {
    const bool has_lost = state.lost() > compete_lost_;
    compete_lost_ = state.lost();
    const double segment = kDatagram;
    const double k = std::cbrt(compete_window_max_ / segment * (1 - kCubicBeta) / kCubicC);
    const double since_cut = static_cast<double>((now - compete_epoch_).count()) / 1e6;
    const double share = share_window(state);
    if (has_lost && state.delivered() >= compete_cut_until_) {
        early_cuts_ = since_cut < k / 2 ? early_cuts_ + 1 : 0;
        compete_window_max_ = compete_window_;
        compete_window_ = std::max(compete_window_ * kCubicBeta, static_cast<double>(product(100)));
        compete_epoch_ = now;
        compete_cut_until_ = state.delivered() + state.in_flight();
        return;
    }
    if (early_cuts_ >= kEarlyCutsMax) {
        compete_window_ = share;
        return;
    }
    const double round_trip = static_cast<double>(state.round_trip().smoothed().count()) / 1e6;
    const double t = since_cut + round_trip;
    const double cubic = kCubicC * std::pow(t - k, 3) * segment + compete_window_max_;
    const double reno = compete_window_max_ * kCubicBeta + 0.53 * segment * t / round_trip;
    const double aim = std::min(std::max(cubic, reno), share);
    if (aim <= compete_window_) return;
    const double acknowledged = static_cast<double>(sample.bytes);
    compete_window_ +=
        std::min((aim - compete_window_) * acknowledged / compete_window_, acknowledged / 2);
}

// What our share is in bytes in flight, as long as the queue makes a round trip.
double CongestionController::share_window(const AckTracker& state) const {
    const auto round_trip = static_cast<std::uint64_t>(state.round_trip().smoothed().count());
    const std::uint64_t bytes = compete_rate_ * round_trip / kMillion + kSlack;
    return static_cast<double>(std::min<std::uint64_t>(bytes, window_max_));
}

void CongestionController::enter(State state, Instant now) {
    if (state != State::kDown && state != State::kCruise) rate_before_probe_ = rate_;
    if (state == State::kUp || state == State::kStartup) {
        yields_ = 0;
        compete_time_ = kCompeteTimeMin;
        times_given_in_ = 0;
    }
    state_ = state;
    entered_at_ = now;
    rounds_in_state_ = 0;
}

std::size_t CongestionController::product(unsigned percent) const {
    if (rate_ == 0 || round_trip_min_ == Duration::max()) return kWindowInitial;
    return static_cast<std::size_t>(rate_ * static_cast<std::uint64_t>(round_trip_min_.count()) /
                                    kMillion * percent / 100);
}

// What a probe puts into the path beyond what it holds. It grows as the root of that, so a small
// flow gains more by probing than a large one, and flows that share a link become equal; and it is
// no more than chat can bear.
std::size_t CongestionController::probe_size() const {
    const std::size_t held = product(100);
    const auto bearable = static_cast<std::size_t>(
        rate_ * static_cast<std::uint64_t>(kProbeQueue.count()) / kMillion);
    const auto root = static_cast<std::size_t>(
        std::sqrt(static_cast<double>(held) * static_cast<double>(kProbeScale)));
    return std::min({root, held / 2, bearable});
}

unsigned CongestionController::probe_percent() const {
    return static_cast<unsigned>(probe_size() * 100 / std::max<std::size_t>(product(100), 1)) + 5;
}

std::size_t CongestionController::window() const {
    if (state_ == State::kCompete) {
        return std::min(std::max(static_cast<std::size_t>(compete_window_), kWindowMin),
                        window_max_);
    }
    const unsigned percent = state_ == State::kRefresh ? 50 : 200;
    const auto waiting =
        static_cast<std::size_t>(rate_ * static_cast<std::uint64_t>(kEndDelay.count()) / kMillion);
    const std::size_t slack =
        state_ == State::kRefresh ? 0 : std::max<std::size_t>(waiting, kSlack);
    const std::size_t least = state_ == State::kStartup ? kWindowInitial : kWindowMin;
    return std::min(std::max(product(percent) + slack, least), window_max_);
}

std::uint64_t CongestionController::pacing_rate(Duration round_trip) const {
    unsigned percent = 100;
    switch (state_) {
        case State::kStartup: percent = 277; break;
        case State::kDrain: percent = 50; break;
        case State::kUp: percent = 100 + probe_percent(); break;
        case State::kDown: percent = 75; break;
        case State::kCruise:
        case State::kRefresh: break;
        case State::kCompete:
            return std::min(
                per_second(static_cast<std::size_t>(compete_window_), round_trip) * 5 / 4,
                compete_rate_ + compete_rate_ / 16);
    }
    const std::uint64_t base = rate_ > 0 ? rate_ : per_second(kWindowInitial, round_trip);
    // What the path loses takes its place on the wire too.
    return base * kMillion / (kMillion - path_loss_) * percent / 100;
}

}  // namespace pinhole::reliable
