// Finds out early that a reliable command is lost, and makes ENet repeat it now.
//
// ENet repeats a command when its timer ends and looks at nothing else. Every command is
// acknowledged by itself, so more can be known, after RACK-TLP (RFC 8985):
//   - one that left before another which has arrived is lost when its round trip and a window for
//     reordering have passed: it is repeated about one round trip after it left;
//   - when no acknowledgement came for a while although something is in flight, the last command is
//     repeated: its acknowledgement tells what became of those before it.
// ENet's own timers remain as the last resort, with a floor under them.
//
// A lost acknowledgement looks like a lost command. It costs one needless repetition.
#pragma once

#include <algorithm>

#include <enet/enet.h>

#include "shared/base/time.hpp"
#include "shared/reliable/ack_tracker.hpp"

namespace pinhole::reliable {

class LossRecovery {
  public:
    /// After acknowledgements, or at `next_timeout`: gives up in `tracker` what is lost and makes
    /// it due in ENet at `enet_now`.
    void find_lost(Instant now, std::uint32_t enet_now, ENetPeer& peer, AckTracker& tracker);
    /// Learns from the sample how much reordering the path has, and that it is alive.
    void on_acknowledged(Instant now, const AckSample& sample, const AckTracker& tracker);
    /// Something left: the tail's timer begins anew.
    void on_sent(Instant now, const AckTracker& tracker);
    /// Kept above ENet's: writes the round-trip time and its variance that ENet's timers come from.
    static void write_timers(ENetPeer& peer, const RoundTrip& round_trip);

    [[nodiscard]] Instant next_timeout() const { return std::min(reorder_at_, probe_at_); }
    void clear() { *this = {}; }

  private:
    [[nodiscard]] Duration reordering_window(const RoundTrip& round_trip) const;
    void probe_tail(std::uint32_t enet_now, ENetPeer& peer, AckTracker& tracker);

    Instant reorder_at_ = kNever;
    Instant probe_at_ = kNever;
    Duration round_trip_min_ = Duration::max();
    /// Quarters of the shortest round trip.
    unsigned reordering_quarters_ = 1;
    unsigned quiet_samples_ = 0;
};

}  // namespace pinhole::reliable
