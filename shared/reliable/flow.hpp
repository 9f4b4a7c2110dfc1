// One peer's sending: whose message is next, how much may leave now, what was lost.
//
// Joins the scheduler, the congestion controller, the pacer, the tracker and the recovery of one
// ENet peer. ENet keeps building the datagrams; the flow hands it messages late and lets it send by
// writing its window just before each call, so a datagram leaves at the moment ENet makes it.
// Internal to the floor, since it shows ENet's own types.
#pragma once

#include <utility>
#include <vector>

#include <enet/enet.h>

#include "shared/reliable/ack_tracker.hpp"
#include "shared/reliable/channel_scheduler.hpp"
#include "shared/reliable/congestion.hpp"
#include "shared/reliable/enet_clock.hpp"
#include "shared/reliable/loss_recovery.hpp"
#include "shared/reliable/pacer.hpp"

namespace pinhole::reliable {

class Flow {
  public:
    /// `window_max` bytes may be in flight, and `span_max` may have left since the oldest of them
    /// did: a receiver keeps in memory what it cannot deliver before that one, and when it has no
    /// room left it takes nothing any more.
    Flow(std::size_t window_max, std::size_t span_max)
        : controller_(window_max), span_max_(span_max) {}

    /// Queues a reliable message.
    void push(std::uint8_t channel, PacketHandle packet) {
        scheduler_.push(channel, std::move(packet));
    }

    /// An incoming datagram of the peer, before ENet sees it.
    void on_datagram(Instant now, Bytes datagram);
    /// After all that arrived at a time: what their acknowledgements mean together.
    void conclude(const EnetClock& clock, ENetPeer& peer);
    /// `conclude` has something to do.
    [[nodiscard]] bool has_news() const { return has_news_; }
    /// Before each call in which ENet may send.
    void prepare(const EnetClock& clock, ENetPeer& peer);
    /// After `prepare`: there is more that may leave now, in a further call.
    [[nodiscard]] bool has_more() const { return has_more_; }
    /// ENet made this datagram.
    void on_left(Instant now, Bytes datagram);

    /// When `prepare` would let more leave, or would find something lost.
    [[nodiscard]] Instant next_timeout() const;

    /// The path may be another one, with this round-trip time.
    void on_path_changed(Duration round_trip_time);
    /// The path was gone: what is in flight is lost, and ENet repeats it.
    void on_path_restored(Duration round_trip_time);
    /// The slot gets another peer, or none.
    void clear();

    /// The largest datagram that a fragment filled and that arrived since the last call, else 0.
    [[nodiscard]] std::size_t take_largest_arrived() { return std::exchange(largest_arrived_, 0); }

    /// Messages wait that ENet does not have yet.
    [[nodiscard]] bool has_waiting() const { return !scheduler_.is_empty(); }
    [[nodiscard]] std::size_t bytes_waiting() const { return scheduler_.bytes(); }
    [[nodiscard]] const AckTracker& tracker() const { return tracker_; }
    [[nodiscard]] const CongestionController& controller() const { return controller_; }

  private:
    [[nodiscard]] std::size_t waiting() const;
    [[nodiscard]] std::size_t wanted() const;
    [[nodiscard]] std::size_t room() const;
    [[nodiscard]] std::size_t& unsent_of(std::uint8_t channel);
    void hand_over_messages(ENetPeer& peer, std::size_t budget);

    ChannelScheduler scheduler_;
    AckTracker tracker_;
    LossRecovery recovery_;
    CongestionController controller_;
    Pacer pacer_;
    std::size_t span_max_;
    /// Acknowledgements arrived since `conclude`, and what was delivered before them.
    bool has_news_ = false;
    std::uint64_t delivered_before_ = 0;
    bool has_more_ = false;
    /// The most that ENet puts into one datagram.
    std::size_t datagram_ = 0;
    std::size_t largest_arrived_ = 0;
    /// Bytes of reliable message that ENet has and has not sent once, altogether and by channel.
    std::size_t unsent_ = 0;
    std::vector<std::size_t> unsent_of_;
};

}  // namespace pinhole::reliable
