// A non-blocking UDP socket of one address family that moves datagrams in batches.
//
// Owns its descriptor and its counters; the buffers (`ReceiveArena`, `SendBatch`) are lent by the
// caller, so that hundreds of sockets share one of each. IPv6 sockets are V6ONLY. Datagrams always
// leave with "don't fragment" and without the kernel's opinion of the path MTU, because path MTU
// probing is the core's business and an ICMP message from anybody must not shrink it. A send that
// fails is a datagram that the network lost: counted, never an error.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <system_error>

#include "shared/base/counters.hpp"
#include "shared/base/datagram.hpp"
#include "shared/base/io.hpp"
#include "shared/base/result.hpp"
#include "shared/net/unique_fd.hpp"

namespace pinhole::net {

/// How many datagrams one system call moves at most.
inline constexpr std::size_t kBatchDatagrams = 32;
/// The largest datagram that is received whole. A longer one is dropped: nothing of ours exceeds
/// an Ethernet frame.
inline constexpr std::size_t kReceiveBytesMax = 2048;

/// Why the socket lost a datagram. Each has a counter.
enum class SocketDrop : std::uint8_t {
    kTruncated,  ///< received, but longer than `kReceiveBytesMax`
    kQueueFull,  ///< EAGAIN or ENOBUFS: the kernel's or the device's queue was full
    kTooBig,     ///< EMSGSIZE: larger than the interface can carry unfragmented
    kRefused,    ///< no route, a local firewall, an address that cannot be sent to
    kCount
};

/// One received datagram; `bytes` borrow from the arena until its next use.
struct Received {
    Endpoint remote;
    Bytes bytes;
};

/// Buffers for one batch of incoming datagrams. Allocates once, when made.
class ReceiveArena {
  public:
    ReceiveArena();
    ~ReceiveArena();
    ReceiveArena(ReceiveArena&&) noexcept;
    ReceiveArena& operator=(ReceiveArena&&) noexcept;

  private:
    friend class UdpSocket;
    struct Storage;
    std::unique_ptr<Storage> storage_;
};

/// Copies of outgoing datagrams until a socket sends them. Allocates once, when made.
class SendBatch {
  public:
    SendBatch();
    ~SendBatch();
    SendBatch(SendBatch&&) noexcept;
    SendBatch& operator=(SendBatch&&) noexcept;

    [[nodiscard]] bool empty() const;

  private:
    friend class UdpSocket;
    struct Storage;
    std::unique_ptr<Storage> storage_;
};

class UdpSocket {
  public:
    /// Binds to `bind` (its family decides the socket's; port 0 lets the system choose). Throws
    /// std::system_error, whose text names the endpoint.
    [[nodiscard]] static UdpSocket open(const Endpoint& bind);
    /// The same for callers that treat failure as a value.
    [[nodiscard]] static Result<UdpSocket, std::error_code> try_open(const Endpoint& bind);

    /// What the socket is bound to: the address may be unspecified, the port is real.
    [[nodiscard]] const Endpoint& local() const { return local_; }
    /// For a reactor to wait on; stays owned by the socket.
    [[nodiscard]] int fd() const { return fd_.get(); }

    /// Up to `kBatchDatagrams` datagrams that wait in the kernel; empty when none do. The result
    /// and its bytes borrow from `arena` until its next use.
    [[nodiscard]] std::span<const Received> receive(ReceiveArena& arena);

    /// Adds `transmit` to `batch`, as separate datagrams when it is a run, and sends whenever the
    /// batch is full. `transmit.path.socket` is the caller's business.
    void enqueue(SendBatch& batch, const Transmit& transmit);
    /// Sends what `batch` holds and empties it.
    void flush(SendBatch& batch);

    /// Reports ICMP errors that answered datagrams of this socket; `destination` is where the
    /// datagram was sent. At most `kIcmpErrorsPerTurn` in one call.
    void drain_errors(
        const std::function<void(const Endpoint& destination, IcmpError::Kind kind)>& report);

    [[nodiscard]] const Traffic& received() const { return received_; }
    [[nodiscard]] const Traffic& sent() const { return sent_; }
    [[nodiscard]] const Counters<SocketDrop>& drops() const { return drops_; }

  private:
    UdpSocket(UniqueFd fd, const Endpoint& local) : fd_(std::move(fd)), local_(local) {}

    void enqueue_one(SendBatch& batch, const Transmit& transmit, Bytes bytes);

    UniqueFd fd_;
    Endpoint local_;
    Traffic received_;
    Traffic sent_;
    Counters<SocketDrop> drops_;
};

/// The bound on `UdpSocket::drain_errors`; the rest waits for the next turn.
inline constexpr std::size_t kIcmpErrorsPerTurn = 64;

}  // namespace pinhole::net
