#include "shared/net/socket_set.hpp"

#include <cassert>
#include <utility>

namespace pinhole::net {
namespace {

void add_traffic(Traffic& sum, const Traffic& part) {
    sum.datagrams += part.datagrams;
    sum.bytes += part.bytes;
}

void add_socket(SocketTotals& sum, const UdpSocket& socket) {
    add_traffic(sum.received, socket.received());
    add_traffic(sum.sent, socket.sent());
    for (std::size_t i = 0; i < static_cast<std::size_t>(SocketDrop::kCount); ++i) {
        const auto reason = static_cast<SocketDrop>(i);
        sum.drops.add(reason, socket.drops()[reason]);
    }
}

}  // namespace

SocketSet::Entry::Entry(asio::io_context& io, UdpSocket opened)
    : socket(std::move(opened)), watcher(io, socket.fd()) {}

SocketSet::Entry::~Entry() {
    // The socket closes the descriptor; the watcher must only forget it.
    static_cast<void>(watcher.release());
}

SocketSet::SocketSet(asio::io_context& io, std::function<void(SocketId)> on_readable)
    : io_(io), on_readable_(std::move(on_readable)) {}

void SocketSet::add(SocketId id, UdpSocket socket) {
    const bool is_new = entries_.try_emplace(id, io_, std::move(socket)).second;
    assert(is_new);
    rearm(id);
}

void SocketSet::close(SocketId id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    flush();
    add_socket(closed_totals_, found->second.socket);
    entries_.erase(found);
}

void SocketSet::close_all() {
    while (!entries_.empty()) close(entries_.begin()->first);
}

std::uint16_t SocketSet::local_port(SocketId id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? std::uint16_t{0} : found->second.socket.local().port;
}

std::vector<SocketOpened> SocketSet::opened() const {
    std::vector<SocketOpened> out;
    for (const auto& [id, entry] : entries_) {
        const UdpSocket& socket = entry.socket;
        out.push_back({id, socket.local(), socket.receive_buffer()});
    }
    return out;
}

std::span<const Received> SocketSet::receive(SocketId id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return {};
    return found->second.socket.receive(receive_arena_);
}

std::vector<IcmpError> SocketSet::take_errors(SocketId id) {
    std::vector<IcmpError> out;
    const auto found = entries_.find(id);
    if (found == entries_.end() || !found->second.socket.may_have_errors()) return out;
    found->second.socket.drain_errors([&](const Endpoint& destination, IcmpError::Kind kind) {
        out.push_back({Path{id, destination}, kind});
    });
    return out;
}

void SocketSet::rearm(SocketId id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    found->second.watcher.async_wait(asio::posix::stream_descriptor::wait_read,
                                     [this, id](std::error_code error) {
                                         // An error means that the socket was closed; its name may
                                         // stand for another one by now.
                                         if (!error) on_readable_(id);
                                     });
}

void SocketSet::send(const Transmit& transmit) {
    const SocketId id = transmit.path.socket;
    if (id != batch_owner_) flush();
    const auto found = entries_.find(id);
    if (found == entries_.end()) {
        ++closed_totals_.unknown_socket;
        return;
    }
    batch_owner_ = id;
    found->second.socket.enqueue(send_batch_, transmit);
}

void SocketSet::flush() {
    if (send_batch_.empty()) return;
    const auto found = entries_.find(batch_owner_);
    assert(found != entries_.end());
    found->second.socket.flush(send_batch_);
}

SocketTotals SocketSet::totals() const {
    SocketTotals out = closed_totals_;
    for (const auto& [id, entry] : entries_) add_socket(out, entry.socket);
    return out;
}

}  // namespace pinhole::net
