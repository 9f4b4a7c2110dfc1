// The store that forgets: for tests, and for whoever embeds the server without a disk.
#pragma once

#include <map>
#include <vector>

#include "rendezvous/store_op.hpp"

namespace pinhole::rendezvous {

class MemoryStore {
  public:
    void apply(const StoreOp& op) {
        if (const auto* claim = std::get_if<Claim>(&op)) {
            bindings_.insert_or_assign(claim->id, StoredBinding{.id = claim->id,
                                                                .key = claim->key,
                                                                .first_seen = claim->at,
                                                                .last_proof = claim->at});
        } else if (const auto* touch = std::get_if<Touch>(&op)) {
            const auto found = bindings_.find(touch->id);
            if (found != bindings_.end()) found->second.last_proof = touch->at;
        } else if (const auto* unclaim = std::get_if<Unclaim>(&op)) {
            bindings_.erase(unclaim->id);
        }
    }

    /// Everything, by id.
    [[nodiscard]] std::vector<StoredBinding> all() const {
        std::vector<StoredBinding> out;
        for (const auto& [id, binding] : bindings_) out.push_back(binding);
        return out;
    }

  private:
    std::map<wire::Id, StoredBinding> bindings_;
};

}  // namespace pinhole::rendezvous
