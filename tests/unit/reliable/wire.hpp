// Two `EnetHost`s joined by a lossy wire on a virtual clock, in one process and from one seed.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "shared/reliable/enet_host.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::reliable::test {

using pinhole::test::SeededRandom;

/// What the wire does to datagrams, in both directions alike.
struct WireProfile {
    Duration delay = 25ms;
    /// Added to `delay`, evenly distributed: datagrams overtake each other.
    Duration jitter{0};
    unsigned loss_percent = 0;
    unsigned duplicate_percent = 0;
};

/// A received message, owned.
struct Received {
    Instant at;
    std::uint8_t channel = 0;
    ByteVector bytes;
};

/// One end: the host and everything that it said.
struct End {
    End(const EnetOptions& options, std::uint64_t seed, VirtualAddress sees_other_as)
        : random(seed), host(options, random), other(sees_other_as) {}

    SeededRandom random;
    EnetHost host;
    /// What this end calls the other one.
    VirtualAddress other;
    std::vector<Received> received;
    std::vector<EnetConnected> connected;
    std::vector<EnetClosed> closed;
    /// How often it heard that there is room again.
    int rooms = 0;
};

class Wire {
  public:
    explicit Wire(std::uint64_t seed, const WireProfile& profile = {},
                  const EnetOptions& options = {})
        : profile_(profile),
          dice_(seed),
          ends_{End{options, seed + 1, VirtualAddress{1001}},
                End{options, seed + 2, VirtualAddress{2002}}} {}

    [[nodiscard]] End& a() { return ends_[0]; }
    [[nodiscard]] End& b() { return ends_[1]; }
    [[nodiscard]] Instant now() const { return now_; }
    [[nodiscard]] WireProfile& profile() { return profile_; }
    /// True: whatever is sent from now on is lost.
    void set_blackout(bool blackout) { blackout_ = blackout; }
    /// Loses the next `count` datagrams, whatever the profile says.
    void lose_next(unsigned count) { lose_next_ = count; }
    /// Loses what `is_doomed` says; an empty function loses nothing.
    void lose_if(std::function<bool(Bytes)> is_doomed) { is_doomed_ = std::move(is_doomed); }
    /// The clock jumps without anybody being called: the machine slept.
    void jump(Duration duration) { now_ += duration; }

    /// Every datagram put on the wire so far: who, when, what.
    [[nodiscard]] const std::string& trace() const { return trace_; }
    [[nodiscard]] std::size_t datagrams_sent() const { return datagrams_sent_; }
    [[nodiscard]] std::size_t largest_datagram() const { return largest_datagram_; }

    /// Takes out what both hosts want to send and say; to be called after every use of a host.
    void drain() {
        for (std::size_t i = 0; i < ends_.size(); ++i) drain(i);
    }

    /// Starts a connection from end A.
    [[nodiscard]] bool connect() {
        const bool started = a().host.connect(now_, a().other, 2 * profile_.delay);
        drain();
        return started;
    }

    /// Connects and waits until both ends know.
    [[nodiscard]] bool establish() {
        return connect() &&
               run_until([&] { return !a().connected.empty() && !b().connected.empty(); }, 60s);
    }

    /// Delivers and wakes in order of time until `done` or until `limit` has passed.
    template <class Done>
    bool run_until(Done done, Duration limit) {
        const Instant end = now_ + limit;
        while (!done()) {
            if (!step(end)) return done();
        }
        return true;
    }

    void run_for(Duration duration) {
        run_until([] { return false; }, duration);
    }

  private:
    struct Flying {
        std::size_t to = 0;
        ByteVector bytes;
    };

    [[nodiscard]] bool rolls(unsigned percent) { return dice_.below(100) < percent; }

    bool step(Instant end) {
        Instant next = flying_.empty() ? kNever : flying_.begin()->first;
        for (End& side : ends_) next = std::min(next, side.host.next_timeout());
        if (next > end) {
            now_ = std::max(now_, end);
            return false;
        }
        now_ = std::max(now_, next);
        if (!flying_.empty() && flying_.begin()->first <= now_) {
            const Flying arrived = std::move(flying_.begin()->second);
            flying_.erase(flying_.begin());
            End& side = ends_.at(arrived.to);
            side.host.handle_datagram(now_, side.other, arrived.bytes);
        }
        for (End& side : ends_) {
            if (side.host.next_timeout() <= now_) side.host.handle_timeout(now_);
        }
        drain();
        return true;
    }

    void drain(std::size_t index) {
        End& side = ends_.at(index);
        while (const auto out = side.host.poll_transmit()) put_on_wire(index, out->bytes);
        while (const auto event = side.host.poll_event()) note(side, *event);
    }

    void put_on_wire(std::size_t from, Bytes bytes) {
        trace_ +=
            std::to_string(from) + '@' + std::to_string(now_.time_since_epoch().count()) + ':';
        trace_.append(as_text(bytes));
        ++datagrams_sent_;
        largest_datagram_ = std::max(largest_datagram_, bytes.size());
        if (lose_next_ > 0) {
            --lose_next_;
            return;
        }
        if (is_doomed_ && is_doomed_(bytes)) return;
        if (blackout_ || rolls(profile_.loss_percent)) return;
        const int copies = rolls(profile_.duplicate_percent) ? 2 : 1;
        for (int i = 0; i < copies; ++i) {
            const Instant arrival = now_ + profile_.delay + dice_.jitter(profile_.jitter);
            flying_.emplace(arrival, Flying{.to = 1 - from, .bytes = to_vector(bytes)});
        }
    }

    void note(End& side, const EnetEvent& event) {
        if (const auto* message = std::get_if<EnetMessage>(&event)) {
            side.received.push_back({now_, message->channel, to_vector(message->bytes)});
        } else if (const auto* connected = std::get_if<EnetConnected>(&event)) {
            side.connected.push_back(*connected);
        } else if (const auto* closed = std::get_if<EnetClosed>(&event)) {
            side.closed.push_back(*closed);
        } else if (std::holds_alternative<EnetRoom>(event)) {
            ++side.rooms;
        }
    }

    WireProfile profile_;
    SeededRandom dice_;
    std::array<End, 2> ends_;
    std::multimap<Instant, Flying> flying_;
    Instant now_{Duration{1'000'000}};
    bool blackout_ = false;
    unsigned lose_next_ = 0;
    std::function<bool(Bytes)> is_doomed_;
    std::string trace_;
    std::size_t datagrams_sent_ = 0;
    std::size_t largest_datagram_ = 0;
};

/// `size` bytes that differ by `number`, so that mixed-up messages show.
[[nodiscard]] inline ByteVector numbered_message(std::uint64_t number, std::size_t size) {
    ByteVector message(size);
    SeededRandom{number * 7919 + size}.fill(message);
    return message;
}

}  // namespace pinhole::reliable::test
