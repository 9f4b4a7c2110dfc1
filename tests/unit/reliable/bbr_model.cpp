#include "tests/unit/reliable/bbr_model.hpp"

namespace pinhole::reliable::test {
namespace {

constexpr double kHighGain = 2.885;
constexpr double kWindowInitial = 10;
constexpr double kWindowMin = 4;
constexpr std::array kCycle = {1.25, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0};
constexpr Duration kRoundTripLasts = 10s;
constexpr Duration kProbeLasts = 200ms;

double seconds(Duration time) {
    return static_cast<double>(time.count()) / 1e6;
}

}  // namespace

BbrModel::BbrModel(FlowLab& lab, Duration begins) : lab_(lab) {
    lab.agenda.at(lab.now + begins, [this](Instant at) {
        send_at_ = at;
        fill(at);
    });
}

double BbrModel::product(double gain) const {
    const double rate = *std::ranges::max_element(rates_);
    if (rate <= 0 || round_trip_min_ == Duration::max()) return kWindowInitial;
    return gain * rate * seconds(round_trip_min_);
}

double BbrModel::window() const {
    if (state_ == State::kProbeRoundTrip) return kWindowMin;
    const bool is_starting = state_ == State::kStartup || state_ == State::kDrain;
    return std::max(product(is_starting ? kHighGain : 2.0) + 6, kWindowMin);
}

double BbrModel::pacing_gain() const {
    switch (state_) {
        case State::kStartup: return kHighGain;
        case State::kDrain: return 1 / kHighGain;
        case State::kProbeRate: return kCycle[phase_];
        case State::kProbeRoundTrip: break;
    }
    return 1.0;
}

void BbrModel::fill(Instant now) {
    while (static_cast<double>(flying_.size()) < window()) {
        if (send_at_ > now) {
            if (is_scheduled_) return;
            is_scheduled_ = true;
            lab_.agenda.at(send_at_, [this](Instant at) {
                is_scheduled_ = false;
                fill(at);
            });
            return;
        }
        if (flying_.empty()) first_sent_at_ = delivered_at_ = now;
        const std::uint64_t number = next_++;
        flying_[number] = {now, first_sent_at_, delivered_at_, delivered_};
        const double rate = *std::ranges::max_element(rates_);
        const double pace = rate > 0 ? rate * pacing_gain() : 10'000;
        send_at_ = std::max(send_at_, now - 1ms) + Duration{static_cast<std::int64_t>(1e6 / pace)};
        const auto arrival = lab_.forward.send(now, kWire);
        if (!arrival) continue;
        lab_.agenda.at(*arrival, [this, number](Instant at) {
            bytes_ += kSegment;
            lab_.agenda.at(at + lab_.backward.profile().round_trip / 2,
                           [this, number](Instant back) { on_acknowledged(back, number); });
        });
    }
}

void BbrModel::on_acknowledged(Instant now, std::uint64_t number) {
    const auto found = flying_.find(number);
    if (found == flying_.end()) return;
    const Flying packet = found->second;
    flying_.erase(found);
    while (!flying_.empty() && flying_.begin()->first + 3 < number) {
        flying_.erase(flying_.begin());
        has_lost_ = true;
    }
    ++delivered_;
    delivered_at_ = now;
    first_sent_at_ = packet.sent_at;
    sample(now, packet);
    advance(now);
    fill(now);
}

void BbrModel::sample(Instant now, const Flying& packet) {
    const Duration round_trip = now - packet.sent_at;
    if (round_trip <= round_trip_min_) {
        round_trip_min_ = round_trip;
        round_trip_min_at_ = now;
    }
    if (packet.delivered >= round_ends_) begin_round();
    const Duration interval =
        std::max(packet.sent_at - packet.first_sent_at, now - packet.delivered_at);
    if (interval < round_trip_min_) return;
    const double rate = static_cast<double>(delivered_ - packet.delivered) / seconds(interval);
    rates_[round_] = std::max(rates_[round_], rate);
}

void BbrModel::begin_round() {
    const double rate = *std::ranges::max_element(rates_);
    rounds_without_growth_ = rate >= 1.25 * full_rate_ ? 0 : rounds_without_growth_ + 1;
    if (rounds_without_growth_ == 0) full_rate_ = rate;
    round_ends_ = delivered_;
    round_ = (round_ + 1) % rates_.size();
    rates_[round_] = 0;
}

void BbrModel::advance(Instant now) {
    const auto flying = static_cast<double>(flying_.size());
    const Duration in_phase = now - phase_at_;
    switch (state_) {
        case State::kStartup:
            if (rounds_without_growth_ >= 3) state_ = State::kDrain;
            break;
        case State::kDrain:
            if (flying > product(1)) break;
            state_ = State::kProbeRate;
            phase_ = 2;
            phase_at_ = now;
            break;
        case State::kProbeRate: {
            bool is_over = in_phase > round_trip_min_;
            if (phase_ == 0) is_over = is_over && (has_lost_ || flying >= product(1.25));
            if (phase_ == 1) is_over = is_over || flying <= product(1);
            if (!is_over) break;
            phase_ = (phase_ + 1) % kCycle.size();
            phase_at_ = now;
            has_lost_ = false;
            break;
        }
        case State::kProbeRoundTrip:
            if (flying > kWindowMin) phase_at_ = now;
            if (now - phase_at_ < kProbeLasts) break;
            state_ = State::kProbeRate;
            phase_ = 2;
            phase_at_ = now;
            break;
    }
    if (state_ == State::kProbeRate && now - round_trip_min_at_ > kRoundTripLasts) {
        round_trip_min_ = Duration::max();
        state_ = State::kProbeRoundTrip;
        phase_at_ = now;
        round_trip_min_at_ = now;
    }
}

}  // namespace pinhole::reliable::test
