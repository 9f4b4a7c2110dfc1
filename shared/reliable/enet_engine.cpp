#include "shared/reliable/enet_engine.hpp"

#include <cassert>
#include <stdexcept>
#include <utility>

namespace pinhole::reliable {
namespace {

// Every virtual address has this one port.
constexpr std::uint16_t kPort = 1;

// ENet's timers are looked at this often at least while anything is in flight, so that its clock,
// which moves by at most a second per call, keeps up.
constexpr Duration kWakeAtLeast = 500ms;

// When ENet has something to send that nothing in flight will make it send: the farewell that it
// queues after the last unreliable message left.
constexpr Duration kTick = 5ms;

// How often what ENet's doubling made of its timers is looked at.
constexpr Duration kLimitEvery = 20ms;

void require_sound_platform(const ENetHost& host) {
    if (!is_ours(host.socket)) {
        throw EnetUnusable(
            "the ENet library does not run on pinhole's platform layer and would send plaintext: "
            "link it after pinhole, or, where it was built with -Bsymbolic-functions, build "
            "pinhole "
            "with PINHOLE_ENET=fetch");
    }
    if (enet_linked_version() != ENET_VERSION) {
        throw EnetUnusable(
            "the ENet library has another version than the headers pinhole was compiled with");
    }
}

// ENet's hook between receiving a datagram and reading it: it reads from our memory, not from a
// copy in its own.
int read_in_place(ENetHost* host, ENetEvent* /*event*/) {
    const SlotDatagram* received = slot_of(host->socket).received();
    assert(received != nullptr);
    host->receivedData = reinterpret_cast<enet_uint8*>(received->bytes.data());
    host->receivedDataLength = received->bytes.size();
    return 0;
}

}  // namespace

EnetEngine::EnetEngine(const EnetOptions& options, Random& random)
    : options_(options), records_(options.peers) {
    flows_.reserve(options.peers);
    while (flows_.size() < options.peers) {
        // Both ends are alike, and there a message counts in full as soon as a part of it is there.
        flows_.emplace_back(options.window_max,
                            options.waiting_bytes_max - options.waiting_bytes_max / 4);
    }
    assert(options.peers >= 1);
    assert(options.peers <= ENET_PROTOCOL_MAXIMUM_PEER_ID);
    assert(options.channels >= 1);
    assert(options.mtu >= ENET_PROTOCOL_MINIMUM_MTU);
    assert(options.mtu <= ENET_PROTOCOL_MAXIMUM_MTU);
    use_own_memory();
    host_.reset(enet_host_create(nullptr, options.peers, options.channels, 0, 0));
    if (!host_) throw std::runtime_error("ENet cannot create a host: all slots are taken");
    require_sound_platform(*host_);
    slot_ = &slot_of(host_->socket);
    host_->intercept = read_in_place;
    // ENet mixes the host's heap address into its seed; this makes traces repeat.
    host_->randomSeed = random.u32();
    host_->mtu = static_cast<enet_uint32>(options.mtu);
    host_->maximumPacketSize = options.packet_bytes_max;
    host_->maximumWaitingData = options.waiting_bytes_max;
    // One connection per virtual address.
    host_->duplicatePeers = 1;
    // The peers were already reset to the default when the host's value was not ours yet.
    for (std::size_t i = 0; i < host_->peerCount; ++i) host_->peers[i].mtu = host_->mtu;
}

void EnetEngine::begin_record(const ENetPeer& peer, VirtualAddress address, bool outgoing) {
    PeerRecord& record = record_of(peer);
    record.address = address;
    record.outgoing = outgoing;
    record.leaving = false;
    record.closing = false;
    record.waiting_commands = 0;
    record.wants_room = false;
    record.datagram_size = 0;
    flow_of(peer).clear();
}

void EnetEngine::service(Instant now) {
    enter(now);
    receive();
    prepare_flows();
    static_cast<void>(call_enet(nullptr));
    finish_sending();
}

int EnetEngine::call_enet(ENetEvent* event) {
    // We limit no bandwidth, so there is nothing to tell: without this ENet sends each peer a
    // BANDWIDTH_LIMIT a second after any connects, which resets the other end's window.
    host_->recalculateBandwidthLimits = 0;
    return enet_host_service(host_.get(), event, 0);
}

// Before each call in which ENet may send: what may leave, and whose message it is.
void EnetEngine::prepare_flows() {
    for (std::size_t i = 0; i < records_.size(); ++i) {
        if (!is_occupied(i)) continue;
        ENetPeer& peer = host_->peers[i];
        flows_[i].prepare(clock_, peer);
        if (records_[i].closing && !flows_[i].has_waiting()) leave(peer);
    }
}

// After each of them: what did leave, and for whom it made room.
void EnetEngine::note_sent() {
    slot_->visit_new([this](VirtualAddress to, Bytes datagram) {
        if (const ENetPeer* peer = find(to)) flow_of(*peer).on_left(clock_.now(), datagram);
    });
    for (std::size_t i = 0; i < records_.size(); ++i) {
        PeerRecord& record = records_[i];
        if (!record.wants_room || !is_occupied(i) || is_crowded(i)) continue;
        record.wants_room = false;
        push_event(ENET_EVENT_TYPE_NONE, record.address);
    }
}

bool EnetEngine::is_crowded(std::size_t index) const {
    const PeerRecord& record = records_[index];
    return flows_[index].bytes_waiting() > kRoomBytes ||
           record.bytes_unacknowledged > options_.waiting_bytes_max / 2 ||
           record.messages_unacknowledged > kMessagesUnacknowledgedMax / 2;
}

void EnetEngine::handle_timeout(Instant now) {
    service(now);
    // It walks all that is in flight, and the pacer may wake us each 100 us.
    if (now < limit_timers_at_) return;
    limit_timers_at_ = now + kLimitEvery;
    for (std::size_t i = 0; i < records_.size(); ++i) {
        if (!is_occupied(i)) continue;
        limit_backoff(host_->peers[i]);
        settle_datagram_size(host_->peers[i], records_[i]);
    }
}

void EnetEngine::push_event(ENetEventType type, VirtualAddress peer) {
    QueuedEvent& queued = events_.push();
    queued.type = type;
    queued.peer = peer;
    queued.packet.reset();
}

void EnetEngine::watch_farewells() {
    for (std::size_t i = 0; leaving_ > 0 && i < records_.size(); ++i) {
        PeerRecord& record = records_[i];
        ENetPeer& peer = host_->peers[i];
        if (!record.leaving || peer.state == ENET_PEER_STATE_DISCONNECT_LATER) continue;
        if (peer.state == ENET_PEER_STATE_DISCONNECTING) limit_farewell(peer);
        record.leaving = false;
        --leaving_;
    }
}

void EnetEngine::flush() {
    set_enet_time(clock_.milliseconds());
    prepare_flows();
    enet_host_flush(host_.get());
    finish_sending();
}

void EnetEngine::finish_sending() {
    flush_due_ = false;
    // Where ENet holds something back for reasons of its own, another call would change nothing.
    if (slot_->has_new()) {
        for (std::size_t i = 0; i < records_.size(); ++i) {
            if (is_occupied(i) && flows_[i].has_more()) flush_due_ = true;
        }
    }
    note_sent();
    // The acknowledgement of a farewell is what ends a connection, for one.
    take_events();
    watch_farewells();
}

std::optional<EnetTransmit> EnetEngine::poll_transmit() {
    receive();
    // The caller sees the end of a burst before the next one is made.
    if (!std::exchange(in_burst_, true) && flush_due_) flush();
    const SlotDatagram* datagram = slot_->take_outgoing();
    in_burst_ = datagram != nullptr;
    if (!in_burst_) return std::nullopt;
    const MutableBytes bytes = datagram->bytes;
    return EnetTransmit{
        .to = datagram->peer,
        .bytes = bytes,
        .with_headroom = {bytes.data() - kEnetHeadroom, bytes.size() + kEnetHeadroom}};
}

std::optional<EnetEvent> EnetEngine::poll_event() {
    polled_.reset();
    receive();
    if (events_.empty()) return std::nullopt;
    QueuedEvent& event = events_.pop();
    switch (event.type) {
        case ENET_EVENT_TYPE_CONNECT:
            return EnetConnected{.peer = event.peer, .outgoing = event.outgoing};
        case ENET_EVENT_TYPE_DISCONNECT: return EnetClosed{.peer = event.peer};
        case ENET_EVENT_TYPE_RECEIVE: {
            polled_ = std::move(event.packet);
            event_bytes_ -= polled_->dataLength;
            const auto* data = reinterpret_cast<const std::byte*>(polled_->data);
            return EnetMessage{.peer = event.peer,
                               .channel = event.channel,
                               .bytes = Bytes{data, polled_->dataLength}};
        }
        case ENET_EVENT_TYPE_NONE: break;
    }
    return EnetRoom{.peer = event.peer};
}

OwnedMessage EnetEngine::take_message() {
    assert(polled_);
    const auto* data = reinterpret_cast<const std::byte*>(polled_->data);
    const Bytes bytes{data, polled_->dataLength};
    return {.bytes = bytes, .memory = {polled_.release(), [](void* packet) {
                                           enet_packet_destroy(static_cast<ENetPacket*>(packet));
                                       }}};
}

Instant EnetEngine::next_timeout() const {
    if (is_due()) return clock_.now();
    Instant next = kNever;
    for (std::size_t i = 0; i < records_.size(); ++i) {
        if (!is_occupied(i)) continue;
        const ENetPeer& peer = host_->peers[i];
        // ENet looks at its timers when the first command in flight is due, and not before; its
        // clock may reach that instant a little late.
        if (has_unacknowledged(peer)) {
            next =
                std::min(next, std::max(clock_.instant_of(peer.nextTimeout), clock_.now() + 1ms));
        } else if (has_unsent(peer)) {
            next = std::min(next, clock_.now() + kTick);
        }
        // A deadline that has come was served just now, in vain: ENet holds something back until
        // an acknowledgement.
        const Instant due = flows_[i].next_timeout();
        next = std::min(next, due > clock_.now() ? due : clock_.now() + 1ms);
    }
    return next == kNever ? kNever : std::min(next, clock_.now() + kWakeAtLeast);
}

bool EnetEngine::connect(Instant now, VirtualAddress to, Duration round_trip_time) {
    assert(to.value() != ENET_HOST_ANY);
    assert(to.value() != ENET_HOST_BROADCAST);
    enter(now);
    receive();
    if (find(to) != nullptr) return false;
    const ENetAddress address{.host = to.value(), .port = kPort};
    ENetPeer* peer = enet_host_connect(host_.get(), &address, options_.channels, 0);
    if (peer == nullptr) return false;
    begin_record(*peer, to, true);
    hand_liveness_to_session(*peer);
    assume_round_trip_time(*peer, round_trip_time);
    flush_due_ = true;
    return true;
}

Result<void, SendError> EnetEngine::send(VirtualAddress to, std::uint8_t channel, Bytes message,
                                         Delivery delivery) {
    receive();
    ENetPeer* peer = find(to);
    if (peer == nullptr) return failure(SendError::kNotConnected);
    PeerRecord& record = record_of(*peer);
    if (peer->state != ENET_PEER_STATE_CONNECTED || record.closing) {
        return failure(SendError::kNotConnected);
    }
    if (channel >= peer->channelCount) return failure(SendError::kNoSuchChannel);
    if (message.size() > options_.packet_bytes_max) return failure(SendError::kTooLarge);
    if (record.bytes_unacknowledged + message.size() > options_.waiting_bytes_max ||
        record.messages_unacknowledged >= kMessagesUnacknowledgedMax) {
        record.wants_room = true;
        return failure(SendError::kQueueFull);
    }
    // Without the second flag ENet makes a large unreliable message a reliable one.
    const enet_uint32 flags = delivery == Delivery::kReliable
                                  ? ENET_PACKET_FLAG_RELIABLE
                                  : ENET_PACKET_FLAG_UNRELIABLE_FRAGMENT;
    PacketHandle packet = make_packet(message, flags, record);
    if (!packet) {
        record.wants_room = true;
        return failure(SendError::kQueueFull);
    }
    if (delivery == Delivery::kReliable) {
        flow_of(*peer).push(channel, std::move(packet));
        if (is_crowded(index_of(*peer))) record.wants_room = true;
    } else if (!hand_over(*peer, channel, std::move(packet), false)) {
        return failure(SendError::kQueueFull);
    }
    flush_due_ = true;
    return {};
}

void EnetEngine::disconnect(Instant now, VirtualAddress address) {
    enter(now);
    receive();
    ENetPeer* peer = find(address);
    if (peer == nullptr) return;
    switch (peer->state) {
        case ENET_PEER_STATE_CONNECTED:
            record_of(*peer).closing = true;
            flush_due_ = true;
            break;
        case ENET_PEER_STATE_CONNECTING:
        case ENET_PEER_STATE_ACKNOWLEDGING_CONNECT:
        case ENET_PEER_STATE_CONNECTION_PENDING:
        case ENET_PEER_STATE_CONNECTION_SUCCEEDED:
            // ENet says it once and forgets the peer without an event.
            enet_peer_disconnect(peer, 0);
            push_event(ENET_EVENT_TYPE_DISCONNECT, address);
            break;
        case ENET_PEER_STATE_DISCONNECTED:
        case ENET_PEER_STATE_DISCONNECT_LATER:
        case ENET_PEER_STATE_DISCONNECTING:
        case ENET_PEER_STATE_ACKNOWLEDGING_DISCONNECT:
        case ENET_PEER_STATE_ZOMBIE: break;
    }
}

// ENet has all messages of a peer that `disconnect` was called for.
void EnetEngine::leave(ENetPeer& peer) {
    PeerRecord& record = record_of(peer);
    record.closing = false;
    if (peer.state != ENET_PEER_STATE_CONNECTED) return;
    enet_peer_disconnect_later(&peer, 0);
    record.leaving = true;
    ++leaving_;
}

void EnetEngine::reset(VirtualAddress address) {
    receive();
    note_sent();
    if (ENetPeer* peer = find(address)) {
        PeerRecord& record = record_of(*peer);
        if (record.leaving) --leaving_;
        record.leaving = false;
        record.closing = false;
        flow_of(*peer).clear();
        enet_peer_reset(peer);
    }
    slot_->discard_outgoing(address);
    events_.erase_if([&](QueuedEvent& event) {
        if (event.peer != address) return false;
        if (event.packet) event_bytes_ -= event.packet->dataLength;
        event.packet.reset();
        return true;
    });
}

}  // namespace pinhole::reliable
