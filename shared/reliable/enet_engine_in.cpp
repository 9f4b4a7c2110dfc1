// The way in: what ENet may see of what arrives, and what comes of it.
#include <algorithm>
#include <cassert>
#include <utility>

#include "shared/reliable/enet_engine.hpp"

namespace pinhole::reliable {
namespace {

// Incoming connections that have not completed: a peer may begin one before its session is proven.
constexpr std::size_t kPendingMax = 64;

// Commands of one peer that wait for an earlier one. The first bound costs a peer its unreliable
// commands only: an honest one has at most `kMessagesUnacknowledgedMax` reliable ones under way,
// and the retransmission that ends the wait must get through. The second is for liars.
constexpr std::size_t kWaitingCommandsSoftMax = 2 * kMessagesUnacknowledgedMax;
constexpr std::size_t kWaitingCommandsMax = 2 * kWaitingCommandsSoftMax;

// An exact count walks the queues, so it happens once in this many data commands.
constexpr std::size_t kCommandsPerCount = 256;

// Events that the caller has not polled; datagrams are lost while there are more.
constexpr std::size_t kEventsMax = 65536;

}  // namespace

void EnetEngine::handle_datagram(Instant now, VirtualAddress from, Bytes plaintext) {
    const auto found = inspect(plaintext);
    if (!found) return drops_.add(found.error());
    if (const auto reason = refusal(from, *found)) return drops_.add(*reason);
    const Parsed<Bytes> admitted = limit_waiting(*found, plaintext);
    if (!admitted) return drops_.add(admitted.error());

    enter(now);
    if (found->acknowledgements > 0) flows_[found->peer_id].on_datagram(now, plaintext);
    slot_->offer(from, *admitted);
    // The rest can wait for what else arrives now; a new peer is ours before anything else happens.
    if (found->is_connect || slot_->offered() == kInboxDatagramsMax) receive();
    if (found->is_connect) adopt_incoming(from);
}

// ENet sees all that arrived since it saw something last and answers none of it yet: then one
// acknowledgement datagram does for many, and it can carry what the caller says to the messages.
void EnetEngine::receive() {
    if (slot_->offered() == 0) return;
    set_enet_time(clock_.milliseconds());
    for (std::size_t i = 0; i < records_.size(); ++i) {
        if (flows_[i].has_news() && is_occupied(i)) flows_[i].conclude(clock_, host_->peers[i]);
    }
    // With an event to fill in, ENet ends the making of a connection there and then, and takes the
    // messages that came with its last step. This fails when the last datagram was taken, as
    // planned, before ENet would answer.
    ENetEvent event{};
    while (call_enet(&event) > 0) take(event);
    assert(slot_->offered() == 0);
    flush_due_ = true;
    note_sent();
    take_events();
    watch_farewells();
}

void EnetEngine::take_events() {
    ENetEvent event{};
    while (enet_host_check_events(host_.get(), &event) > 0) take(event);
}

// What ENet must not see at all.
std::optional<Drop> EnetEngine::refusal(VirtualAddress from, const Inspection& found) {
    if (event_bytes_ > options_.waiting_bytes_max) return Drop::kLimit;
    if (events_.size() >= kEventsMax) return Drop::kLimit;
    if (found.is_connect) {
        if (find(from) != nullptr) return Drop::kUnexpected;
        const std::size_t pending = count_peers(ENET_PEER_STATE_ACKNOWLEDGING_CONNECT);
        // Half of the slots stay free for connections that we begin ourselves.
        const std::size_t most =
            std::min(kPendingMax, std::max<std::size_t>(options_.peers / 2, 1));
        return pending < most ? std::nullopt : std::optional{Drop::kLimit};
    }
    if (found.peer_id >= host_->peerCount) return Drop::kUnknownSession;
    const ENetPeer& peer = host_->peers[found.peer_id];
    if (!is_live(peer) || peer.address.host != from.value()) return Drop::kUnknownSession;
    return std::nullopt;
}

// The datagram as ENet may have it, given what already waits in the peer's queues.
Parsed<Bytes> EnetEngine::limit_waiting(const Inspection& found, Bytes plaintext) {
    if (found.data_commands == 0) return plaintext;
    ENetPeer& peer = host_->peers[found.peer_id];
    PeerRecord& record = record_of(peer);
    record.seen_since_count += found.data_commands;
    if (record.waiting_commands > kWaitingCommandsSoftMax &&
        record.seen_since_count >= kCommandsPerCount) {
        record.waiting_commands = count_waiting_commands(peer);
        record.seen_since_count = 0;
    }
    if (record.waiting_commands > kWaitingCommandsMax) return dropped(Drop::kLimit);
    const bool cut = record.waiting_commands > kWaitingCommandsSoftMax;
    record.waiting_commands += found.data_commands - (cut ? found.unreliable_commands : 0);
    if (!cut || found.unreliable_commands == 0) return plaintext;
    drops_.add(Drop::kLimit);
    return Bytes{scratch_}.first(copy_without_unreliable(plaintext, scratch_));
}

// After a CONNECT: the peer that ENet made of it, if it did, becomes ours before any timer of its
// could matter.
void EnetEngine::adopt_incoming(VirtualAddress from) {
    for (std::size_t i = 0; i < host_->peerCount; ++i) {
        ENetPeer& peer = host_->peers[i];
        if (peer.state != ENET_PEER_STATE_ACKNOWLEDGING_CONNECT) continue;
        if (peer.address.host != from.value()) continue;
        begin_record(peer, from, false);
        // ENet takes whatever MTU the other end asks for, up to 4096.
        peer.mtu = std::min(peer.mtu, host_->mtu);
        hand_liveness_to_session(peer);
    }
}

void EnetEngine::take(const ENetEvent& event) {
    if (event.type == ENET_EVENT_TYPE_NONE) return;
    PacketHandle packet{event.packet};
    const PeerRecord& record = record_of(*event.peer);
    if (event.type == ENET_EVENT_TYPE_DISCONNECT) flow_of(*event.peer).clear();
    // ENet forgets what arrives while a peer leaves; so does who still waits to tell it.
    if (event.type == ENET_EVENT_TYPE_RECEIVE && record.closing) return;
    if (packet) event_bytes_ += packet->dataLength;
    QueuedEvent& queued = events_.push();
    queued.type = event.type;
    queued.peer = record.address;
    queued.outgoing = record.outgoing;
    queued.channel = event.channelID;
    queued.packet = std::move(packet);
}

}  // namespace pinhole::reliable
