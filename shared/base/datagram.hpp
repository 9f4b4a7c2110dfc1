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

#include <memory>
#include <optional>
#include <vector>

#include "shared/base/bytes.hpp"
#include "shared/base/endpoint.hpp"

namespace pinhole {

/// RFC 8200 5: every IPv6 link carries 1280 bytes; less 40 for IPv6 and 8 for UDP. The largest
/// UDP payload we send to a path that was not found to carry more.
inline constexpr std::size_t kUdpPayloadMax = 1232;
/// No path is asked for more. ENet's datagrams have at most 4096 bytes, so larger ones would stay
/// empty; jumbo frames and the loopback carry it.
inline constexpr std::size_t kUdpPayloadProbed = 4096;

/// A datagram that arrived. Borrowed for the length of one call.
struct Datagram {
    Path path;
    Bytes bytes;
};

/// A datagram, or a run of equal-size datagrams to one path, that wants to leave.
/// Borrowed: valid until the next non-const call, other than `poll_transmit`, on the object that
/// handed it out. A whole batch can so be sent from where it stands.
struct Transmit {
    Path path;
    Bytes bytes;
    /// IP TTL or hop limit, when it is not the system's default.
    std::optional<std::uint8_t> ttl{};
    /// Explicit congestion notification bits (RFC 3168).
    std::uint8_t ecn = 0;
    /// For a run: the size of each datagram but the last, which may be shorter. 0 = `bytes` is one
    /// datagram.
    std::uint16_t segment_size = 0;
};

/// A run is at most so long: linux/udp.h, UDP_MAX_SEGMENTS of the kernels that have the least, and
/// the largest payload of one UDP datagram over IPv4.
inline constexpr std::size_t kRunDatagramsMax = 64;
inline constexpr std::size_t kRunBytesMax = 65'507;

/// How many datagrams a run of `size` bytes is.
[[nodiscard]] constexpr std::size_t count_datagrams(std::size_t size, std::size_t segment_size) {
    return segment_size == 0 || size == 0 ? 1 : (size + segment_size - 1) / segment_size;
}

/// Calls `visit(Bytes)` for each datagram of a run, in order; for one datagram once.
template <class Visit>
void for_each_datagram(Bytes run, std::size_t segment_size, Visit visit) {
    while (segment_size != 0 && run.size() > segment_size) {
        visit(run.first(segment_size));
        run = run.subspan(segment_size);
    }
    visit(run);
}

/// A bounded first-in-first-out queue of outgoing datagrams that owns their bytes. Datagrams that
/// follow each other to one path form a run as long as their sizes allow it. After the queue has
/// grown to its working size it allocates no more, and what was popped stays where it is until
/// something new joins.
class TransmitQueue {
  public:
    /// At most `limit` datagrams wait at a time.
    explicit TransmitQueue(std::size_t limit) : limit_(limit) {}

    /// Room for a datagram of up to `size` bytes (at most `kBlockBytes`) at the end of the queue,
    /// to be written where it will leave from. Lent until the next `commit`, `push` or `reserve`.
    [[nodiscard]] MutableBytes reserve(std::size_t size);

    /// What `head` says leaves; its bytes are one datagram and stand at the beginning of the room
    /// that was reserved last. False, and nothing queued, when the queue is full: the caller counts
    /// that.
    [[nodiscard]] bool commit(const Transmit& head);

    /// A copy of `transmit`, which may be a run, joins the queue. False, and nothing queued, when
    /// it is too full for all of it.
    [[nodiscard]] bool push(const Transmit& transmit);

    /// The oldest datagram or run; its bytes stay valid until the next `reserve` or `push`.
    [[nodiscard]] std::optional<Transmit> pop();

    [[nodiscard]] bool empty() const { return runs_ == 0; }
    /// Datagrams, however many runs they form.
    [[nodiscard]] std::size_t size() const { return datagrams_; }

    /// Datagrams stand one after the other in blocks of this size, which no run crosses: what has
    /// no room in a full run begins the next one.
    static constexpr std::size_t kBlockBytes = kRunBytesMax;

  private:
    struct Run {
        Transmit transmit;
        std::size_t datagrams = 0;
        /// Where its bytes are; blocks are freed in the order of runs.
        const std::byte* block = nullptr;
    };
    using Block = std::unique_ptr<std::byte[]>;

    [[nodiscard]] bool joins(const Run& last, const Transmit& next) const;
    [[nodiscard]] Run& run_at(std::size_t index) { return ring_[(head_ + index) % ring_.size()]; }
    [[nodiscard]] std::byte* tail() const {
        return blocks_[(first_block_ + blocks_used_ - 1) % blocks_.size()].get() + tail_used_;
    }
    void free_popped_blocks();
    void take_block();
    void grow();

    std::size_t limit_;
    std::vector<Run> ring_;
    std::size_t head_ = 0;
    std::size_t runs_ = 0;
    std::size_t datagrams_ = 0;
    /// A ring too: `blocks_used_` of them from `first_block_` on hold datagrams.
    std::vector<Block> blocks_;
    std::size_t first_block_ = 0;
    std::size_t blocks_used_ = 0;
    std::size_t tail_used_ = 0;
};

}  // namespace pinhole
