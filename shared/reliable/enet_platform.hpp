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

/// Datagrams that wait in one inbox: fewer than ENet receives in one go, which is 256, and few
/// enough to stay in the processor's cache until it does.
inline constexpr std::size_t kInboxDatagramsMax = 64;

/// One datagram of ENet's, plaintext, behind `kEnetHeadroom` bytes of room.
struct SlotDatagram {
    /// Whom it goes to or comes from.
    VirtualAddress peer;
    /// Within the storage, which only ever grows.
    MutableBytes bytes;
    ByteVector storage;
};

/// What one ENet host has in the place of a socket. Created and destroyed by ENet.
class EnetSlot {
  public:
    /// Keeps a copy of a datagram until ENet receives it.
    void offer(VirtualAddress from, Bytes datagram);
    /// How many ENet has not received yet.
    [[nodiscard]] std::size_t offered() const { return inbox_.size(); }
    /// The oldest of them that is no longer than `size_max`, which is received with this; valid
    /// until the next `offer`. Longer ones are forgotten. Null after the last.
    const SlotDatagram* take_offered(std::size_t size_max) {
        received_ = nullptr;
        while (received_ == nullptr && !inbox_.empty()) {
            const SlotDatagram& oldest = inbox_.pop();
            if (oldest.bytes.size() <= size_max) received_ = &oldest;
        }
        return received_;
    }
    /// What the last `take_offered` took, or null.
    [[nodiscard]] const SlotDatagram* received() const { return received_; }

    /// Room for an outgoing datagram of `size` bytes; nothing when the outbox is full.
    [[nodiscard]] std::optional<MutableBytes> claim_outgoing(VirtualAddress to, std::size_t size);

    /// The oldest outgoing datagram, or null; valid until ENet sends the next.
    [[nodiscard]] const SlotDatagram* take_outgoing() {
        if (outbox_.empty()) return nullptr;
        new_ = std::min(new_, outbox_.size() - 1);
        return &outbox_.pop();
    }

    /// ENet sent something since `visit_new`.
    [[nodiscard]] bool has_new() const { return new_ > 0; }
    /// Calls `visit(to, bytes)` for each datagram that ENet sent since the last call, in order.
    template <class Visit>
    void visit_new(Visit visit) {
        for (std::size_t i = outbox_.size() - new_; i < outbox_.size(); ++i) {
            visit(outbox_[i].peer, Bytes{outbox_[i].bytes});
        }
        new_ = 0;
    }

    /// Forgets what waits for `to`. All was visited before.
    void discard_outgoing(VirtualAddress to) {
        outbox_.erase_if([to](const SlotDatagram& waiting) { return waiting.peer == to; });
        new_ = std::min(new_, outbox_.size());
    }

  private:
    ReusingQueue<SlotDatagram> inbox_;
    const SlotDatagram* received_ = nullptr;
    ReusingQueue<SlotDatagram> outbox_;
    /// How many of these nobody has visited yet.
    std::size_t new_ = 0;
};

/// True when `socket` is the number of a living slot of ours.
[[nodiscard]] bool is_ours(int socket);

/// The slot with this number, which must be ours. Lives until ENet destroys its socket.
[[nodiscard]] EnetSlot& slot_of(int socket);

/// From now on ENet's memory is ours (enet_memory.hpp). To be called before the first host is made.
void use_own_memory();

/// How often ENet's memory came from the system, and how many bytes all hosts hold.
[[nodiscard]] std::uint64_t enet_allocations();
[[nodiscard]] std::size_t enet_bytes_in_use();

/// What ENet's clock shows from now on, to whichever host is called next: `enet_time_get` has no
/// argument that could say which host asks.
void set_enet_time(std::uint32_t milliseconds);

}  // namespace pinhole::reliable
