#include "rendezvous/rate_limit.hpp"

#include "shared/crypto/mac.hpp"

namespace pinhole::rendezvous {
namespace {

constexpr std::size_t kWays = 4;

FixedBytes<16> prefix_bytes(const IpAddress& address) {
    return subscriber_prefix(address).v6_bytes();
}

}  // namespace

RateLimit::RateLimit(Rate rate, std::size_t slots, Random& random)
    : rate_(rate),
      hash_key_(random.bytes<32>()),
      slots_(std::max(slots / kWays, std::size_t{1}) * kWays) {}

RateLimit::Place RateLimit::find(Instant now, Bytes key) const {
    const auto hash = crypto::mac16(hash_key_, key);
    Reader reader{hash};
    const std::uint64_t owner = reader.u64() | 1U;  // never 0, which marks a free slot
    const std::size_t set = reader.u64() % (slots_.size() / kWays) * kWays;
    std::size_t best = set;
    for (std::size_t i = set; i < set + kWays; ++i) {
        if (slots_[i].owner == owner) return {owner, i};
        if (slots_[i].bucket.full_at() < slots_[best].bucket.full_at()) best = i;
    }
    // A full bucket holds no memory worth keeping: its slot is free for the taking. Else the key
    // shares the least used bucket of its set, so that a flood of keys cannot wash one away.
    if (slots_[best].bucket.is_full(now)) return {owner, best};
    return {slots_[best].owner, best};
}

bool RateLimit::try_take(Instant now, Bytes key) {
    const Place place = find(now, key);
    Slot& slot = slots_[place.slot];
    if (slot.owner != place.owner) slot = Slot{.owner = place.owner, .bucket = {}};
    return slot.bucket.try_take(now, rate_.interval, rate_.interval * rate_.burst);
}

bool RateLimit::has_token(Instant now, Bytes key) const {
    const Place place = find(now, key);
    const Slot& slot = slots_[place.slot];
    if (slot.owner != place.owner) return true;
    return slot.bucket.wait(now, rate_.interval, rate_.interval * rate_.burst) == Duration{0};
}

bool RateLimit::try_take(Instant now, const IpAddress& address) {
    return try_take(now, prefix_bytes(address));
}

bool RateLimit::has_token(Instant now, const IpAddress& address) const {
    return has_token(now, prefix_bytes(address));
}

}  // namespace pinhole::rendezvous
