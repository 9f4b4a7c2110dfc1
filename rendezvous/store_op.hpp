// What the server asks its store to remember: which key owns which id.
//
// The store is the driver's business: the server says `StoreOp` by an event and hears of a claim's
// fate through `Server::handle_stored`. Only claims are answered, because only they are waited for.
#pragma once

#include <variant>

#include "shared/base/time.hpp"
#include "shared/crypto/keys.hpp"
#include "shared/wire/id.hpp"

namespace pinhole::rendezvous {

/// `id` belongs to `key` from now on; replaces an older owner, whose 30 days are over.
struct Claim {
    wire::Id id;
    crypto::PublicKey key;
    WallTime at;

    friend bool operator==(const Claim&, const Claim&) = default;
};

/// The owner of `id` proved itself again. At most once a day for each id.
struct Touch {
    wire::Id id;
    WallTime at;

    friend bool operator==(const Touch&, const Touch&) = default;
};

/// `id` belongs to nobody any more.
struct Unclaim {
    wire::Id id;

    friend bool operator==(const Unclaim&, const Unclaim&) = default;
};

using StoreOp = std::variant<Claim, Touch, Unclaim>;

/// What became of a claim.
struct StoreResult {
    Claim claim;
    /// True once it would survive a crash.
    bool stored = false;
};

/// One owned id, as the store hands it back at the start.
struct StoredBinding {
    wire::Id id;
    crypto::PublicKey key;
    WallTime first_seen;
    WallTime last_proof;

    friend bool operator==(const StoredBinding&, const StoredBinding&) = default;
};

}  // namespace pinhole::rendezvous
