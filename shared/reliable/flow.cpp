#include "shared/reliable/flow.hpp"

#include <algorithm>

#include "shared/reliable/enet_datagram.hpp"
#include "shared/reliable/enet_peer.hpp"

namespace pinhole::reliable {
namespace {

// A message up to this length leaves between the fragments of a longer one.
constexpr std::size_t kOvertakesMax = std::size_t{64} * 1024;

// What ENet makes in one go. The other end can work on it while we make the next.
constexpr std::size_t kBurstMax = std::size_t{64} * 1024;

// In front of a fragment's bytes in a datagram of its own.
constexpr std::size_t kFragmentHeaders =
    sizeof(ENetProtocolHeader) + sizeof(ENetProtocolSendFragment);

bool is_tracked(const EnetCommand& command) {
    return command.is_reliable && has_payload(command.kind);
}

}  // namespace

void Flow::on_datagram(Instant now, Bytes datagram) {
    for_each_command(datagram, [&](const EnetCommand& command) {
        if (!is_acknowledgement(command.kind)) return;
        if (!std::exchange(has_news_, true)) delivered_before_ = tracker_.delivered();
        tracker_.on_acknowledged(now, read_acknowledgement(command));
    });
}

void Flow::conclude(const EnetClock& clock, ENetPeer& peer) {
    const Instant now = clock.now();
    has_news_ = false;
    const AckSample sample = tracker_.take_sample(now);
    if (sample.largest > 0) {
        largest_arrived_ = std::max(largest_arrived_, sample.largest + kFragmentHeaders);
    }
    if (sample.bytes == 0 && tracker_.delivered() == delivered_before_) return;
    recovery_.on_acknowledged(now, sample, tracker_);
    recovery_.find_lost(now, clock.milliseconds(), peer, tracker_);
    controller_.on_acknowledged(now, sample, tracker_);
}

void Flow::prepare(const EnetClock& clock, ENetPeer& peer) {
    const Instant now = clock.now();
    if (now >= recovery_.next_timeout()) {
        recovery_.find_lost(now, clock.milliseconds(), peer, tracker_);
    }
    datagram_ = peer.mtu;
    LossRecovery::write_timers(peer, tracker_.round_trip());
    const Duration round_trip = tracker_.round_trip().smoothed();
    pacer_.set_rate(now, controller_.pacing_rate(round_trip), datagram_);
    const std::size_t wants = wanted();
    const std::size_t allowed = wants == 0 ? 0 : std::min(room(), pacer_.budget(now, wants));
    const std::size_t budget = std::min(allowed, kBurstMax);
    has_more_ = allowed > kBurstMax;
    if (waiting() == 0) tracker_.note_app_limited();
    hand_over_messages(peer, budget);
    write_window(peer, tracker_.in_flight() + budget);
}

void Flow::hand_over_messages(ENetPeer& peer, std::size_t budget) {
    std::size_t overtaking = 0;
    while (!scheduler_.is_empty() && budget > 0) {
        const bool is_room = unsent_ < budget;
        if (!is_room && overtaking >= budget) return;
        std::uint8_t channel = 0;
        PacketHandle packet =
            scheduler_.pop(channel, [&](std::uint8_t candidate, std::size_t size) {
                return is_room || (unsent_of(candidate) == 0 && size <= kOvertakesMax);
            });
        if (!packet) return;
        const std::size_t size = packet->dataLength;
        const bool overtakes = unsent_ > 0 && unsent_of(channel) == 0;
        if (!hand_over(peer, channel, std::move(packet), overtakes)) continue;
        unsent_ += size;
        unsent_of(channel) += size;
        if (!is_room) overtaking += std::max<std::size_t>(size, 1);
    }
    if (budget > 0 && scheduler_.is_empty() && unsent_ < budget) tracker_.note_app_limited();
}

void Flow::on_left(Instant now, Bytes datagram) {
    const EnetHeader header = read_header(datagram);
    bool is_any = false;
    for_each_command(datagram, [&](const EnetCommand& command) {
        pacer_.on_sent(command.payload_size);
        if (!is_tracked(command)) return;
        is_any = true;
        const CommandKey key{.channel = command.channel, .sequence = command.sequence};
        if (!tracker_.on_sent(now, key, header.sent_time, command.payload_size)) return;
        unsent_ -= std::min(unsent_, command.payload_size);
        std::size_t& of_channel = unsent_of(command.channel);
        of_channel -= std::min(of_channel, command.payload_size);
    });
    if (is_any) recovery_.on_sent(now, tracker_);
}

Instant Flow::next_timeout() const {
    const std::size_t wants = wanted();
    return wants == 0 ? recovery_.next_timeout()
                      : std::min(recovery_.next_timeout(), pacer_.ready_at(wants));
}

// What waits, here and in ENet, to leave for the first time or again.
std::size_t Flow::waiting() const {
    const std::size_t bytes = scheduler_.bytes() + unsent_ + tracker_.to_repeat();
    return scheduler_.is_empty() ? bytes : std::max<std::size_t>(bytes, 1);
}

// What would leave now if the pacer let it; room for less than one datagram is none.
std::size_t Flow::wanted() const {
    const std::size_t waits = waiting();
    const std::size_t fits = room();
    return fits < std::min(waits, datagram_) ? 0 : std::min(waits, fits);
}

// What fills gaps always may leave; what is new, only while the other end could keep it all.
std::size_t Flow::room() const {
    const std::size_t window = controller_.window();
    const std::size_t fits = window - std::min(window, tracker_.in_flight());
    const std::size_t beyond = span_max_ - std::min(span_max_, tracker_.span());
    const std::size_t gaps = tracker_.to_repeat();
    return std::min(fits, (gaps > 0 ? std::max(gaps, datagram_) : 0) + beyond);
}

std::size_t& Flow::unsent_of(std::uint8_t channel) {
    if (channel >= unsent_of_.size()) unsent_of_.resize(channel + std::size_t{1});
    return unsent_of_[channel];
}

void Flow::on_path_changed(Duration round_trip_time) {
    tracker_.assume_round_trip_time(round_trip_time);
    recovery_.clear();
    const Duration known = controller_.round_trip_min();
    // So much longer or shorter that what was learnt of the old path misleads.
    if (known == Duration::max()) return;
    if (round_trip_time > 2 * known || round_trip_time < known / 2) controller_.restart();
}

void Flow::on_path_restored(Duration round_trip_time) {
    tracker_.assume_round_trip_time(round_trip_time);
    tracker_.forget_in_flight();
    recovery_.clear();
    controller_.restart();
}

void Flow::clear() {
    scheduler_.clear();
    tracker_.clear();
    recovery_.clear();
    controller_.restart();
    pacer_ = {};
    has_news_ = false;
    has_more_ = false;
    unsent_ = 0;
    unsent_of_.clear();
    largest_arrived_ = 0;
}

}  // namespace pinhole::reliable
