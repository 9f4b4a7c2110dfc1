#include "rendezvous/half_open.hpp"

#include <cassert>
#include <utility>

namespace pinhole::rendezvous {

bool HalfOpen::has_room(const IpAddress& address) const {
    if (by_ephemeral_.size() >= kHalfOpenMax) return false;
    const auto found = unproven_of_prefix_.find(subscriber_prefix(address));
    return found == unproven_of_prefix_.end() || found->second < kHalfOpenPerPrefix;
}

void HalfOpen::add(const crypto::PublicKey& ephemeral, HalfOpenSession entry) {
    assert(entry.session != nullptr);
    ++unproven_of_prefix_[subscriber_prefix(entry.path.remote.ip)];
    const SessionIndex index = entry.session->indices().local;
    const auto [added, is_new] = by_ephemeral_.emplace(ephemeral, std::move(entry));
    assert(is_new);
    const bool is_own_index = unproven_.emplace(index, &added->second).second;
    assert(is_own_index);
    order_.push_back(added);
}

HalfOpenSession* HalfOpen::find(const crypto::PublicKey& ephemeral) {
    const auto found = by_ephemeral_.find(ephemeral);
    return found == by_ephemeral_.end() ? nullptr : &found->second;
}

HalfOpenSession* HalfOpen::find(SessionIndex index) {
    const auto found = unproven_.find(index);
    return found == unproven_.end() ? nullptr : found->second;
}

session::ServerSession HalfOpen::take_session(HalfOpenSession& entry) {
    assert(entry.session != nullptr);
    forget_unproven(entry);
    session::ServerSession out = std::move(*entry.session);
    entry.session.reset();
    return out;
}

bool HalfOpen::expire_one(Instant now, std::optional<SessionIndex>& unproven) {
    unproven.reset();
    if (order_.empty() || now < next_timeout()) return false;
    const auto expired = order_.front();
    order_.pop_front();
    if (expired->second.session != nullptr) {
        unproven = expired->second.session->indices().local;
        forget_unproven(expired->second);
    }
    by_ephemeral_.erase(expired);
    return true;
}

Instant HalfOpen::next_timeout() const {
    if (order_.empty()) return kNever;
    return order_.front()->second.answered + session::kAttemptLifetime;
}

void HalfOpen::forget_unproven(const HalfOpenSession& entry) {
    unproven_.erase(entry.session->indices().local);
    const auto found = unproven_of_prefix_.find(subscriber_prefix(entry.path.remote.ip));
    if (--found->second == 0) unproven_of_prefix_.erase(found);
}

}  // namespace pinhole::rendezvous
