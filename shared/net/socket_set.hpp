// The sockets of one driver by `SocketId`, watched by an Asio loop.
//
// Owns the sockets and the two buffers that they share. Says when a socket is readable, and reads
// and sends for the driver; knows nothing of the core. A transmit for a socket that does not exist
// is dropped and counted.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include "shared/net/udp_socket.hpp"

namespace pinhole::net {

/// What all sockets of a set did, closed ones included.
struct SocketTotals {
    Traffic received;
    Traffic sent;
    Counters<SocketDrop> drops;
    /// Transmits that named a socket that does not exist.
    std::uint64_t unknown_socket = 0;
};

class SocketSet {
  public:
    /// `on_readable` runs inside the loop when a socket has datagrams or errors; it waits no
    /// further until `rearm`. Must not be destroyed between two turns of a loop that keeps running.
    SocketSet(asio::io_context& io, std::function<void(SocketId)> on_readable);
    SocketSet(const SocketSet&) = delete;
    SocketSet& operator=(const SocketSet&) = delete;

    /// Takes `socket` under the name `id`, which must be free, and watches it.
    void add(SocketId id, UdpSocket socket);
    /// Closes a socket; unsent datagrams go out first. Closing an unknown one does nothing.
    void close(SocketId id);
    /// Closes all of them, so that `io_context::run` can return.
    void close_all();

    [[nodiscard]] bool contains(SocketId id) const { return entries_.contains(id); }
    /// The port that a socket is bound to; 0 for one that does not exist.
    [[nodiscard]] std::uint16_t local_port(SocketId id) const;
    /// Names and local endpoints of all open sockets, in the order of names.
    [[nodiscard]] std::vector<SocketOpened> opened() const;

    /// One batch from `id`, borrowed until the next call; empty when the socket is dry or gone.
    [[nodiscard]] std::span<const Received> receive(SocketId id);
    /// The batch of the last `receive` was full: more may wait.
    [[nodiscard]] bool may_have_more() const { return receive_arena_.is_filled(); }
    /// ICMP errors of `id`, as events for the core; none before a send or a receive met one.
    [[nodiscard]] std::vector<IcmpError> take_errors(SocketId id);
    /// Waits for the next readability of `id`; nothing if it was closed in the meantime.
    void rearm(SocketId id);

    /// Adds `transmit` to the batch; its bytes stay borrowed until `flush`. Datagrams leave in the
    /// order of these calls, whichever sockets they name, at the latest with `flush`.
    void send(const Transmit& transmit);
    void flush();

    [[nodiscard]] SocketTotals totals() const;

  private:
    struct Entry {
        Entry(asio::io_context& io, UdpSocket opened);
        ~Entry();
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;

        UdpSocket socket;
        asio::posix::stream_descriptor watcher;
    };

    asio::io_context& io_;
    std::function<void(SocketId)> on_readable_;
    std::map<SocketId, Entry> entries_;
    ReceiveArena receive_arena_;
    SendBatch send_batch_;
    /// Whose datagrams `send_batch_` holds, when it is not empty.
    SocketId batch_owner_;
    SocketTotals closed_totals_;
};

}  // namespace pinhole::net
