#include "rendezvous/registry.hpp"

#include <algorithm>
#include <bit>

namespace pinhole::rendezvous {
namespace {

std::uint32_t to_seconds(WallTime at) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
    return static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(seconds, 0, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

void Registry::load(const StoredBinding& binding) {
    renew(binding.id, binding.key, binding.last_proof).is_stored = true;
}

Registry::Standing Registry::standing(const wire::Id& id, const crypto::PublicKey& key,
                                      WallTime today) const {
    const Binding* binding = find(id);
    if (binding == nullptr) {
        return bindings_.size() < kBindingsMax ? Standing::kFree : Standing::kFull;
    }
    if (is_owner(*binding, key)) return binding->is_stored ? Standing::kOwned : Standing::kPending;
    const bool is_abandoned = binding->online == kNobody && binding->is_stored &&
                              today - binding->last_proof() > kOwnershipLifetime;
    return is_abandoned ? Standing::kFree : Standing::kTaken;
}

void Registry::begin_claim(const Claim& claim) {
    renew(claim.id, claim.key, claim.at).is_stored = false;
}

bool Registry::finish_claim(const StoreResult& result) {
    Binding* binding = find(result.claim.id);
    if (binding == nullptr || binding->is_stored || !is_owner(*binding, result.claim.key)) {
        return false;
    }
    binding->is_stored = result.stored;
    if (!result.stored) forget(result.claim.id);
    return true;
}

bool Registry::touch(Binding& binding, WallTime today) {
    if (today - binding.last_proof() < kTouchInterval) return false;
    binding.last_proof_s = to_seconds(today);
    return true;
}

Binding* Registry::find(const wire::Id& id) {
    const Slot slot = slot_of(id);
    return slot == kEnd ? nullptr : &bindings_[slot];
}

const Binding* Registry::find(const wire::Id& id) const {
    const Slot slot = slot_of(id);
    return slot == kEnd ? nullptr : &bindings_[slot];
}

std::vector<wire::Id> Registry::stored_ids() const {
    std::vector<wire::Id> out;
    bindings_.for_each([&](Slot, const Binding& binding) {
        if (binding.is_stored) out.push_back(binding.id);
    });
    std::ranges::sort(out);
    return out;
}

void Registry::set_online(Binding& binding, ClientId client) {
    if (binding.online == kNobody) ++online_;
    binding.online = client;
}

void Registry::set_offline(Binding& binding) {
    if (binding.online == kNobody) return;
    binding.online = kNobody;
    --online_;
}

void Registry::forget(const wire::Id& id) {
    const Slot slot = slot_of(id);
    if (slot == kEnd) return;
    assert(bindings_[slot].online == kNobody);
    Slot* link = &chains_[chain_of(bindings_[slot].hash)];
    while (*link != slot) link = &bindings_[*link].next;
    *link = bindings_[slot].next;
    bindings_.erase(slot);
}

std::uint32_t Registry::hash_of(const wire::Id& id) const {
    return Reader{crypto::mac16(hash_key_, as_bytes(id.text()))}.u32();
}

Registry::Slot Registry::slot_of(const wire::Id& id) const {
    if (chains_.empty()) return kEnd;
    const std::uint32_t hash = hash_of(id);
    Slot slot = chains_[chain_of(hash)];
    while (slot != kEnd && (bindings_[slot].hash != hash || bindings_[slot].id != id)) {
        slot = bindings_[slot].next;
    }
    return slot;
}

Binding& Registry::renew(const wire::Id& id, const crypto::PublicKey& owner, WallTime last_proof) {
    Slot slot = slot_of(id);
    if (slot == kEnd) {
        if (bindings_.size() >= chains_.size()) add_chain();
        const std::uint32_t hash = hash_of(id);
        Slot& chain = chains_[chain_of(hash)];
        slot = bindings_.emplace(Binding{.id = id, .hash = hash, .next = chain});
        chain = slot;
    }
    Binding& binding = bindings_[slot];
    assert(binding.online == kNobody);
    binding.owner = mark_of(owner);
    binding.last_proof_s = to_seconds(last_proof);
    return binding;
}

std::size_t Registry::chain_of(std::uint32_t hash) const {
    const std::size_t doubled = std::bit_ceil(chains_.size());
    const std::size_t chain = hash & (doubled - 1);
    return chain < chains_.size() ? chain : hash & (doubled / 2 - 1);
}

void Registry::add_chain() {
    const std::size_t added = chains_.size();
    chains_.push_back(kEnd);
    if (added == 0) return;
    Slot* link = &chains_[added - std::bit_floor(added)];
    while (*link != kEnd) {
        Binding& binding = bindings_[*link];
        if (chain_of(binding.hash) == added) {
            const Slot moved = std::exchange(*link, binding.next);
            binding.next = std::exchange(chains_[added], moved);
        } else {
            link = &binding.next;
        }
    }
}

}  // namespace pinhole::rendezvous
