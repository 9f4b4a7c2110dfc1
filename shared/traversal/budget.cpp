#include "shared/traversal/budget.hpp"

namespace pinhole::traversal {

Budget::Entry* Budget::find(const IpAddress& ip) {
    for (Entry& entry : entries_) {
        if (entry.ip == ip) return &entry;
    }
    return nullptr;
}

void Budget::reset(Instant now) {
    BoundedVector<Entry, kBudgetAddressesMax> recent;
    for (const Entry& entry : entries_) {
        if (now - entry.granted_at < kBudgetRenewal) recent.push_back(entry);
    }
    entries_ = recent;
}

void Budget::grant(Instant now, const IpAddress& ip, std::size_t bytes) {
    if (Entry* entry = find(ip)) {
        entry->left = std::max(entry->left, bytes);
        entry->granted_at = now;
        return;
    }
    // A full table grants nothing: what is not in it cannot be sent to.
    static_cast<void>(entries_.push_back({ip, bytes, now}));
}

void Budget::grant_new(Instant now, const IpAddress& ip, std::size_t bytes) {
    if (find(ip) == nullptr) grant(now, ip, bytes);
}

void Budget::renew(Instant now, const IpAddress& ip, std::size_t bytes) {
    const Entry* entry = find(ip);
    if (entry == nullptr || now - entry->granted_at >= kBudgetRenewal) grant(now, ip, bytes);
}

bool Budget::spend(const IpAddress& ip, std::size_t bytes, std::size_t reserve) {
    Entry* entry = find(ip);
    if (entry == nullptr || entry->left < bytes + reserve) return false;
    entry->left -= bytes;
    return true;
}

}  // namespace pinhole::traversal
