#include "rendezvous/registry.hpp"

namespace pinhole::rendezvous {

void Registry::load(const StoredBinding& binding) {
    bindings_.insert_or_assign(binding.id, Binding{.key = binding.key,
                                                   .last_proof = binding.last_proof,
                                                   .online = kNobody,
                                                   .is_stored = true});
}

Registry::Standing Registry::standing(const wire::Id& id, const crypto::PublicKey& key,
                                      WallTime today) const {
    const Binding* binding = find(id);
    if (binding == nullptr) {
        return bindings_.size() < kBindingsMax ? Standing::kFree : Standing::kFull;
    }
    if (binding->key == key) return binding->is_stored ? Standing::kOwned : Standing::kPending;
    const bool is_abandoned = binding->online == kNobody && binding->is_stored &&
                              today - binding->last_proof > kOwnershipLifetime;
    return is_abandoned ? Standing::kFree : Standing::kTaken;
}

void Registry::begin_claim(const Claim& claim) {
    bindings_.insert_or_assign(
        claim.id,
        Binding{.key = claim.key, .last_proof = claim.at, .online = kNobody, .is_stored = false});
}

bool Registry::finish_claim(const StoreResult& result) {
    const auto found = bindings_.find(result.claim.id);
    if (found == bindings_.end() || found->second.is_stored ||
        found->second.key != result.claim.key) {
        return false;
    }
    found->second.is_stored = result.stored;
    if (!result.stored) bindings_.erase(found);
    return true;
}

bool Registry::touch(const wire::Id& id, WallTime today) {
    const auto found = bindings_.find(id);
    if (found == bindings_.end() || today - found->second.last_proof < kTouchInterval) return false;
    found->second.last_proof = today;
    return true;
}

const Binding* Registry::find(const wire::Id& id) const {
    const auto found = bindings_.find(id);
    return found == bindings_.end() ? nullptr : &found->second;
}

std::vector<wire::Id> Registry::stored_ids() const {
    std::vector<wire::Id> out;
    for (const auto& [id, binding] : bindings_) {
        if (binding.is_stored) out.push_back(id);
    }
    return out;
}

void Registry::set_online(const wire::Id& id, ClientId client) {
    Binding& binding = bindings_.at(id);
    if (binding.online == kNobody) ++online_;
    binding.online = client;
}

void Registry::set_offline(const wire::Id& id) {
    const auto found = bindings_.find(id);
    if (found == bindings_.end() || found->second.online == kNobody) return;
    found->second.online = kNobody;
    --online_;
}

void Registry::forget(const wire::Id& id) {
    set_offline(id);
    bindings_.erase(id);
}

}  // namespace pinhole::rendezvous
