// IP packets in pieces, as kernels send and expect them: RFC 791 3.2 and RFC 8200 4.5.
//
// Inside the virtual internet a packet is always whole and only remembers the size of its pieces
// (`lab::Packet::fragment_size`); here they are put together when a machine sends them, and made
// when a machine receives them.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "tests/vnet/ip_packet.hpp"

namespace pinhole::vnet {

/// Packets that may be incomplete at a time; one more pushes out the oldest.
inline constexpr std::size_t kIncompleteMax = 32;

/// The packet as bytes, in as many pieces as it travels in; `id` tells them from those of others.
[[nodiscard]] std::vector<ByteVector> write_pieces(const lab::Packet& packet, std::uint32_t id);

/// Puts the fragments that one machine sends together.
class Reassembly {
  public:
    struct Whole {
        ByteVector packet;
        /// Of the largest piece.
        std::size_t fragment_size = 0;
    };

    /// Is this a fragment? Any input is fine.
    [[nodiscard]] static bool concerns(Bytes raw);
    /// Takes a fragment; the whole packet if it was the last one missing. Any input is fine; what
    /// makes no sense is forgotten.
    [[nodiscard]] std::optional<Whole> add(Bytes raw);

  private:
    struct Incomplete {
        ByteVector key;  ///< addresses, protocol and identification
        std::map<std::size_t, ByteVector> pieces;
        ByteVector header;  ///< of the first one
        std::size_t size = 0;
        std::size_t fragment_size = 0;
    };

    [[nodiscard]] Incomplete& place_for(const ByteVector& key);

    std::deque<Incomplete> incomplete_;
};

}  // namespace pinhole::vnet
