// An owned id, and the name of the client that speaks for it.
#pragma once

#include "shared/base/tagged.hpp"
#include "shared/base/time.hpp"
#include "shared/crypto/mac.hpp"
#include "shared/wire/id.hpp"

namespace pinhole::rendezvous {

/// The server's own name of a client: greater for each that comes, never used twice.
using ClientId = Tagged<struct ClientIdTag, std::uint64_t>;
/// Stands for "no client".
inline constexpr ClientId kNobody{0};

/// One owned id. Stays where it is until it is forgotten.
struct Binding {
    wire::Id id;
    /// A keyed digest of the owner's key, which none but the registry can make or compare: half as
    /// long as the key, and as hard to meet by chance or on purpose.
    crypto::Mac16 owner{};
    /// False while the store has not confirmed the claim yet.
    bool is_stored = false;
    /// Of the id, and the next binding in the same chain.
    std::uint32_t hash = 0;
    std::uint32_t next = 0;
    /// Seconds of wall time, up to the year 2106.
    std::uint32_t last_proof_s = 0;
    /// The client that is registered under the id, or `kNobody`.
    ClientId online = kNobody;

    [[nodiscard]] WallTime last_proof() const {
        return WallTime{std::chrono::seconds{last_proof_s}};
    }
};
// A million of them, with all that surrounds each, are to fit into 400 MiB.
static_assert(sizeof(Binding) <= 72);

}  // namespace pinhole::rendezvous
