// Which counters of one epoch were seen: the sliding window of RFC 6479, with 64-bit blocks.
//
// A counter is fresh when it is new, and at most `Bits` behind the greatest one marked. Asking
// (`would_accept`) comes before the datagram is opened, marking after it proved genuine.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace pinhole::crypto {

/// `Bits` is how far behind the greatest counter a fresh one may be; a multiple of the block size.
template <std::size_t Bits>
class ReplayWindow {
  public:
    /// How far behind the greatest counter a fresh one may be.
    static constexpr std::uint64_t kReach = Bits;

    /// False for a counter that was marked, or is too old to tell. 2^64 - 1 is reserved by Noise
    /// and never accepted.
    [[nodiscard]] bool would_accept(std::uint64_t counter) const {
        if (counter == std::numeric_limits<std::uint64_t>::max()) return false;
        if (counter >= next_) return true;
        if (next_ - 1 - counter > Bits) return false;
        return (block(counter) & bit(counter)) == 0;
    }

    /// Remembers `counter`, which `would_accept` must have let through.
    void mark(std::uint64_t counter) {
        assert(would_accept(counter));
        if (counter >= next_) advance_to(counter);
        block(counter) |= bit(counter);
    }

  private:
    static constexpr std::size_t kBlockBits = 64;
    // RFC 6479 2: one block more than the window, because the newest block is partly unused.
    static constexpr std::size_t kBlocks = Bits / kBlockBits + 1;
    static_assert(Bits > 0 && Bits % kBlockBits == 0);

    static constexpr std::uint64_t bit(std::uint64_t counter) {
        return std::uint64_t{1} << (counter % kBlockBits);
    }
    [[nodiscard]] std::uint64_t block(std::uint64_t counter) const {
        return blocks_[counter / kBlockBits % kBlocks];
    }
    [[nodiscard]] std::uint64_t& block(std::uint64_t counter) {
        return blocks_[counter / kBlockBits % kBlocks];
    }

    /// Makes `counter` the greatest and forgets the blocks that fell out of the window.
    void advance_to(std::uint64_t counter) {
        const std::uint64_t newest = next_ == 0 ? 0 : (next_ - 1) / kBlockBits;
        const std::uint64_t distance = counter / kBlockBits - newest;
        const std::uint64_t stale = std::min<std::uint64_t>(distance, kBlocks);
        for (std::uint64_t i = 1; i <= stale; ++i) blocks_[(newest + i) % kBlocks] = 0;
        next_ = counter + 1;
    }

    std::array<std::uint64_t, kBlocks> blocks_{};
    /// The greatest counter marked, plus one; 0 while there is none.
    std::uint64_t next_ = 0;
};

/// Between peers: 8192 bits in all, as WireGuard has; ten thousand datagrams may be in flight.
using PeerReplayWindow = ReplayWindow<8128>;
/// A server session exchanges a few datagrams a minute, and there are a million of them.
using ServerReplayWindow = ReplayWindow<128>;

}  // namespace pinhole::crypto
