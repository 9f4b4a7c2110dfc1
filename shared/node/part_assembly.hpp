// ENet datagrams that did not fit their path, in pieces: how they are cut, and how they are put
// together again.
//
// `count_parts` and `piece_of` cut one that leaves. `PartAssembly`, one per peer, collects those
// that arrive: at most `kPartialsMax` datagrams at a time, 77 KiB, each for 2 s; the oldest makes
// room. It believes no order, no repetition and no sizes, and needs no clock of its own. What is
// lost is lost: ENet repeats it.
#pragma once

#include <optional>
#include <vector>

#include "shared/base/bytes.hpp"
#include "shared/base/counters.hpp"
#include "shared/base/datagram.hpp"
#include "shared/base/time.hpp"
#include "shared/wire/peer_frame.hpp"
#include "shared/wire/transport.hpp"

namespace pinhole::node {

/// Tag, id, index and count, in front of each piece.
inline constexpr std::size_t kPartHeader = 1 + 2 + 1 + 1;
/// Nobody sends a longer piece: what does not fit the least path is cut for that one.
inline constexpr std::size_t kPieceMax = kUdpPayloadMax - wire::kTransportOverhead - kPartHeader;
/// Incomplete datagrams of one peer at a time.
inline constexpr std::size_t kPartialsMax = 16;
/// After so long the rest is not coming any more (protocol, Sizes).
inline constexpr Duration kPartialLifetime = 2s;

/// How many pieces a datagram of `size` bytes makes when a frame may be so long at most; 0 when
/// that would be more than `wire::kPartsMax`.
[[nodiscard]] std::size_t count_parts(std::size_t size, std::size_t frame_max);
/// Piece `index` of `count` of this datagram, all of one size but the last.
[[nodiscard]] Bytes piece_of(Bytes datagram, std::size_t index, std::size_t count);

class PartAssembly {
  public:
    /// `drops` must outlive this. It counts kBadLength for a piece that is too long, kBadField for
    /// one that contradicts the others, kStale for one that is here already and for a datagram
    /// that stayed incomplete, kLimit for one that made room.
    explicit PartAssembly(DropCounters& drops) : drops_(drops) {}

    /// A part that arrived. The whole datagram when this completes one, valid until the next call.
    [[nodiscard]] std::optional<Bytes> add(Instant now, const wire::Part& part);
    /// Another process of the peer numbers anew.
    void clear() { partials_.clear(); }
    [[nodiscard]] std::size_t incomplete() const { return partials_.size(); }

  private:
    struct Partial {
        /// Smaller is older.
        std::uint64_t number = 0;
        std::uint16_t id = 0;
        std::uint8_t count = 0;
        Instant since{};
        std::array<std::size_t, wire::kPartsMax> sizes{};
        std::array<std::byte, wire::kPartsMax * kPieceMax> bytes;
    };

    [[nodiscard]] Partial& find_or_make(Instant now, const wire::Part& part);
    [[nodiscard]] Bytes complete(Partial& partial);
    void forget_old(Instant now);

    DropCounters& drops_;
    std::uint64_t next_number_ = 0;
    std::vector<Partial> partials_;
    std::array<std::byte, wire::kPartsMax * kPieceMax> whole_;
};

}  // namespace pinhole::node
