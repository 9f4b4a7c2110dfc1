// Bulk senders, a chatterer and a model of TCP over one shared link, on a virtual clock.
//
// Each `Pair` is two `EnetHost`s: one sends messages as fast as it may, the other counts them.
#pragma once

#include <algorithm>
#include <memory>
#include <set>

#include "shared/reliable/enet_host.hpp"
#include "tests/unit/reliable/bottleneck.hpp"

namespace pinhole::reliable::test {

inline constexpr VirtualAddress kThere{1001};
inline constexpr VirtualAddress kHere{2002};

/// What one pair did.
struct Tally {
    std::uint64_t bytes = 0;
    std::vector<Duration> chat_delays;
    /// Bulk commands that arrived, and those of them that had arrived before.
    std::uint64_t commands = 0;
    std::uint64_t repeated = 0;
};

struct PairOptions {
    std::size_t message_size = std::size_t{16} << 10U;
    bool is_bulk = true;
    /// A 64-byte message on another channel this often; zero: none.
    Duration chat_every{0};
    Delivery chat_delivery = Delivery::kReliable;
    Instant begins{};
    /// Of the sender's datagrams; zero: what it begins with.
    std::size_t datagram_size = 0;
};

class FlowLab;

class Pair {
  public:
    Pair(FlowLab& lab, const PairOptions& options, std::uint64_t seed);

    void begin(Instant now);
    void wake(Instant now);
    void drain(Instant now);
    [[nodiscard]] Instant next_timeout() const {
        return std::min({sender.next_timeout(), receiver.next_timeout(), chat_at});
    }

    FlowLab& lab;
    PairOptions options;
    pinhole::test::SeededRandom random;
    EnetHost sender;
    EnetHost receiver;
    bool is_connected = false;
    Instant chat_at = kNever;
    Tally tally;
    ByteVector message;

  private:
    void fill(Instant now);
    void chat(Instant now);
    void note(Instant now, const EnetEvent& event);
    void note_commands(Instant now, Bytes datagram);

    /// When each sequence number of the bulk channel came last.
    std::vector<Instant> came_at_ = std::vector<Instant>(std::size_t{1} << 16U);
};

/// A sender that knows nothing but its window: cubic (RFC 9438), with an acknowledgement for each
/// segment. It recovers at once and never times out, which makes it a strong competitor.
class CubicModel {
  public:
    CubicModel(FlowLab& lab, Instant begins) : lab_(lab), begins_(begins) {}
    void wake(Instant now);
    [[nodiscard]] Instant begins() const { return begins_; }
    std::uint64_t bytes = 0;

  private:
    static constexpr std::size_t kSegment = 1448;
    void fill(Instant now);
    void on_acknowledged(Instant now, std::uint64_t number, Instant sent_at);
    void on_lost(Instant now, std::uint64_t number);
    void grow(Instant now, Duration round_trip);

    FlowLab& lab_;
    Instant begins_;
    bool is_running_ = false;
    double window_ = 10;
    double threshold_ = 1e9;
    double window_before_ = 0;
    Instant epoch_{};
    std::uint64_t next_ = 0;
    std::uint64_t recovered_at_ = 0;
    std::set<std::uint64_t> flying_;
    Instant filled_at_{};
};

class FlowLab {
  public:
    FlowLab(const LinkProfile& profile, std::uint64_t seed)
        : forward(profile, seed), backward(profile, seed + 1), seed_(seed) {}

    Pair& add_pair(const PairOptions& options = {}) {
        pairs.push_back(std::make_unique<Pair>(*this, options, seed_ + 10 * (pairs.size() + 1)));
        Pair& pair = *pairs.back();
        agenda.at(now + (options.begins - Instant{}), [&pair](Instant at) { pair.begin(at); });
        return pair;
    }
    CubicModel& add_cubic(Duration begins) {
        cubics.push_back(std::make_unique<CubicModel>(*this, now + begins));
        CubicModel& cubic = *cubics.back();
        agenda.at(now + begins, [&cubic](Instant at) { cubic.wake(at); });
        return cubic;
    }

    void run_for(Duration duration);

    Agenda agenda;
    SharedLink forward;
    SharedLink backward;
    std::vector<std::unique_ptr<Pair>> pairs;
    std::vector<std::unique_ptr<CubicModel>> cubics;
    Instant now{Duration{1'000'000}};
    /// Sampled each millisecond while `samples_queue`.
    std::vector<Duration> queue_delays;
    bool samples_queue = false;

  private:
    std::uint64_t seed_;
    Instant sample_at_{};
};

/// The value below which `percent` of `values` lie.
[[nodiscard]] inline Duration percentile(std::vector<Duration> values, std::size_t percent) {
    if (values.empty()) return Duration{0};
    std::ranges::sort(values);
    return values[std::min(values.size() - 1, values.size() * percent / 100)];
}

}  // namespace pinhole::reliable::test
