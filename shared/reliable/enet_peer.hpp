// What we do to one ENet peer through its public fields, each with the reason.
//
// Internal to the floor, since it shows ENet's own types.
#pragma once

#include <cstddef>
#include <cstdint>

#include <enet/enet.h>

#include "shared/base/bytes.hpp"
#include "shared/base/tagged.hpp"
#include "shared/base/time.hpp"
#include "shared/reliable/enet_packet.hpp"

namespace pinhole::reliable {

/// What we keep beside ENet's peer, one per peer slot.
struct PeerRecord {
    /// Whose slot it is or last was; the default value is nobody's.
    VirtualAddress address;
    /// The connection began with our `connect`.
    bool outgoing = false;
    /// `disconnect` was called and the farewell has not left yet.
    bool leaving = false;
    /// `disconnect` was called and messages still wait above ENet.
    bool closing = false;
    /// Taken from the caller and not yet released by ENet. Survives a change of owner: ENet
    /// releases all of a peer's messages when it resets it.
    std::size_t bytes_unacknowledged = 0;
    /// Too much waits, and who sends will be told when it does no longer.
    bool wants_room = false;
    /// New messages are cut up for datagrams of this size; 0 = as large as ENet's own limit.
    std::uint32_t datagram_size = 0;
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

/// What ENet's timers come from, for what it sends from now on.
void write_round_trip(ENetPeer& peer, Duration round_trip_time, Duration variance);

/// ENet sends at most so many bytes of reliable messages before more acknowledgements, and its
/// own brake on the sending of unreliable ones is off.
void write_window(ENetPeer& peer, std::size_t bytes);

/// A command in flight is repeated at `now` (ENet's time), as if it were new: its timer does not
/// double.
void make_due(ENetPeer& peer, ENetOutgoingCommand& command, std::uint32_t now);

/// The command in flight that left last, or null.
[[nodiscard]] ENetOutgoingCommand* last_sent(ENetPeer& peer);

/// Visits the commands of a list in order until `visit` says false.
template <class Visit>
void for_each_while(ENetList& list, Visit visit) {
    // `ENetList` begins with its first node, and each node is the first member of what it links.
    ENetListIterator node = enet_list_begin(&list);
    while (node != enet_list_end(&list)) {
        auto& command = *reinterpret_cast<ENetOutgoingCommand*>(node);
        node = enet_list_next(node);
        if (!visit(command)) return;
    }
}

/// Sets ENet's estimate, and shortens the timers of what is in flight to what it implies.
void assume_round_trip_time(ENetPeer& peer, Duration round_trip_time);

/// Bounds what repeated doubling made of the timers of what is in flight.
void limit_backoff(ENetPeer& peer);

/// Datagrams of this size from now on. ENet's own limit sinks only as far as what is queued fits:
/// it would try for ever to send a command that does not.
void set_datagram_size(ENetPeer& peer, PeerRecord& record, std::size_t size);

/// Lets ENet's limit sink to the wanted size when the last larger command is gone.
void settle_datagram_size(ENetPeer& peer, const PeerRecord& record);

/// Makes everything in flight due at `now` (ENet's time), with timers that start small again.
void make_in_flight_due(ENetPeer& peer, std::uint32_t now);

/// Commands that wait in the peer's incoming queues, counted one by one.
[[nodiscard]] std::size_t count_waiting_commands(ENetPeer& peer);

/// The slot is in use: a connection exists or is being made or closed.
[[nodiscard]] bool is_live(const ENetPeer& peer);

[[nodiscard]] bool has_unacknowledged(const ENetPeer& peer);
[[nodiscard]] bool has_unsent(const ENetPeer& peer);

/// A copy of `message` that charges `record` until it is released, or null without memory.
[[nodiscard]] PacketHandle make_packet(Bytes message, enet_uint32 flags, PeerRecord& record);

/// Gives `packet` to ENet; `at_front`: before what already waits there. False, and the packet is
/// gone, when ENet did not take it.
bool hand_over(ENetPeer& peer, std::uint8_t channel, PacketHandle packet, bool at_front);

}  // namespace pinhole::reliable
