#include "shared/reliable/loss_recovery.hpp"

#include <algorithm>

#include "shared/reliable/enet_peer.hpp"

namespace pinhole::reliable {
namespace {

// RFC 8985 6.2: a needless repetition widens the window by a quarter of the shortest round trip...
constexpr unsigned kQuartersMax = 16;
// ... and so many acknowledgements without one narrow it again.
constexpr unsigned kQuietSamples = 1000;
constexpr Duration kReorderingMin = 500us;

// The tail is repeated after one and a half round trips of silence: ENet acknowledges at once, so
// RFC 8985's allowance for delayed acknowledgements is not needed.
constexpr Duration kProbeMargin = 2ms;

Duration probe_timeout(const RoundTrip& round_trip) {
    const Duration smoothed = round_trip.smoothed();
    return std::max(smoothed + smoothed / 2, smoothed + 4 * round_trip.variance()) + kProbeMargin;
}

CommandKey key_of(const ENetOutgoingCommand& command) {
    return {.channel = command.command.header.channelID,
            .sequence = command.reliableSequenceNumber};
}

}  // namespace

void LossRecovery::find_lost(Instant now, std::uint32_t enet_now, ENetPeer& peer,
                             AckTracker& tracker) {
    const RoundTrip& round_trip = tracker.round_trip();
    const Duration patience = round_trip.latest() + reordering_window(round_trip);
    reorder_at_ = kNever;
    // ENet appends what it sends, so the oldest comes first.
    for_each_while(peer.sentReliableCommands, [&](ENetOutgoingCommand& command) {
        const CommandKey key = key_of(command);
        const auto sent_at = tracker.sent_at(key);
        // ENet's own commands, and what this datagram acknowledges.
        if (!sent_at) return true;
        if (!tracker.was_overtaken(key)) return false;
        if (*sent_at + patience > now) {
            reorder_at_ = *sent_at + patience;
            return false;
        }
        make_due(peer, command, enet_now);
        tracker.mark_lost(key);
        return true;
    });
    if (now >= probe_at_) probe_tail(enet_now, peer, tracker);
}

void LossRecovery::on_acknowledged(Instant now, const AckSample& sample,
                                   const AckTracker& tracker) {
    if (sample.round_trip > Duration{0}) {
        round_trip_min_ = std::min(round_trip_min_, sample.round_trip);
    }
    if (sample.is_spurious) {
        reordering_quarters_ = std::min(reordering_quarters_ + 1, kQuartersMax);
        quiet_samples_ = 0;
    } else if (++quiet_samples_ >= kQuietSamples) {
        reordering_quarters_ = std::max(reordering_quarters_ - 1, 1U);
        quiet_samples_ = 0;
    }
    on_sent(now, tracker);
}

void LossRecovery::on_sent(Instant now, const AckTracker& tracker) {
    probe_at_ = tracker.in_flight() == 0 ? kNever : now + probe_timeout(tracker.round_trip());
}

// Once: what then still is not acknowledged waits for ENet's timer.
void LossRecovery::probe_tail(std::uint32_t enet_now, ENetPeer& peer, AckTracker& tracker) {
    probe_at_ = kNever;
    ENetOutgoingCommand* last = last_sent(peer);
    if (last == nullptr || !tracker.sent_at(key_of(*last))) return;
    make_due(peer, *last, enet_now);
    tracker.mark_lost(key_of(*last));
}

Duration LossRecovery::reordering_window(const RoundTrip& round_trip) const {
    if (round_trip_min_ == Duration::max()) return round_trip.smoothed() / 4;
    const Duration window = round_trip_min_ * reordering_quarters_ / 4;
    return std::max(std::min(window, round_trip.smoothed()), kReorderingMin);
}

void LossRecovery::write_timers(ENetPeer& peer, const RoundTrip& round_trip) {
    if (!round_trip.is_measured()) return;
    // ENet waits for the round trip and four variances: three round trips at least, so that the
    // tail's probe comes first and a growing queue is not taken for loss.
    const Duration variance = std::max(round_trip.variance(), round_trip.smoothed() / 2);
    write_round_trip(peer, round_trip.smoothed(), variance + 2ms);
}

}  // namespace pinhole::reliable
