// A non-blocking UDP socket of one address family that moves datagrams in batches.
//
// Owns its descriptor and its counters; the arena and the batch (`ReceiveArena`, `SendBatch`) are
// lent by the caller, so that hundreds of sockets share one of each. Runs of equal-size datagrams
// pass as one message in both directions where the kernel can do that (`udp_transfer.cpp`). IPv6
// sockets are V6ONLY. Datagrams always leave with "don't fragment" and without the kernel's opinion
// of the path MTU, because path MTU probing is the core's business and an ICMP message from anybody
// must not shrink it. A send that fails is a datagram that the network lost: counted, never an
// error.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

#include "shared/base/counters.hpp"
#include "shared/base/datagram.hpp"
#include "shared/base/io.hpp"
#include "shared/base/result.hpp"
#include "shared/net/unique_fd.hpp"

struct mmsghdr;
struct msghdr;

namespace pinhole::net {

/// How many messages one system call moves at most; each is a datagram or a run.
inline constexpr std::size_t kBatchDatagrams = 32;
/// The largest datagram that is received whole. A longer one is dropped: none of ours is.
inline constexpr std::size_t kReceiveBytesMax = kUdpPayloadProbed;

/// Why the socket lost a datagram. Each has a counter.
enum class SocketDrop : std::uint8_t {
    kTruncated,  ///< received, but longer than `kReceiveBytesMax`
    kQueueFull,  ///< EAGAIN or ENOBUFS: the kernel's or the device's queue was full
    kTooBig,     ///< EMSGSIZE: larger than the interface can carry unfragmented
    kRefused,    ///< no route, a local firewall, an address that cannot be sent to
    kCount
};

/// One received datagram, or a run of them; `bytes` borrow from the arena until its next use.
struct Received {
    Endpoint remote;
    Bytes bytes;
    /// As in `Transmit`: not 0 for a run, see `for_each_datagram`.
    std::uint16_t segment_size = 0;
};

/// Buffers for one batch of incoming datagrams. Allocates once, when made: 2 MiB of address space,
/// of which only what arrives is ever touched.
class ReceiveArena {
  public:
    ReceiveArena();
    ~ReceiveArena();
    ReceiveArena(ReceiveArena&&) noexcept;
    ReceiveArena& operator=(ReceiveArena&&) noexcept;

    /// The last batch brought all that it could: more may wait.
    [[nodiscard]] bool is_filled() const;

  private:
    friend class UdpSocket;
    struct Storage;
    std::unique_ptr<Storage> storage_;
};

/// Outgoing datagrams until a socket sends them; their bytes are borrowed until then. Allocates
/// once, when made.
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
    /// What the system granted of the 4 MiB that each socket asks for, in its own count
    /// (SO_RCVBUF, socket(7): twice what was asked, with room for bookkeeping).
    [[nodiscard]] std::size_t receive_buffer() const;
    /// For a reactor to wait on; stays owned by the socket.
    [[nodiscard]] int fd() const { return fd_.get(); }

    /// Up to `kBatchDatagrams` datagrams or runs that wait in the kernel, about 256 KiB at most;
    /// empty when none do. The result and its bytes borrow from `arena` until its next use.
    [[nodiscard]] std::span<const Received> receive(ReceiveArena& arena);

    /// Adds `transmit` to `batch` and sends whenever the batch is full. Its bytes stay borrowed
    /// until `flush`. `transmit.path.socket` is the caller's business.
    void enqueue(SendBatch& batch, const Transmit& transmit);
    /// Sends what `batch` holds and empties it.
    void flush(SendBatch& batch);

    /// Reports ICMP errors that answered datagrams of this socket; `destination` is where the
    /// datagram was sent. At most `kIcmpErrorsPerTurn` in one call.
    void drain_errors(
        const std::function<void(const Endpoint& destination, IcmpError::Kind kind)>& report);

    /// The kernel reported an error since `drain_errors` found no more of them. Without one there
    /// is nothing to drain.
    [[nodiscard]] bool may_have_errors() const { return may_have_errors_; }

    /// A run leaves as one message. False where the kernel cannot or refused it once; each of its
    /// datagrams then leaves by itself.
    [[nodiscard]] bool sends_runs() const { return sends_runs_; }

    [[nodiscard]] const Traffic& received() const { return received_; }
    [[nodiscard]] const Traffic& sent() const { return sent_; }
    [[nodiscard]] const Counters<SocketDrop>& drops() const { return drops_; }

  private:
    struct Run {
        Bytes bytes;
        std::uint16_t segment_size = 0;
    };

    UdpSocket(UniqueFd fd, const Endpoint& local);

    /// What of an arrived message is not too long; nothing when all of it is.
    [[nodiscard]] std::optional<Run> admit(Bytes run, std::size_t segment_size);
    void enqueue_message(SendBatch& batch, const Transmit& head, const Run& run);
    void send_all(std::span<mmsghdr> messages);
    /// Sends a run that the kernel refused as single datagrams, and remembers if they pass.
    void send_apart(const msghdr& run);

    UniqueFd fd_;
    Endpoint local_;
    bool sends_runs_ = false;
    bool may_have_errors_ = false;
    Traffic received_;
    Traffic sent_;
    Counters<SocketDrop> drops_;
};

/// The bound on `UdpSocket::drain_errors`; the rest waits for the next turn.
inline constexpr std::size_t kIcmpErrorsPerTurn = 64;

}  // namespace pinhole::net
