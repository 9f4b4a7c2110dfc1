// A model of the kernel's BBR (v1, draft-cardwell-iccrg-bbr-congestion-control-00) on the shared
// link: a competitor that keeps up to two products in flight and takes no notice of loss.
#pragma once

#include <map>

#include "tests/unit/reliable/flow_lab.hpp"

namespace pinhole::reliable::test {

/// A sender that never runs dry, with an acknowledgement for each segment. Must outlive the lab's
/// last run.
class BbrModel {
  public:
    BbrModel(FlowLab& lab, Duration begins);
    BbrModel(const BbrModel&) = delete;
    BbrModel& operator=(const BbrModel&) = delete;

    /// Bytes of payload that arrived.
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  private:
    static constexpr std::size_t kSegment = 1448;
    static constexpr std::size_t kWire = kSegment + 52;
    enum class State : std::uint8_t { kStartup, kDrain, kProbeRate, kProbeRoundTrip };

    struct Flying {
        Instant sent_at;
        Instant first_sent_at;
        Instant delivered_at;
        std::uint64_t delivered = 0;
    };

    void fill(Instant now);
    void on_acknowledged(Instant now, std::uint64_t number);
    void sample(Instant now, const Flying& packet);
    void advance(Instant now);
    void begin_round();
    [[nodiscard]] double product(double gain) const;
    [[nodiscard]] double window() const;
    [[nodiscard]] double pacing_gain() const;

    FlowLab& lab_;
    State state_ = State::kStartup;
    std::map<std::uint64_t, Flying> flying_;
    std::uint64_t next_ = 0;
    std::uint64_t bytes_ = 0;
    bool has_lost_ = false;

    Instant send_at_;
    bool is_scheduled_ = false;
    std::uint64_t delivered_ = 0;
    Instant delivered_at_;
    Instant first_sent_at_;

    /// Segments a second, the largest of each of the last rounds.
    std::array<double, 10> rates_{};
    std::size_t round_ = 0;
    std::uint64_t round_ends_ = 0;
    Duration round_trip_min_ = Duration::max();
    Instant round_trip_min_at_;
    double full_rate_ = 0;
    unsigned rounds_without_growth_ = 0;
    std::size_t phase_ = 0;
    Instant phase_at_;
};

}  // namespace pinhole::reliable::test
