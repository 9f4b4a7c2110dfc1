// How much may be in flight and how fast it may leave, found out from acknowledgements alone.
//
// A model of the path after BBR (draft-cardwell-iccrg-bbr-congestion-control): the rate at which it
// delivers, and its round-trip time without a queue. It sends at that rate, with about that rate
// times that time in flight, and tries now and then whether there is more:
//
//   kStartup -> kDrain -> kCruise -> kUp -> kDown -> kCruise ...
//                            |        more found: back to kStartup
//                            +-- a queue stands: kDown, at a lower rate
//                            +-- yielded in vain: kCompete, until the queue is gone
//   kRefresh from any of them when the shortest round trip grew old.
//
// Loss without a queue is the path's own and changes nothing but the pacing, which makes up for it.
// Loss with one, and a queue that stands, mean that others are there or that the path became
// slower: it yields, to half of what the path carried of late. Who does not answer by yielding too
// fills queues until they overflow, as cubic does; beside such a flow the window follows cubic's
// rule (RFC 9438), up to half and a little. When cutting it does not end the loss, as beside BBR,
// it stays there.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "shared/base/time.hpp"
#include "shared/reliable/ack_tracker.hpp"

namespace pinhole::reliable {

/// The largest of the last so many rounds.
class RoundMaximum {
  public:
    void begin_round() {
        at_ = (at_ + 1) % values_.size();
        values_[at_] = 0;
    }
    void add(std::uint64_t value) { values_[at_] = std::max(values_[at_], value); }
    [[nodiscard]] std::uint64_t get() const { return *std::ranges::max_element(values_); }
    /// Forgets all and begins with `value`.
    void reset(std::uint64_t value) {
        values_.fill(0);
        values_[at_] = value;
    }

  private:
    std::array<std::uint64_t, 10> values_{};
    std::size_t at_ = 0;
};

class CongestionController {
  public:
    /// Never lets more than `window_max` bytes be in flight.
    explicit CongestionController(std::size_t window_max) : window_max_(window_max) {}

    /// After acknowledgements; `state` is as they left it, with what they proved lost.
    void on_acknowledged(Instant now, const AckSample& sample, const AckTracker& state);
    /// The path is another one: begin anew.
    void restart() { *this = CongestionController{window_max_}; }

    /// Bytes of message that may be in flight.
    [[nodiscard]] std::size_t window() const;
    /// Bytes of message a second; `round_trip` counts while there is no sample of the rate yet.
    [[nodiscard]] std::uint64_t pacing_rate(Duration round_trip) const;

    enum class State : std::uint8_t { kStartup, kDrain, kUp, kDown, kCruise, kRefresh, kCompete };
    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] std::uint64_t rate() const { return rate_; }
    [[nodiscard]] Duration round_trip_min() const { return round_trip_min_; }

  private:
    [[nodiscard]] std::size_t product(unsigned percent) const;
    [[nodiscard]] std::size_t probe_size() const;
    [[nodiscard]] unsigned probe_percent() const;
    [[nodiscard]] bool is_queued(Duration round_trip) const;
    void update_path(Instant now, const AckSample& sample);
    void finish_round(Instant now, const AckTracker& state);
    void judge_round(Instant now, std::uint64_t lost, std::uint64_t delivered);
    void note_peak(Instant now, bool is_overrun);
    void yield(Instant now, std::uint64_t rate);
    void advance(Instant now, const AckTracker& state);
    void advance_startup(Instant now);
    void advance_competition(Instant now, Duration in_state);
    void compete(Instant now, const AckSample& sample, const AckTracker& state);
    [[nodiscard]] double share_window(const AckTracker& state) const;
    void begin_competing(Instant now, const AckTracker& state);
    void enter(State state, Instant now);

    std::size_t window_max_;
    State state_ = State::kStartup;
    Instant entered_at_;

    RoundMaximum rates_;
    std::uint64_t rate_ = 0;
    Duration round_trip_min_ = Duration::max();
    Instant round_trip_min_at_;

    /// A round trip ends when what left after its beginning is acknowledged.
    std::uint64_t round_ends_ = 0;
    std::uint64_t delivered_at_round_ = 0;
    std::uint64_t lost_at_round_ = 0;
    std::uint64_t rate_of_round_ = 0;
    Duration round_trip_of_round_ = Duration::max();
    /// What the last whole round saw.
    bool was_queued_ = false;
    /// Loss without a queue, in millionths: the path's own, not congestion.
    std::uint64_t path_loss_ = 0;

    std::uint64_t full_rate_ = 0;
    unsigned rounds_without_growth_ = 0;
    unsigned rounds_in_state_ = 0;
    /// Rounds in a row that had a queue although we kept below the path's rate.
    unsigned rounds_queued_ = 0;
    /// Times that we yielded since we last probed, and what the path carried before.
    unsigned yields_ = 0;
    Instant yielding_since_;
    std::uint64_t rate_before_yield_ = 0;
    /// The best rate of late, and when it was seen.
    std::uint64_t peak_rate_ = 0;
    Instant peak_at_;
    /// Rounds in a row that lost most of what they sent.
    unsigned rounds_overrun_ = 0;
    std::uint64_t rate_before_probe_ = 0;

    static constexpr Duration kCompeteTimeMin = 5s;
    /// How long to compete before we look whether the other flow would yield too.
    Duration compete_time_ = kCompeteTimeMin;
    unsigned times_given_in_ = 0;
    /// While competing: our share in bytes a second, the window, and RFC 9438's memory.
    std::uint64_t compete_rate_ = 0;
    unsigned early_cuts_ = 0;
    double compete_window_ = 0;
    double compete_window_max_ = 0;
    Instant compete_epoch_;
    std::uint64_t compete_cut_until_ = 0;
    std::uint64_t compete_lost_ = 0;
};

}  // namespace pinhole::reliable
