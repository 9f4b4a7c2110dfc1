#include "shared/traversal/transaction.hpp"

namespace pinhole::traversal {

wire::ChallengeId Transactions::begin(Instant now, const Route& route, bool data_sized) {
    while (!open_.empty() && now - open_.front().sent >= kChallengeLifetime) open_.pop_front();
    if (open_.size() == kChallengesMax) open_.pop_front();
    open_.push_back({random_.bytes<8>(), route, now, data_sized});
    return open_.back().id;
}

std::optional<Validated> Transactions::complete(Instant now, const Route& arrived,
                                                const wire::ChallengeId& id) {
    const auto found = std::ranges::find_if(open_, [&](const Open& open) { return open.id == id; });
    if (found == open_.end() || now - found->sent >= kChallengeLifetime) return std::nullopt;
    if (arrived.is_relay() && found->route.is_direct()) return std::nullopt;
    const Validated proof{found->route, now - found->sent, found->data_sized};
    open_.erase(found);
    return proof;
}

}  // namespace pinhole::traversal
