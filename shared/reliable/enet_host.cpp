#include "shared/reliable/enet_host.hpp"

#include "shared/reliable/enet_engine.hpp"

namespace pinhole::reliable {

EnetHost::EnetHost(const EnetOptions& options, Random& random)
    : engine_(std::make_unique<EnetEngine>(options, random)) {}

EnetHost::~EnetHost() = default;

void EnetHost::handle_datagram(Instant now, VirtualAddress from, Bytes plaintext) {
    engine_->handle_datagram(now, from, plaintext);
}

void EnetHost::handle_timeout(Instant now) {
    engine_->handle_timeout(now);
}

std::optional<EnetTransmit> EnetHost::poll_transmit() {
    return engine_->poll_transmit();
}

bool EnetHost::has_more() const {
    return engine_->is_due();
}

std::optional<EnetEvent> EnetHost::poll_event() {
    return engine_->poll_event();
}

OwnedMessage EnetHost::take_message() {
    return engine_->take_message();
}

Instant EnetHost::next_timeout() const {
    return engine_->next_timeout();
}

bool EnetHost::connect(Instant now, VirtualAddress to, Duration round_trip_time) {
    return engine_->connect(now, to, round_trip_time);
}

void EnetHost::set_round_trip_time(VirtualAddress peer, Duration round_trip_time) {
    ENetPeer* found = engine_->find(peer);
    if (found == nullptr) return;
    assume_round_trip_time(*found, round_trip_time);
    engine_->flow_of(*found).on_path_changed(round_trip_time);
}

void EnetHost::set_datagram_size(VirtualAddress peer, std::size_t size) {
    if (ENetPeer* found = engine_->find(peer)) {
        reliable::set_datagram_size(*found, engine_->record_of(*found), size);
    }
}

std::size_t EnetHost::take_largest_arrived(VirtualAddress peer) {
    ENetPeer* found = engine_->find(peer);
    return found == nullptr ? 0 : engine_->flow_of(*found).take_largest_arrived();
}

Result<void, SendError> EnetHost::send(Instant now, VirtualAddress to, std::uint8_t channel,
                                       Bytes message, Delivery delivery) {
    engine_->enter(now);
    return engine_->send(to, channel, message, delivery);
}

void EnetHost::disconnect(Instant now, VirtualAddress peer) {
    engine_->disconnect(now, peer);
}

void EnetHost::reset(VirtualAddress peer) {
    engine_->reset(peer);
}

void EnetHost::on_path_restored(Instant now, VirtualAddress peer, Duration round_trip_time) {
    ENetPeer* found = engine_->find(peer);
    if (found == nullptr) return;
    engine_->enter(now);
    assume_round_trip_time(*found, round_trip_time);
    engine_->flow_of(*found).on_path_restored(round_trip_time);
    make_in_flight_due(*found, engine_->clock().milliseconds());
    engine_->service(now);
}

bool EnetHost::is_connected(VirtualAddress peer) const {
    const ENetPeer* found = engine_->find(peer);
    return found != nullptr && found->state == ENET_PEER_STATE_CONNECTED &&
           !engine_->record_of(*found).closing;
}

bool EnetHost::has_peer(VirtualAddress peer) const {
    return engine_->find(peer) != nullptr;
}

std::size_t EnetHost::peer_count() const {
    return engine_->count_peers();
}

std::size_t EnetHost::bytes_unacknowledged(VirtualAddress peer) const {
    const ENetPeer* found = engine_->find(peer);
    return found == nullptr ? 0 : engine_->record_of(*found).bytes_unacknowledged;
}

bool EnetHost::has_room(VirtualAddress peer) const {
    return is_connected(peer) && !engine_->record_of(*engine_->find(peer)).wants_room;
}

Statistics EnetHost::statistics(VirtualAddress peer) const {
    const ENetPeer* found = engine_->find(peer);
    if (found == nullptr) return {};
    const AckTracker& tracker = engine_->flow_of(*found).tracker();
    const RoundTrip& round_trip = tracker.round_trip();
    return {.bytes_delivered = tracker.delivered(),
            .bytes_lost = tracker.lost(),
            .round_trip_time =
                round_trip.is_known() ? std::optional{round_trip.smoothed()} : std::nullopt};
}

Duration EnetHost::round_trip_time(VirtualAddress peer) const {
    const ENetPeer* found = engine_->find(peer);
    return found == nullptr ? Duration{0} : std::chrono::milliseconds{found->roundTripTime};
}

const DropCounters& EnetHost::drops() const {
    return engine_->drops();
}

int EnetHost::socket_number() const {
    return engine_->socket_number();
}

}  // namespace pinhole::reliable
