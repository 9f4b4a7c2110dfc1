// What is in flight, and what acknowledgements tell of the path.
//
// Sees every reliable data command that leaves and every acknowledgement that arrives. From these:
// bytes in flight, round-trip times on our own clock (an acknowledgement names the sending that it
// answers, so a repeated command's is as good as any), and samples of the rate at which the path
// delivers, after "Delivery Rate Estimation" (draft-cheng-iccrg-delivery-rate-estimation): what was
// delivered between a command's leaving and its acknowledgement, over the longer of the times that
// the sending and the acknowledging of it took.
//
// Decides nothing: which command is lost is `LossRecovery`'s business, what follows from the rate
// is `CongestionController`'s.
#pragma once

#include <optional>
#include <vector>

#include "shared/base/time.hpp"
#include "shared/reliable/enet_datagram.hpp"
#include "shared/reliable/enet_queue.hpp"
#include "shared/reliable/round_trip.hpp"
#include "shared/reliable/sequence_index.hpp"

namespace pinhole::reliable {

/// What the acknowledgements of one datagram amount to.
struct AckSample {
    /// Bytes of message that they were the first to acknowledge.
    std::size_t bytes = 0;
    /// The largest command among those whose last sending arrived.
    std::size_t largest = 0;
    /// The shortest round trip among them; zero: none that counts.
    Duration round_trip{0};
    /// Bytes a second; 0: no sample.
    std::uint64_t rate = 0;
    /// The time that `rate` was measured over.
    Duration interval{0};
    /// `delivered()` when the newest of them left: one round trip lies between this and now.
    std::uint64_t delivered_before = 0;
    /// The sender had nothing more to send then, so the path may be faster than `rate`.
    bool is_app_limited = false;
    /// One was given up for lost, or repeated, though it had arrived.
    bool is_spurious = false;
};

class AckTracker {
  public:
    /// A command with `bytes` of message leaves in a datagram whose header says `sent_time`. When
    /// it was in flight already, that former sending is lost; when it was acknowledged already, it
    /// counts for nothing. True: it leaves for the first time.
    bool on_sent(Instant now, CommandKey key, std::uint16_t sent_time, std::size_t bytes);
    /// Somebody will be told by `take_sample`.
    void on_acknowledged(Instant now, const EnetAcknowledgement& acknowledgement);
    /// What was acknowledged since the last call.
    [[nodiscard]] AckSample take_sample(Instant now);

    /// Gives up the last sending of a command that is in flight.
    void mark_lost(CommandKey key);
    /// Everything in flight counts for lost, without blame: the path was gone.
    void forget_in_flight();
    /// The next connection of this slot begins.
    void clear() { *this = {}; }

    /// Nothing more waits to be sent: samples of what is in flight now say less than the path can.
    void note_app_limited() { app_limited_until_ = delivered_ + in_flight_ + 1; }
    void assume_round_trip_time(Duration time) { round_trip_.assume(time); }

    /// When the command left last, if it is in flight.
    [[nodiscard]] std::optional<Instant> sent_at(CommandKey key) const;
    /// The command is in flight, and one that left later is known to have arrived.
    [[nodiscard]] bool was_overtaken(CommandKey key) const;
    /// Bytes of message that left and are neither acknowledged nor given up.
    [[nodiscard]] std::size_t in_flight() const { return in_flight_; }
    /// Bytes of message that were given up and have not left again.
    [[nodiscard]] std::size_t to_repeat() const { return to_repeat_; }
    /// Bytes of message that left for the first time since the oldest that is not acknowledged did:
    /// so much, at most, may the other end hold back until that one arrives.
    [[nodiscard]] std::size_t span() const {
        return first_sendings_.empty() ? 0 : sent_once_ - first_sendings_[0].offset;
    }
    /// Bytes of message acknowledged, and given up, ever.
    [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
    [[nodiscard]] std::uint64_t lost() const { return lost_; }
    [[nodiscard]] const RoundTrip& round_trip() const { return round_trip_; }

  private:
    enum class State : std::uint8_t { kInFlight, kLost, kDone };

    /// One sending of one command, with what had been delivered when it left.
    struct Sending {
        CommandKey key;
        std::uint16_t sent_time = 0;
        State state = State::kDone;
        bool is_app_limited = false;
        std::uint32_t bytes = 0;
        Instant at;
        Instant first_sent_at;
        Instant delivered_at;
        std::uint64_t delivered = 0;
        /// Its place among the first sendings.
        std::uint64_t first = 0;
    };

    /// One command in the order in which they left for the first time.
    struct FirstSending {
        /// Bytes of message that had left before it.
        std::uint64_t offset = 0;
        bool is_acknowledged = false;
    };

    [[nodiscard]] bool left_before(CommandKey key) const;
    [[nodiscard]] Sending& sending(std::uint64_t number) { return sendings_[number - base_]; }
    void give_up(Sending& lost);
    void drop_done();
    [[nodiscard]] std::uint64_t begin_span(std::size_t bytes);
    void shorten_span(std::uint64_t acknowledged);

    ReusingQueue<Sending> sendings_;
    /// The number of the oldest of `sendings_`.
    std::uint64_t base_ = 0;
    ReusingQueue<FirstSending> first_sendings_;
    /// The number of the oldest of `first_sendings_`.
    std::uint64_t first_base_ = 0;
    std::uint64_t sent_once_ = 0;
    SequenceIndex index_;
    /// By channel, the number of the command that left for the first time last.
    std::vector<std::optional<std::uint16_t>> newest_of_;
    RoundTrip round_trip_;
    std::size_t in_flight_ = 0;
    std::size_t to_repeat_ = 0;
    std::uint64_t delivered_ = 0;
    std::uint64_t lost_ = 0;
    Instant delivered_at_;
    Instant first_sent_at_;
    /// One more than the number of the newest sending that is known to have arrived.
    std::uint64_t acknowledged_before_ = 0;
    std::uint64_t app_limited_until_ = 0;
    AckSample sample_;
    /// The newest sending among those acknowledged since the last sample.
    std::optional<Sending> newest_;
};

}  // namespace pinhole::reliable
