// What we do to one ENet peer through its public fields, each with the reason.
//
// Internal to the floor, since it shows ENet's own types.
#pragma once

#include <enet/enet.h>

#include "shared/base/tagged.hpp"
#include "shared/base/time.hpp"

namespace pinhole::reliable {

/// What we keep beside ENet's peer, one per peer slot.
struct PeerRecord {
    /// Whose slot it is or last was; the default value is nobody's.
    VirtualAddress address;
    /// The connection began with our `connect`.
    bool outgoing = false;
    /// `disconnect` was called and the farewell has not left yet.
    bool leaving = false;
    /// Handed to ENet and not yet released by it. Survives a change of owner: ENet releases all
    /// of a peer's messages when it resets it.
    std::size_t bytes_unacknowledged = 0;
    std::size_t messages_unacknowledged = 0;
    /// Upper bound of the commands that wait in ENet's incoming queues, and data commands seen
    /// since it was last counted exactly.
    std::size_t waiting_commands = 0;
    std::size_t seen_since_count = 0;
};

/// ENet times nobody out (session liveness does that) and sends no pings (session keepalives do).
void hand_liveness_to_session(ENetPeer& peer);

/// From here on ENet gives up after a few seconds: for a farewell whose acknowledgement may be lost
/// while the other end has already forgotten us.
void limit_farewell(ENetPeer& peer);

/// Sets ENet's estimate, and shortens the timers of what is in flight to what it implies.
void assume_round_trip_time(ENetPeer& peer, Duration round_trip_time);

/// Bounds what repeated doubling made of the timers of what is in flight.
void limit_backoff(ENetPeer& peer);

/// Makes everything in flight due at `now` (ENet's time), with timers that start small again.
void make_in_flight_due(ENetPeer& peer, std::uint32_t now);

/// Commands that wait in the peer's incoming queues, counted one by one.
[[nodiscard]] std::size_t count_waiting_commands(ENetPeer& peer);

/// The slot is in use: a connection exists or is being made or closed.
[[nodiscard]] bool is_live(const ENetPeer& peer);

[[nodiscard]] bool has_unacknowledged(const ENetPeer& peer);
[[nodiscard]] bool has_unsent(const ENetPeer& peer);

/// Queues `packet`, which charges `record` until ENet releases it. False, and the packet is gone,
/// when ENet did not take it (or `packet` is null).
[[nodiscard]] bool hand_over(ENetPeer& peer, std::uint8_t channel, ENetPacket* packet,
                             PeerRecord& record);

}  // namespace pinhole::reliable
