#include "shared/traversal/budget.hpp"

namespace pinhole::traversal {

Budget::Entry* Budget::find(const IpAddress& ip) {
    for (Entry& entry : entries_) {
        if (entry.ip == ip) return &entry;
    }
    return nullptr;
}

void Budget::grant(const IpAddress& ip, std::size_t bytes) {
    if (Entry* entry = find(ip)) {
        entry->left = std::max(entry->left, bytes);
        return;
    }
    // A full table grants nothing: what is not in it cannot be sent to.
    static_cast<void>(entries_.push_back({ip, bytes}));
}

void Budget::grant_new(const IpAddress& ip, std::size_t bytes) {
    if (find(ip) == nullptr) grant(ip, bytes);
}

bool Budget::spend(const IpAddress& ip, std::size_t bytes, std::size_t reserve) {
    Entry* entry = find(ip);
    if (entry == nullptr || entry->left < bytes + reserve) return false;
    entry->left -= bytes;
    return true;
}

}  // namespace pinhole::traversal
