#include "shared/reliable/enet_peer.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

namespace pinhole::reliable {
namespace {

// The largest value: ENet compares time differences, which after a day of silence come out huge,
// so anything less would count as elapsed then.
constexpr enet_uint32 kNeverElapses = std::numeric_limits<enet_uint32>::max();

// A farewell goes unanswered for this long: the other end has forgotten us.
constexpr enet_uint32 kFarewellMilliseconds = 3000;

// ENet doubles a command's timer each time it is lost, without end. At 30 % loss one command in a
// few thousand then waits for a minute; a window repeated each 2 s is 256 kbit/s at most.
constexpr enet_uint32 kBackoffMilliseconds = 2000;

// `ENetList` begins with its first node, and each node is the first member of what it links.
template <class Element, class Visit>
void for_each(ENetList& list, Visit visit) {
    for (ENetListIterator node = enet_list_begin(&list); node != enet_list_end(&list);
         node = enet_list_next(node)) {
        visit(*reinterpret_cast<Element*>(node));
    }
}

bool is_empty(const ENetList& list) {
    return list.sentinel.next == &list.sentinel;
}

enet_uint32 to_milliseconds(Duration duration) {
    const auto count = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
    return static_cast<enet_uint32>(std::clamp<std::int64_t>(count, 1, 60'000));
}

// ENet's own formula for a command's first retransmission timer.
enet_uint32 retransmission_timeout(const ENetPeer& peer) {
    return peer.roundTripTime + 4 * peer.roundTripTimeVariance;
}

void shorten_timers(ENetPeer& peer, enet_uint32 longest) {
    for_each<ENetOutgoingCommand>(peer.sentReliableCommands, [&](ENetOutgoingCommand& command) {
        command.roundTripTimeout = std::min(command.roundTripTimeout, longest);
    });
    if (is_empty(peer.sentReliableCommands)) return;
    const auto& first =
        *reinterpret_cast<const ENetOutgoingCommand*>(enet_list_begin(&peer.sentReliableCommands));
    peer.nextTimeout = first.sentTime + first.roundTripTimeout;
}

// The largest datagram that a queued command would need alone.
std::size_t largest_in(ENetList& list) {
    std::size_t largest = 0;
    for_each<ENetOutgoingCommand>(list, [&](const ENetOutgoingCommand& queued) {
        const std::size_t size = sizeof(ENetProtocolHeader) +
                                 enet_protocol_command_size(queued.command.header.command) +
                                 (queued.packet != nullptr ? queued.fragmentLength : 0U);
        largest = std::max(largest, size);
    });
    return largest;
}

std::size_t count(ENetList& list) {
    return enet_list_size(&list);
}

void release(ENetPacket* packet) {
    auto& record = *static_cast<PeerRecord*>(packet->userData);
    assert(record.bytes_unacknowledged >= packet->dataLength);
    record.bytes_unacknowledged -= packet->dataLength;
    --record.messages_unacknowledged;
}

}  // namespace

void hand_liveness_to_session(ENetPeer& peer) {
    enet_peer_timeout(&peer, kNeverElapses, kNeverElapses, kNeverElapses);
    enet_peer_ping_interval(&peer, kNeverElapses);
}

void limit_farewell(ENetPeer& peer) {
    enet_peer_timeout(&peer, ENET_PEER_TIMEOUT_LIMIT, kFarewellMilliseconds, kFarewellMilliseconds);
}

void write_round_trip(ENetPeer& peer, Duration round_trip_time, Duration variance) {
    peer.roundTripTime = to_milliseconds(round_trip_time);
    peer.roundTripTimeVariance = to_milliseconds(variance);
}

void write_window(ENetPeer& peer, std::size_t bytes) {
    peer.packetThrottle = ENET_PEER_PACKET_THROTTLE_SCALE;
    // ENet multiplies it by the scale, in 32 bits.
    peer.windowSize = static_cast<enet_uint32>(std::min<std::size_t>(
        bytes, std::numeric_limits<enet_uint32>::max() / ENET_PEER_PACKET_THROTTLE_SCALE));
}

void make_due(ENetPeer& peer, ENetOutgoingCommand& command, std::uint32_t now) {
    // Zero has always elapsed, and makes ENet compute the timer afresh when it sends the command.
    command.roundTripTimeout = 0;
    peer.nextTimeout = now;
}

ENetOutgoingCommand* last_sent(ENetPeer& peer) {
    if (is_empty(peer.sentReliableCommands)) return nullptr;
    return reinterpret_cast<ENetOutgoingCommand*>(
        enet_list_previous(enet_list_end(&peer.sentReliableCommands)));
}

void assume_round_trip_time(ENetPeer& peer, Duration round_trip_time) {
    peer.roundTripTime = to_milliseconds(round_trip_time);
    // An eighth makes the timer 1.5 round trips, and the 1 covers the rounding to milliseconds.
    peer.roundTripTimeVariance = peer.roundTripTime / 8 + 1;
    shorten_timers(peer, retransmission_timeout(peer));
}

void limit_backoff(ENetPeer& peer) {
    shorten_timers(peer, std::max(kBackoffMilliseconds, retransmission_timeout(peer)));
}

void set_datagram_size(ENetPeer& peer, PeerRecord& record, std::size_t size) {
    assert(size >= ENET_PROTOCOL_MINIMUM_MTU && size <= ENET_PROTOCOL_MAXIMUM_MTU);
    record.datagram_size = static_cast<std::uint32_t>(size);
    peer.mtu = std::max(peer.mtu, record.datagram_size);
    settle_datagram_size(peer, record);
}

void settle_datagram_size(ENetPeer& peer, const PeerRecord& record) {
    if (record.datagram_size == 0 || peer.mtu <= record.datagram_size) return;
    const std::size_t largest =
        std::max({largest_in(peer.outgoingCommands), largest_in(peer.sentReliableCommands),
                  std::size_t{record.datagram_size}});
    peer.mtu = std::min(peer.mtu, static_cast<enet_uint32>(largest));
}

void make_in_flight_due(ENetPeer& peer, std::uint32_t now) {
    // ENet doubles the timer of a command that is due, hence the half.
    const enet_uint32 half = std::max<enet_uint32>(retransmission_timeout(peer) / 2, 1);
    for_each<ENetOutgoingCommand>(peer.sentReliableCommands, [&](ENetOutgoingCommand& command) {
        command.roundTripTimeout = half;
        command.sentTime = now - half;
    });
    // Those that were already due and wait for the window: zero makes ENet compute it afresh.
    for_each<ENetOutgoingCommand>(
        peer.outgoingCommands, [](ENetOutgoingCommand& command) { command.roundTripTimeout = 0; });
    peer.nextTimeout = now;
}

std::size_t count_waiting_commands(ENetPeer& peer) {
    std::size_t total = count(peer.dispatchedCommands);
    for (std::size_t i = 0; i < peer.channelCount; ++i) {
        total += count(peer.channels[i].incomingReliableCommands);
        total += count(peer.channels[i].incomingUnreliableCommands);
    }
    return total;
}

bool is_live(const ENetPeer& peer) {
    return peer.state != ENET_PEER_STATE_DISCONNECTED;
}

bool has_unacknowledged(const ENetPeer& peer) {
    return !is_empty(peer.sentReliableCommands);
}

bool has_unsent(const ENetPeer& peer) {
    return !is_empty(peer.outgoingCommands);
}

PacketHandle make_packet(Bytes message, enet_uint32 flags, PeerRecord& record) {
    PacketHandle packet{enet_packet_create(message.data(), message.size(), flags)};
    if (!packet) return nullptr;
    packet->userData = &record;
    packet->freeCallback = release;
    record.bytes_unacknowledged += packet->dataLength;
    ++record.messages_unacknowledged;
    return packet;
}

bool hand_over(ENetPeer& peer, std::uint8_t channel, PacketHandle packet, bool at_front) {
    const auto& record = *static_cast<const PeerRecord*>(packet->userData);
    // Nobody looks at the timers of an idle peer.
    if (!has_unsent(peer) && !has_unacknowledged(peer)) settle_datagram_size(peer, record);
    ENetListIterator last = enet_list_previous(enet_list_end(&peer.outgoingCommands));
    // ENet cuts the message up now, by its limit at this moment.
    const enet_uint32 limit = peer.mtu;
    if (record.datagram_size != 0) peer.mtu = record.datagram_size;
    const bool is_taken = enet_peer_send(&peer, channel, packet.get()) == 0;
    peer.mtu = limit;
    if (!is_taken) return false;
    static_cast<void>(packet.release());
    if (!at_front || is_empty(peer.outgoingCommands)) return true;
    ENetListIterator first_new = enet_list_next(last);
    if (first_new == enet_list_begin(&peer.outgoingCommands)) return true;
    enet_list_move(enet_list_begin(&peer.outgoingCommands), first_new,
                   enet_list_previous(enet_list_end(&peer.outgoingCommands)));
    return true;
}

}  // namespace pinhole::reliable
