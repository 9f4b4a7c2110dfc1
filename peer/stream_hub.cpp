#include "peer/stream_hub.hpp"

#include <cassert>
#include <utility>

#include "peer/stream_connection.hpp"

namespace pinhole::peer {

StreamHub::StreamHub(StreamCarrier carrier) : carrier_(std::move(carrier)) {}
StreamHub::~StreamHub() = default;

void StreamHub::serve(ServiceKind kind, StreamService& service) {
    services_.insert_or_assign(kind, &service);
}

StreamName StreamHub::open(const Id& peer, ServiceKind kind, Bytes argument,
                           StreamService& service) {
    StreamConnection* const connection = find(peer);
    assert(connection != nullptr);
    return {.peer = peer, .number = connection->open(kind, argument, service)};
}

void StreamHub::accept(const StreamName& stream) {
    if (auto* connection = find(stream.peer)) connection->accept(stream.number);
}

void StreamHub::refuse(const StreamName& stream, Refusal reason, std::string_view text) {
    if (auto* connection = find(stream.peer)) connection->refuse(stream.number, reason, text);
}

std::size_t StreamHub::write(const StreamName& stream, Bytes bytes) {
    auto* connection = find(stream.peer);
    return connection == nullptr ? 0 : connection->write(stream.number, bytes);
}

void StreamHub::finish(const StreamName& stream) {
    if (auto* connection = find(stream.peer)) connection->finish(stream.number);
}

void StreamHub::consume(const StreamName& stream, std::size_t bytes) {
    if (auto* connection = find(stream.peer)) connection->consume(stream.number, bytes);
}

void StreamHub::reset(const StreamName& stream, ResetReason reason) {
    if (auto* connection = find(stream.peer)) connection->reset(stream.number, reason);
}

bool StreamHub::send_datagram(const StreamName& stream, Bytes bytes) {
    auto* connection = find(stream.peer);
    if (connection != nullptr && connection->send_datagram(stream.number, bytes)) return true;
    ++datagrams_dropped_;
    return false;
}

void StreamHub::on_connected(const Id& peer) {
    on_closed(peer);
    connections_.emplace(peer, std::make_unique<StreamConnection>(peer, carrier_, services_));
}

void StreamHub::on_closed(const Id& peer) {
    const auto found = connections_.find(peer);
    if (found == connections_.end()) return;
    // It is nobody's any more when its services hear of it.
    const auto connection = std::move(found->second);
    connections_.erase(found);
    connection->lose_all();
}

void StreamHub::on_message(const Id& peer, std::uint8_t channel, Bytes message) {
    if (auto* connection = find(peer)) connection->on_message(channel, message);
}

void StreamHub::on_room(const Id& peer) {
    if (auto* connection = find(peer)) connection->on_room();
}

std::size_t StreamHub::size() const {
    std::size_t size = 0;
    for (const auto& [peer, connection] : connections_) size += connection->size();
    return size;
}

StreamConnection* StreamHub::find(const Id& peer) const {
    const auto found = connections_.find(peer);
    return found == connections_.end() ? nullptr : found->second.get();
}

}  // namespace pinhole::peer
