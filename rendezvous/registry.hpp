// Who owns which id, whether the owner is here or not, and which session speaks for it now.
//
// The key that first registered an id owns it, offline too, until 30 days after its last proof or
// until it is released. Knows nothing of sessions beyond their names. Ids are chosen by strangers:
// the table is ordered, so nobody can make it slow, and bounded.
#pragma once

#include <map>
#include <vector>

#include "rendezvous/client.hpp"
#include "rendezvous/limits.hpp"
#include "rendezvous/store_op.hpp"

namespace pinhole::rendezvous {

struct Binding {
    crypto::PublicKey key;
    WallTime last_proof{};
    /// The client that is registered under the id, or `kNobody`.
    ClientId online = kNobody;
    /// False while the store has not confirmed the claim yet.
    bool is_stored = false;
};

class Registry {
  public:
    /// What a key's wish to have an id comes to.
    enum class Standing : std::uint8_t {
        kOwned,    ///< the id is the key's own, and stored
        kPending,  ///< the id will be the key's own when the store has confirmed it
        kFree,     ///< nobody's, or its owner has been away for too long
        kTaken,    ///< another key's
        kFull,     ///< free, but there is no room for another id
    };

    /// An id that the store knows. Counts as stored.
    void load(const StoredBinding& binding);

    [[nodiscard]] Standing standing(const wire::Id& id, const crypto::PublicKey& key,
                                    WallTime today) const;

    /// The id, which was `kFree`, is the key's from now on, to be confirmed.
    void begin_claim(const Claim& claim);
    /// The store answered. False when the claim is not waited for (any more). A claim that was not
    /// stored is forgotten.
    [[nodiscard]] bool finish_claim(const StoreResult& result);

    /// True once a day: the date of the last proof of `id` is to be written.
    [[nodiscard]] bool touch(const wire::Id& id, WallTime today);

    /// The binding of `id`, or null. Valid until the next non-const call.
    [[nodiscard]] const Binding* find(const wire::Id& id) const;

    void set_online(const wire::Id& id, ClientId client);
    void set_offline(const wire::Id& id);
    void forget(const wire::Id& id);

    /// Every id that the store confirmed.
    [[nodiscard]] std::vector<wire::Id> stored_ids() const;

    [[nodiscard]] std::size_t online() const { return online_; }
    [[nodiscard]] std::size_t size() const { return bindings_.size(); }

  private:
    std::map<wire::Id, Binding> bindings_;
    std::size_t online_ = 0;
};

}  // namespace pinhole::rendezvous
