// The working part of `EnetHost`, apart from it so that its header shows nothing of ENet.
//
// It owns the ENet host, the record beside each of ENet's peers, and the events that the caller has
// not polled. Every call into ENet goes through here, because each needs the clock set before it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <enet/enet.h>

#include "shared/reliable/enet_clock.hpp"
#include "shared/reliable/enet_host.hpp"
#include "shared/reliable/enet_inspection.hpp"
#include "shared/reliable/enet_packet.hpp"
#include "shared/reliable/enet_peer.hpp"
#include "shared/reliable/enet_platform.hpp"
#include "shared/reliable/enet_queue.hpp"
#include "shared/reliable/flow.hpp"

namespace pinhole::reliable {

/// An event that waits for `poll_event`.
struct QueuedEvent {
    ENetEventType type = ENET_EVENT_TYPE_NONE;
    VirtualAddress peer;
    bool outgoing = false;
    std::uint8_t channel = 0;
    PacketHandle packet;
};

/// ENet walks its whole queue for each datagram once the window is full.
inline constexpr std::size_t kMessagesUnacknowledgedMax = 8192;

class EnetEngine {
  public:
    EnetEngine(const EnetOptions& options, Random& random);

    void handle_datagram(Instant now, VirtualAddress from, Bytes plaintext);
    void handle_timeout(Instant now);
    void service(Instant now);
    [[nodiscard]] std::optional<EnetTransmit> poll_transmit();
    [[nodiscard]] std::optional<EnetEvent> poll_event();
    [[nodiscard]] OwnedMessage take_message();
    [[nodiscard]] Instant next_timeout() const;
    [[nodiscard]] bool connect(Instant now, VirtualAddress to, Duration round_trip_time);
    [[nodiscard]] Result<void, SendError> send(VirtualAddress to, std::uint8_t channel,
                                               Bytes message, Delivery delivery);
    void disconnect(Instant now, VirtualAddress address);
    void reset(VirtualAddress address);

    /// Time for the next ENet call; every host of the process shares ENet's one clock.
    void enter(Instant now) {
        clock_.advance(now);
        set_enet_time(clock_.milliseconds());
    }

    /// The live peer of an address, or null.
    [[nodiscard]] ENetPeer* find(VirtualAddress address) const {
        // It is the one that was asked for last, as a rule.
        if (is_at(found_last_, address)) return &host_->peers[found_last_];
        for (std::size_t i = 0; i < records_.size(); ++i) {
            if (!is_at(i, address)) continue;
            found_last_ = i;
            return &host_->peers[i];
        }
        return nullptr;
    }

    [[nodiscard]] std::size_t count_peers(std::optional<ENetPeerState> state = {}) const {
        std::size_t count = 0;
        for (std::size_t i = 0; i < host_->peerCount; ++i) {
            const ENetPeer& peer = host_->peers[i];
            if (is_live(peer) && (!state || peer.state == *state)) ++count;
        }
        return count;
    }

    [[nodiscard]] PeerRecord& record_of(const ENetPeer& peer) { return records_[index_of(peer)]; }
    [[nodiscard]] Flow& flow_of(const ENetPeer& peer) { return flows_[index_of(peer)]; }

    /// ENet has something to look at or to say.
    [[nodiscard]] bool is_due() const { return flush_due_ || slot_->offered() > 0; }
    [[nodiscard]] const EnetClock& clock() const { return clock_; }
    [[nodiscard]] int socket_number() const { return host_->socket; }
    [[nodiscard]] const DropCounters& drops() const { return drops_; }

  private:
    // The address is looked at first: most slots are nobody's, and ENet's peers are large.
    [[nodiscard]] bool is_occupied(std::size_t index) const {
        return records_[index].address != VirtualAddress{} && is_live(host_->peers[index]);
    }

    [[nodiscard]] bool is_at(std::size_t index, VirtualAddress address) const {
        return records_[index].address == address && is_live(host_->peers[index]);
    }
    [[nodiscard]] std::optional<Drop> refusal(VirtualAddress from, const Inspection& found);
    [[nodiscard]] Parsed<Bytes> limit_waiting(const Inspection& found, Bytes plaintext);
    void adopt_incoming(VirtualAddress from);
    void leave(ENetPeer& peer);
    /// `enet_host_service`, with what it must not do switched off.
    int call_enet(ENetEvent* event);
    void receive();
    void take_events();
    void take(const ENetEvent& event);
    /// An event without a message; ENET_EVENT_TYPE_NONE stands for `EnetRoom`.
    void push_event(ENetEventType type, VirtualAddress peer);
    /// So much waits that more should not be made.
    [[nodiscard]] bool is_crowded(std::size_t index) const;
    void watch_farewells();
    void prepare_flows();
    void note_sent();
    void begin_record(const ENetPeer& peer, VirtualAddress address, bool outgoing);
    void flush();
    void finish_sending();

    [[nodiscard]] std::size_t index_of(const ENetPeer& peer) const {
        return static_cast<std::size_t>(&peer - host_->peers);
    }

    EnetOptions options_;
    EnetClock clock_;
    // Before the host: ENet releases messages, which charge a record, until it is destroyed.
    std::vector<PeerRecord> records_;
    std::vector<Flow> flows_;
    HostHandle host_;
    /// What the host has for a socket; it owns it.
    EnetSlot* slot_ = nullptr;
    mutable std::size_t found_last_ = 0;
    Instant limit_timers_at_;
    ReusingQueue<QueuedEvent> events_;
    std::size_t event_bytes_ = 0;
    PacketHandle polled_;
    std::size_t leaving_ = 0;
    bool flush_due_ = false;
    /// `poll_transmit` has not said yet that there is nothing more.
    bool in_burst_ = false;
    DropCounters drops_;
    FixedBytes<ENET_PROTOCOL_MAXIMUM_MTU> scratch_;
};

}  // namespace pinhole::reliable
