// A look at an incoming ENet datagram before ENet gets it.
//
// ENet 1.3 trusts an authenticated peer more than we do. Two of its gaps let a peer fill our memory
// with almost no payload: commands with no payload are not counted against the waiting bytes, and a
// fragment may announce a million parts for a tiny message. `inspect` counts the one and refuses
// the other; everything else that is malformed ENet itself ignores.
#pragma once

#include "shared/base/bytes.hpp"
#include "shared/base/result.hpp"
#include "shared/reliable/enet_datagram.hpp"

namespace pinhole::reliable {

/// What stands in one datagram, as far as it is well-formed.
struct Inspection {
    /// The receiver's peer slot, or `kNoPeerId`.
    std::uint16_t peer_id = kNoPeerId;
    /// The datagram begins with a CONNECT.
    bool is_connect = false;
    /// Commands with payload that ENet may have to keep, and how many of them need no delivery.
    std::size_t data_commands = 0;
    std::size_t unreliable_commands = 0;
    std::size_t acknowledgements = 0;
};

/// Refuses what is too long for ENet, too short to hold a command, compressed (nobody here
/// compresses), a stranger's other than a CONNECT, or a fragment smaller than any honest one.
[[nodiscard]] Parsed<Inspection> inspect(Bytes datagram);

/// Copies `datagram` into `out`, which has at least its size, without its unreliable commands and
/// without what follows the well-formed part. The length of the copy.
[[nodiscard]] std::size_t copy_without_unreliable(Bytes datagram, MutableBytes out);

}  // namespace pinhole::reliable
