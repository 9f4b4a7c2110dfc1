#include "tests/unit/reliable/flow_lab.hpp"

#include <cmath>

#include "shared/reliable/enet_datagram.hpp"

namespace pinhole::reliable::test {
namespace {

constexpr std::uint8_t kBulkChannel = 2;
constexpr std::uint8_t kChatChannel = 1;
// Enough that the sender never runs dry: several products of rate and delay.
constexpr std::size_t kBacklog = std::size_t{6} << 20U;

}  // namespace

Pair::Pair(FlowLab& owner, const PairOptions& chosen, std::uint64_t seed)
    : lab(owner),
      options(chosen),
      random(seed),
      sender({}, random),
      receiver({}, random),
      message(chosen.message_size) {}

void Pair::begin(Instant now) {
    if (!sender.connect(now, kThere, lab.forward.profile().round_trip)) std::abort();
    drain(now);
}

void Pair::wake(Instant now) {
    if (sender.next_timeout() <= now) sender.handle_timeout(now);
    if (receiver.next_timeout() <= now) receiver.handle_timeout(now);
    if (chat_at <= now) chat(now);
    drain(now);
}

void Pair::fill(Instant now) {
    if (!is_connected || !options.is_bulk) return;
    while (sender.bytes_unacknowledged(kThere) + message.size() <= kBacklog) {
        if (!sender.send(now, kThere, kBulkChannel, message, Delivery::kReliable)) return;
    }
}

void Pair::chat(Instant now) {
    chat_at = now + options.chat_every + random.jitter(options.chat_every / 4);
    ByteVector line(64);
    const auto stamp = static_cast<std::uint64_t>(now.time_since_epoch().count());
    for (unsigned i = 0; i < 8; ++i) line[i] = static_cast<std::byte>(stamp >> (8 * i));
    static_cast<void>(sender.send(now, kThere, kChatChannel, line, options.chat_delivery));
}

void Pair::drain(Instant now) {
    fill(now);
    while (const auto out = sender.poll_transmit()) {
        const auto arrival = lab.forward.send(now, out->bytes.size() + kWireOverhead);
        if (!arrival) continue;
        lab.agenda.at(*arrival, [this, bytes = to_vector(out->bytes)](Instant at) {
            note_commands(at, bytes);
            receiver.handle_datagram(at, kHere, bytes);
            drain(at);
        });
    }
    while (const auto out = receiver.poll_transmit()) {
        const auto arrival = lab.backward.send(now, out->bytes.size() + kWireOverhead);
        if (!arrival) continue;
        lab.agenda.at(*arrival, [this, bytes = to_vector(out->bytes)](Instant at) {
            sender.handle_datagram(at, kThere, bytes);
            drain(at);
        });
    }
    while (const auto event = sender.poll_event()) {
        if (!std::holds_alternative<EnetConnected>(*event)) continue;
        is_connected = true;
        if (options.datagram_size != 0) sender.set_datagram_size(kThere, options.datagram_size);
        if (options.chat_every > Duration{0}) chat_at = now + options.chat_every;
        drain(now);
    }
    while (const auto event = receiver.poll_event()) note(now, *event);
}

void Pair::note(Instant now, const EnetEvent& event) {
    const auto* received = std::get_if<EnetMessage>(&event);
    if (received == nullptr) return;
    if (received->channel == kBulkChannel) {
        tally.bytes += received->bytes.size();
        return;
    }
    std::int64_t stamp = 0;
    for (unsigned i = 8; i-- > 0;) stamp = (stamp << 8) | std::to_integer<int>(received->bytes[i]);
    tally.chat_delays.push_back(now - Instant{Duration{stamp}});
}

void Pair::note_commands(Instant now, Bytes datagram) {
    for_each_command(datagram, [&](const EnetCommand& command) {
        if (!has_payload(command.kind) || command.channel != kBulkChannel) return;
        ++tally.commands;
        Instant& came_at = came_at_[command.sequence];
        // The numbers come round again, but not this soon.
        if (came_at != Instant{} && now - came_at < 3s) ++tally.repeated;
        came_at = now;
    });
}

void CubicModel::wake(Instant now) {
    is_running_ = true;
    fill(now);
}

void CubicModel::fill(Instant now) {
    while (is_running_ && static_cast<double>(flying_.size()) < window_) {
        const std::uint64_t number = next_++;
        flying_.insert(number);
        const auto arrival = lab_.forward.send(now, kSegment + 52);
        if (!arrival) continue;
        lab_.agenda.at(*arrival, [this, number, sent_at = now](Instant at) {
            bytes += kSegment;
            lab_.agenda.at(
                at + lab_.backward.profile().round_trip / 2,
                [this, number, sent_at](Instant back) { on_acknowledged(back, number, sent_at); });
        });
    }
}

void CubicModel::on_acknowledged(Instant now, std::uint64_t number, Instant sent_at) {
    flying_.erase(number);
    // Three later ones arrived.
    while (!flying_.empty() && *flying_.begin() + 3 < number) on_lost(now, *flying_.begin());
    grow(now, now - sent_at);
    fill(now);
}

void CubicModel::on_lost(Instant now, std::uint64_t number) {
    flying_.erase(number);
    if (number < recovered_at_) return;
    recovered_at_ = next_;
    window_before_ = window_;
    window_ = std::max(window_ * 0.7, 2.0);
    threshold_ = window_;
    epoch_ = now;
}

void CubicModel::grow(Instant now, Duration round_trip) {
    if (window_ < threshold_) {
        window_ += 1;
        return;
    }
    const double t = static_cast<double>((now - epoch_ + round_trip).count()) / 1e6;
    const double k = std::cbrt(window_before_ * 0.3 / 0.4);
    const double target = 0.4 * std::pow(t - k, 3) + window_before_;
    const double reno =
        0.7 * window_before_ + 0.53 * t * 1e6 / static_cast<double>(round_trip.count());
    const double aim = std::max(target, reno);
    if (aim > window_) window_ += std::min((aim - window_) / window_, 0.5);
}

void FlowLab::run_for(Duration duration) {
    const Instant end = now + duration;
    for (;;) {
        Instant next = agenda.next();
        for (const auto& pair : pairs) next = std::min(next, pair->next_timeout());
        if (samples_queue) next = std::min(next, std::max(sample_at_, now));
        if (next > end) break;
        now = std::max(now, next);
        if (samples_queue && sample_at_ <= now) {
            queue_delays.push_back(forward.queue_delay(now));
            sample_at_ = now + 1ms;
        }
        while (agenda.next() <= now) agenda.run_next(now);
        for (const auto& pair : pairs) {
            if (pair->next_timeout() <= now) pair->wake(now);
        }
    }
    now = end;
}

}  // namespace pinhole::reliable::test
