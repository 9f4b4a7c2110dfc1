// What crosses the edge between the core and the world: `Datagram` in, `Transmit` out.
//
// Everything above the socket has the same five verbs:
//
//     void handle_datagram(Instant now, const Datagram& in);
//     void handle_timeout(Instant now);
//     std::optional<Transmit> poll_transmit();
//     std::optional<Event>    poll_event();
//     Instant                 next_timeout() const;
//
// One mutation, then drain both polls until they are empty, then sleep until `next_timeout`.
#pragma once

#include <optional>
#include <vector>

#include "shared/base/bytes.hpp"
#include "shared/base/endpoint.hpp"

namespace pinhole {

/// RFC 8200 5: every IPv6 link carries 1280 bytes; less 40 for IPv6 and 8 for UDP. The largest
/// UDP payload we send until path MTU discovery says more.
inline constexpr std::size_t kUdpPayloadMax = 1232;

/// A datagram that arrived. Borrowed for the length of one call.
struct Datagram {
    Path path;
    Bytes bytes;
};

/// A datagram, or a run of equal-size datagrams to one path, that wants to leave.
/// Borrowed: valid until the next non-const call on the object that handed it out.
struct Transmit {
    Path path;
    Bytes bytes;
    /// IP TTL or hop limit, when it is not the system's default.
    std::optional<std::uint8_t> ttl{};
    /// Explicit congestion notification bits (RFC 3168).
    std::uint8_t ecn = 0;
    /// For a run: the size of each datagram but the last. 0 = `bytes` is one datagram.
    std::uint16_t segment_size = 0;
};

/// A bounded first-in-first-out queue of outgoing datagrams that reuses its storage: after it has
/// grown to its working size it allocates no more.
class TransmitQueue {
  public:
    /// At most `limit` datagrams wait at a time.
    explicit TransmitQueue(std::size_t limit) : limit_(limit) {}

    /// A copy of `transmit` joins the queue. False, and nothing queued, when it is full: the
    /// caller counts that.
    [[nodiscard]] bool push(const Transmit& transmit);

    /// The oldest one; its bytes stay valid until the next `push` or `pop`.
    [[nodiscard]] std::optional<Transmit> pop();

    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] std::size_t size() const { return count_; }

  private:
    struct Slot {
        Transmit transmit;
        ByteVector storage;
    };

    void grow();

    std::size_t limit_;
    std::vector<Slot> ring_;
    std::size_t head_ = 0;
    std::size_t count_ = 0;
};

}  // namespace pinhole
