#include "rendezvous/relay.hpp"

#include <algorithm>
#include <cassert>

namespace pinhole::rendezvous {
namespace {

/// Unused permissions are looked for this often.
constexpr Duration kSweepInterval = 1min;

/// The time in which `bytes` flow at `bits_per_second`.
Duration flow_time(std::uint64_t bytes, std::uint64_t bits_per_second) {
    return Duration{static_cast<Duration::rep>(bytes * 8 * 1'000'000 / bits_per_second)};
}

}  // namespace

RelayHandle Relay::permit(Instant now, const RelayPair& pair) {
    if (const auto known = handle_of(pair.asker, pair.answerer)) {
        // Whoever asks again may be the other one; that both want to talk was shown before.
        Pair& live = pairs_.at(*known);
        live.since_introduction = 0;
        live.last_used = now;
        return *known;
    }
    make_room_for(pair.asker);
    make_room_for(pair.answerer);
    if (pairs_.size() >= kRelayPairsMax) return RelayHandle{};
    RelayHandle handle{random_.u32()};
    // Zero stands for "no relay".
    while (handle.value() == 0 || pairs_.contains(handle)) handle = RelayHandle{random_.u32()};
    pairs_.emplace(handle, Pair{.who = pair, .last_used = now});
    of_client_.emplace(pair.asker, handle);
    of_client_.emplace(pair.answerer, handle);
    if (sweep_at_ == kNever) sweep_at_ = now + kSweepInterval;
    return handle;
}

std::optional<RelayHandle> Relay::handle_of(ClientId a, ClientId b) const {
    const auto [first, last] = of_client_.equal_range(a);
    for (auto entry = first; entry != last; ++entry) {
        const RelayPair& who = pairs_.at(entry->second).who;
        if (who.asker == b || who.answerer == b) return entry->second;
    }
    return std::nullopt;
}

void Relay::make_room_for(ClientId client) {
    if (of_client_.count(client) < kRelayPairsPerClient) return;
    const auto [first, last] = of_client_.equal_range(client);
    const auto idlest = std::min_element(first, last, [&](const auto& a, const auto& b) {
        return pairs_.at(a.second).last_used < pairs_.at(b.second).last_used;
    });
    erase(idlest->second);
}

Parsed<std::optional<RelayDelivery>> Relay::forward(Instant now, ClientId from,
                                                    const wire::Relay& frame) {
    const auto found = pairs_.find(frame.handle);
    if (found == pairs_.end()) return dropped(Drop::kUnexpected);
    Pair& pair = found->second;
    const bool from_asker = from == pair.who.asker;
    if (!from_asker && from != pair.who.answerer) return dropped(Drop::kUnexpected);

    const std::uint64_t size = frame.message.size();
    if (!from_asker) pair.answered = true;
    if (!pair.answered && pair.since_introduction + size > kRelayUnansweredBytes) {
        return dropped(Drop::kLimit);
    }
    if (total_.wait(now, flow_time(size, kRelayTotalBitsPerSecond), kRelayTotalBurst) >
        Duration{0}) {
        return dropped(Drop::kLimit);
    }
    const ClientId to = from_asker ? pair.who.answerer : pair.who.asker;
    bool leaves_now = true;
    if (pair.since_introduction + size > kRelayFreeBytes) {
        const auto shaped = shape(now, frame.handle, {now, to, to_vector(frame.message)});
        if (!shaped) return dropped(shaped.error());
        leaves_now = *shaped;
    }
    pair.last_used = now;
    pair.since_introduction += size;
    total_.take(now, flow_time(size, kRelayTotalBitsPerSecond));
    metrics_.relayed.add(size);
    if (!leaves_now) return std::nullopt;
    return RelayDelivery{.to = to, .frame = frame};
}

Parsed<bool> Relay::shape(Instant now, RelayHandle handle, const Queued& frame) {
    Counting* counting = counting_of(now, handle);
    if (counting == nullptr) return dropped(Drop::kLimit);
    const Duration cost = flow_time(frame.message.size(), kRelayPairBitsPerSecond);
    const Duration depth = flow_time(kRelayPairBurstBytes, kRelayPairBitsPerSecond);
    const Duration wait = counting->bucket.wait(now, cost, depth);
    if (wait > kRelayQueueMax) return dropped(Drop::kLimit);
    counting->bucket.take(now, cost);
    counting->last_used = now;
    if (wait == Duration{0} && counting->queue.empty()) return true;
    counting->queue.push_back(frame);
    counting->queue.back().at = now + wait;
    return false;
}

Relay::Counting* Relay::counting_of(Instant now, RelayHandle handle) {
    const auto found = counting_.find(handle);
    if (found != counting_.end()) return &found->second;
    if (counting_.size() >= kRelayCountingPairs) {
        std::erase_if(counting_, [&](const auto& entry) {
            return entry.second.queue.empty() && now - entry.second.last_used > kRelayCountingIdle;
        });
    }
    if (counting_.size() >= kRelayCountingPairs) return nullptr;
    return &counting_.emplace(handle, Counting{.bucket = {}, .last_used = now, .queue = {}})
                .first->second;
}

std::optional<RelayDelivery> Relay::take_due(Instant now) {
    for (auto& [handle, counting] : counting_) {
        if (counting.queue.empty() || counting.queue.front().at > now) continue;
        const ClientId to = counting.queue.front().to;
        delivered_ = std::move(counting.queue.front().message);
        counting.queue.pop_front();
        return RelayDelivery{.to = to, .frame = {.handle = handle, .message = delivered_}};
    }
    return std::nullopt;
}

void Relay::handle_timeout(Instant now) {
    if (now < sweep_at_) return;
    std::vector<RelayHandle> unused;
    for (const auto& [handle, pair] : pairs_) {
        if (now - pair.last_used >= kRelayPermission) unused.push_back(handle);
    }
    for (const RelayHandle handle : unused) erase(handle);
    sweep_at_ = pairs_.empty() ? kNever : now + kSweepInterval;
}

Instant Relay::next_timeout() const {
    Instant next = sweep_at_;
    for (const auto& [handle, counting] : counting_) {
        if (!counting.queue.empty()) next = std::min(next, counting.queue.front().at);
    }
    return next;
}

void Relay::forget(ClientId a, ClientId b) {
    if (const auto handle = handle_of(a, b)) erase(*handle);
}

void Relay::forget(ClientId client) {
    for (auto found = of_client_.find(client); found != of_client_.end();
         found = of_client_.find(client)) {
        erase(found->second);
    }
}

void Relay::erase(RelayHandle handle) {
    const auto found = pairs_.find(handle);
    assert(found != pairs_.end());
    for (const ClientId client : {found->second.who.asker, found->second.who.answerer}) {
        const auto [first, last] = of_client_.equal_range(client);
        const auto entry =
            std::find_if(first, last, [&](const auto& one) { return one.second == handle; });
        of_client_.erase(entry);
    }
    counting_.erase(handle);
    pairs_.erase(found);
}

}  // namespace pinhole::rendezvous
