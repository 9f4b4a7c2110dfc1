// The operating system as ENet sees it: slots instead of sockets, a number instead of a clock.
//
// ENet reaches the system through a handful of C functions (its unix.c). enet_platform.cpp defines
// all of them, so a program that links both gets ours: an ENet "socket" is then a slot, what it
// sends lands in the slot's outbox, what it receives was offered to the slot's inbox, and its time
// is the last `set_enet_time`. No function fails, waits or enters the kernel.
//
// The slot functions below stand in the same translation unit as the C functions on purpose:
// whoever uses a slot pulls in the whole override, from a static archive too. When the override
// still loses (ENet linked with -Bsymbolic, or our symbols hidden), ENet silently opens a real,
// plaintext socket; `is_ours` tells, and `EnetHost` refuses to start.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "shared/base/bytes.hpp"
#include "shared/base/tagged.hpp"
#include "shared/reliable/enet_host.hpp"
#include "shared/reliable/enet_queue.hpp"

namespace pinhole::reliable {

/// The first slot's number, in the place of a file descriptor: far above any real one.
inline constexpr int kFirstSlotNumber = 0x50480000;

/// Slots of one process at a time.
inline constexpr int kSlotsMax = 0x10000;

/// Datagrams that wait in one outbox; further ones are lost, as on a wire.
inline constexpr std::size_t kOutboxDatagramsMax = 16384;

/// One datagram of ENet's, plaintext, behind `kEnetHeadroom` bytes of room.
struct SlotDatagram {
    VirtualAddress to;
    /// Within the storage, which only ever grows.
    MutableBytes bytes;
    ByteVector storage;
};

/// What one ENet host has in the place of a socket. Created and destroyed by ENet.
class EnetSlot {
  public:
    /// Lends ENet the next datagram to receive; a former one that was not taken is forgotten.
    void offer(VirtualAddress from, Bytes datagram) {
        inbox_from_ = from;
        inbox_ = datagram;
    }

    /// Ends the loan of `offer`.
    void withdraw() { inbox_ = {}; }

    /// The offered datagram, once; empty when there is none.
    [[nodiscard]] Bytes take_offered() { return std::exchange(inbox_, Bytes{}); }
    [[nodiscard]] VirtualAddress offered_from() const { return inbox_from_; }

    /// Room for an outgoing datagram of `size` bytes; nothing when the outbox is full.
    [[nodiscard]] std::optional<MutableBytes> claim_outgoing(VirtualAddress to, std::size_t size);

    /// The oldest outgoing datagram, or null; valid until ENet sends the next.
    [[nodiscard]] const SlotDatagram* take_outgoing() {
        if (outbox_.empty()) return nullptr;
        new_ = std::min(new_, outbox_.size() - 1);
        return &outbox_.pop();
    }

    /// Calls `visit(to, bytes)` for each datagram that ENet sent since the last call, in order.
    template <class Visit>
    void visit_new(Visit visit) {
        for (std::size_t i = outbox_.size() - new_; i < outbox_.size(); ++i) {
            visit(outbox_[i].to, Bytes{outbox_[i].bytes});
        }
        new_ = 0;
    }

    /// Forgets what waits for `to`. All was visited before.
    void discard_outgoing(VirtualAddress to) {
        outbox_.erase_if([to](const SlotDatagram& waiting) { return waiting.to == to; });
        new_ = std::min(new_, outbox_.size());
    }

  private:
    VirtualAddress inbox_from_;
    Bytes inbox_;
    ReusingQueue<SlotDatagram> outbox_;
    /// How many of these nobody has visited yet.
    std::size_t new_ = 0;
};

/// True when `socket` is the number of a living slot of ours.
[[nodiscard]] bool is_ours(int socket);

/// The slot with this number, which must be ours. Lives until ENet destroys its socket.
[[nodiscard]] EnetSlot& slot_of(int socket);

/// What ENet's clock shows from now on, to whichever host is called next: `enet_time_get` has no
/// argument that could say which host asks.
void set_enet_time(std::uint32_t milliseconds);

}  // namespace pinhole::reliable
