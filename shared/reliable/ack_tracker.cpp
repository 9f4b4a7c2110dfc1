#include "shared/reliable/ack_tracker.hpp"

#include <algorithm>
#include <utility>

namespace pinhole::reliable {

bool AckTracker::on_sent(Instant now, CommandKey key, std::uint16_t sent_time, std::size_t bytes) {
    const std::uint64_t former = index_.find(key);
    const bool is_first = former == SequenceIndex::kNone;
    // ENet looks at its timers before it reads what arrived, so it repeats what is acknowledged in
    // there. The answer to that may never come, and ENet does not wait for it: nor do we.
    if (is_first && left_before(key)) return false;
    const std::uint64_t first = is_first ? begin_span(bytes) : sending(former).first;
    if (!is_first) {
        Sending& before = sending(former);
        give_up(before);
        to_repeat_ -= before.bytes;
        before.state = State::kDone;
    }
    if (in_flight_ == 0) {
        first_sent_at_ = now;
        delivered_at_ = now;
    }
    if (is_first) {
        if (key.channel >= newest_of_.size()) newest_of_.resize(key.channel + std::size_t{1});
        newest_of_[key.channel] = key.sequence;
    }
    index_.set(key, base_ + sendings_.size());
    sendings_.push() = {.key = key,
                        .sent_time = sent_time,
                        .state = State::kInFlight,
                        .is_app_limited = delivered_ < app_limited_until_,
                        .bytes = static_cast<std::uint32_t>(bytes),
                        .at = now,
                        .first_sent_at = first_sent_at_,
                        .delivered_at = delivered_at_,
                        .delivered = delivered_,
                        .first = first};
    in_flight_ += bytes;
    drop_done();
    return is_first;
}

// Commands of a channel leave in order, and less than half of all numbers are under way.
bool AckTracker::left_before(CommandKey key) const {
    if (key.channel >= newest_of_.size() || !newest_of_[key.channel]) return false;
    return static_cast<std::int16_t>(key.sequence - *newest_of_[key.channel]) <= 0;
}

std::uint64_t AckTracker::begin_span(std::size_t bytes) {
    first_sendings_.push() = {.offset = sent_once_, .is_acknowledged = false};
    sent_once_ += bytes;
    return first_base_ + first_sendings_.size() - 1;
}

void AckTracker::shorten_span(std::uint64_t acknowledged) {
    first_sendings_[acknowledged - first_base_].is_acknowledged = true;
    while (!first_sendings_.empty() && first_sendings_[0].is_acknowledged) {
        static_cast<void>(first_sendings_.pop());
        ++first_base_;
    }
}

void AckTracker::on_acknowledged(Instant now, const EnetAcknowledgement& acknowledgement) {
    const CommandKey key{.channel = acknowledgement.channel, .sequence = acknowledgement.sequence};
    const std::uint64_t number = index_.find(key);
    if (number == SequenceIndex::kNone) return;
    index_.erase(key);
    Sending& found = sending(number);
    const bool was_in_flight = found.state == State::kInFlight;
    (was_in_flight ? in_flight_ : to_repeat_) -= found.bytes;
    found.state = State::kDone;
    shorten_span(found.first);
    delivered_ += found.bytes;
    delivered_at_ = now;
    sample_.bytes += found.bytes;

    // An answer to an earlier sending than the last, or to one given up: it had arrived after all.
    const bool is_answer_to_last = found.sent_time == acknowledgement.sent_time;
    if (!was_in_flight || !is_answer_to_last) sample_.is_spurious = true;
    if (is_answer_to_last) {
        sample_.largest = std::max<std::size_t>(sample_.largest, found.bytes);
        const Duration round_trip = now - found.at;
        round_trip_.add(round_trip);
        sample_.round_trip = sample_.round_trip == Duration{0}
                                 ? round_trip
                                 : std::min(sample_.round_trip, round_trip);
        acknowledged_before_ = std::max(acknowledged_before_, number + 1);
        if (!newest_ || found.at >= newest_->at) newest_ = found;
    }
    drop_done();
}

AckSample AckTracker::take_sample(Instant now) {
    AckSample out = std::exchange(sample_, {});
    if (!newest_) return out;
    const Sending newest = *std::exchange(newest_, std::nullopt);
    out.delivered_before = newest.delivered;
    out.is_app_limited = newest.is_app_limited;
    first_sent_at_ = newest.at;
    const Duration interval = std::max(newest.at - newest.first_sent_at, now - newest.delivered_at);
    out.interval = interval;
    if (interval > Duration{0}) {
        out.rate = (delivered_ - newest.delivered) * 1'000'000 /
                   static_cast<std::uint64_t>(interval.count());
    }
    return out;
}

void AckTracker::mark_lost(CommandKey key) {
    const std::uint64_t number = index_.find(key);
    if (number != SequenceIndex::kNone) give_up(sending(number));
}

void AckTracker::forget_in_flight() {
    for (std::size_t i = 0; i < sendings_.size(); ++i) {
        if (sendings_[i].state == State::kInFlight) sendings_[i].state = State::kLost;
    }
    to_repeat_ += in_flight_;
    in_flight_ = 0;
}

std::optional<Instant> AckTracker::sent_at(CommandKey key) const {
    const std::uint64_t number = index_.find(key);
    if (number == SequenceIndex::kNone) return std::nullopt;
    const Sending& found = sendings_[number - base_];
    return found.state == State::kInFlight ? std::optional{found.at} : std::nullopt;
}

bool AckTracker::was_overtaken(CommandKey key) const {
    const std::uint64_t number = index_.find(key);
    return number != SequenceIndex::kNone && number < acknowledged_before_ &&
           sendings_[number - base_].state == State::kInFlight;
}

void AckTracker::give_up(Sending& lost) {
    if (lost.state != State::kInFlight) return;
    lost.state = State::kLost;
    in_flight_ -= lost.bytes;
    to_repeat_ += lost.bytes;
    lost_ += lost.bytes;
}

void AckTracker::drop_done() {
    while (!sendings_.empty() && sendings_[0].state == State::kDone) {
        static_cast<void>(sendings_.pop());
        ++base_;
    }
}

}  // namespace pinhole::reliable
