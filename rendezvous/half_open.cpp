#include "rendezvous/half_open.hpp"

#include <cassert>
#include <utility>

namespace pinhole::rendezvous {

bool HalfOpen::has_room(const IpAddress& address) const {
    if (entries_.size() >= kHalfOpenMax) return false;
    const auto found = unproven_of_prefix_.find(subscriber_prefix(address));
    return found == unproven_of_prefix_.end() || found->second < kHalfOpenPerPrefix;
}

void HalfOpen::add(SessionIndex index, HalfOpenSession entry) {
    assert(entry.session.has_value());
    ++unproven_of_prefix_[subscriber_prefix(entry.path.remote.ip)];
    by_ephemeral_.emplace(entry.ephemeral, index);
    order_.push_back(index);
    const auto [added, is_new] = entries_.emplace(index, std::move(entry));
    assert(is_new);
}

HalfOpenSession* HalfOpen::find(const crypto::PublicKey& ephemeral) {
    const auto found = by_ephemeral_.find(ephemeral);
    return found == by_ephemeral_.end() ? nullptr : &entries_.at(found->second);
}

HalfOpenSession* HalfOpen::find(SessionIndex index) {
    const auto found = entries_.find(index);
    return found == entries_.end() || !found->second.session ? nullptr : &found->second;
}

session::ServerSession HalfOpen::take_session(HalfOpenSession& entry) {
    assert(entry.session.has_value());
    uncount(entry.path.remote.ip);
    session::ServerSession out = *std::move(entry.session);
    entry.session.reset();
    return out;
}

bool HalfOpen::expire_one(Instant now, std::optional<SessionIndex>& unproven) {
    unproven.reset();
    if (order_.empty() || now < next_timeout()) return false;
    const SessionIndex index = order_.front();
    order_.pop_front();
    const auto found = entries_.find(index);
    if (found->second.session) {
        unproven = index;
        uncount(found->second.path.remote.ip);
    }
    by_ephemeral_.erase(found->second.ephemeral);
    entries_.erase(found);
    return true;
}

Instant HalfOpen::next_timeout() const {
    if (order_.empty()) return kNever;
    return entries_.at(order_.front()).answered + session::kAttemptLifetime;
}

void HalfOpen::uncount(const IpAddress& address) {
    const auto found = unproven_of_prefix_.find(subscriber_prefix(address));
    if (--found->second == 0) unproven_of_prefix_.erase(found);
}

}  // namespace pinhole::rendezvous
