// Whom a receiver index leads to: a peer's session or attempt, or the server's.
#pragma once

#include "shared/node/config.hpp"
#include "shared/session/session_table.hpp"

namespace pinhole::node {

/// Which of a link's things an index names is the link's business: there are never more than a few.
struct IndexOwner {
    /// The server when empty.
    std::optional<PeerNumber> peer;
};

using IndexTable = session::SessionTable<IndexOwner>;

/// Sessions, epochs and attempts of every peer together.
inline constexpr std::size_t kIndicesMax = 4096;

}  // namespace pinhole::node
