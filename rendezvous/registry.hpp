// Who owns which id, whether the owner is here or not, and which session speaks for it now.
//
// The key that first registered an id owns it, offline too, until 30 days after its last proof or
// until it is released. Knows nothing of sessions beyond their names.
//
// Ids are chosen by strangers: their hash is keyed with a secret, so nobody can make the table
// slow, and the table is bounded. Chains run through the bindings themselves, which lie in a slab.
// Their number grows by one with each binding (linear hashing; Litwin, 1980): no registration waits
// until a table of a million has moved.
#pragma once

#include <vector>

#include "rendezvous/binding.hpp"
#include "rendezvous/limits.hpp"
#include "rendezvous/slab.hpp"
#include "rendezvous/store_op.hpp"
#include "shared/base/random.hpp"
#include "shared/base/segments.hpp"

namespace pinhole::rendezvous {

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

    explicit Registry(Random& random) : hash_key_(random.bytes<32>()) {}

    /// An id that the store knows. Counts as stored.
    void load(const StoredBinding& binding);

    [[nodiscard]] Standing standing(const wire::Id& id, const crypto::PublicKey& key,
                                    WallTime today) const;

    /// The id, which was `kFree`, is the key's from now on, to be confirmed.
    void begin_claim(const Claim& claim);
    /// The store answered. False when the claim is not waited for (any more). A claim that was not
    /// stored is forgotten.
    [[nodiscard]] bool finish_claim(const StoreResult& result);

    /// True once a day: the date of the last proof of `binding` is to be written.
    [[nodiscard]] bool touch(Binding& binding, WallTime today);

    /// The binding of `id`, or null. Valid until it is forgotten.
    [[nodiscard]] Binding* find(const wire::Id& id);
    [[nodiscard]] const Binding* find(const wire::Id& id) const;
    [[nodiscard]] bool is_owner(const Binding& binding, const crypto::PublicKey& key) const {
        return binding.owner == mark_of(key);
    }

    void set_online(Binding& binding, ClientId client);
    void set_offline(Binding& binding);
    /// Nobody may be registered under the id.
    void forget(const wire::Id& id);

    /// Every id that the store confirmed.
    [[nodiscard]] std::vector<wire::Id> stored_ids() const;

    [[nodiscard]] std::size_t online() const { return online_; }
    [[nodiscard]] std::size_t size() const { return bindings_.size(); }

  private:
    using Slot = Slab<Binding>::Slot;
    static constexpr Slot kEnd = ~Slot{0};
    static_assert(kBindingsMax < kEnd);

    [[nodiscard]] std::uint32_t hash_of(const wire::Id& id) const;
    [[nodiscard]] crypto::Mac16 mark_of(const crypto::PublicKey& key) const {
        return crypto::mac16(hash_key_, key.bytes());
    }
    /// There must be a chain.
    [[nodiscard]] std::size_t chain_of(std::uint32_t hash) const;
    [[nodiscard]] Slot slot_of(const wire::Id& id) const;
    /// The binding of `id`, made if there is none, as one that nobody is registered under.
    [[nodiscard]] Binding& renew(const wire::Id& id, const crypto::PublicKey& owner,
                                 WallTime last_proof);
    /// Adds a chain and moves there what belongs there, from one other chain.
    void add_chain();

    FixedBytes<32> hash_key_;
    Slab<Binding> bindings_;
    /// Where each chain begins.
    Segments<Slot, 4096> chains_;
    std::size_t online_ = 0;
};

}  // namespace pinhole::rendezvous
