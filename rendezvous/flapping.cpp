#include "rendezvous/flapping.hpp"

namespace pinhole::rendezvous {

bool Flapping::on_flip(Instant now, const wire::Id& id) {
    forget_old(now);
    auto found = flips_.find(id);
    if (found == flips_.end()) {
        // Unwatched flips are allowed: refusing honest restarts would be worse.
        if (flips_.size() >= kFlappingWatched) return true;
        found = flips_.emplace(id, Flips{.window_start = now}).first;
    }
    Flips& flips = found->second;
    if (now - flips.window_start >= kFlipWindow) flips = Flips{.window_start = now};
    if (++flips.count <= kFlipsMax) return true;
    flips = Flips{.window_start = now, .count = 0, .refused_until = now + kFlappingBackoff};
    return false;
}

bool Flapping::is_refused(Instant now, const wire::Id& id) const {
    const auto found = flips_.find(id);
    return found != flips_.end() && now < found->second.refused_until;
}

void Flapping::forget_old(Instant now) {
    if (swept_at_ != Instant::min() && now - swept_at_ < kFlipWindow) return;
    swept_at_ = now;
    std::erase_if(flips_, [&](const auto& entry) {
        const Flips& flips = entry.second;
        return now - flips.window_start >= kFlipWindow && now >= flips.refused_until;
    });
}

}  // namespace pinhole::rendezvous
