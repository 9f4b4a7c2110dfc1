#include "shared/traversal/refresh.hpp"

namespace pinhole::traversal {

Duration refresh_interval(Duration lived, Duration longest) {
    return std::clamp(lived * 4 / 5, kKeepaliveMin, longest);
}

Pace Refresh::pace(Family family) const {
    Pace pace;
    if (is_measured(family)) {
        pace.longest = refresh_interval(lived_->time, kKeepaliveMax);
        pace.shortest = pace.longest * 4 / 5;
    }
    if (pace.longest > lesson_) pace = {.shortest = lesson_ * 4 / 5, .longest = lesson_};
    return pace;
}

Duration Refresh::spare_interval(Family family, bool is_busy) const {
    const Duration longest = pace(family).longest;
    return is_busy || !is_measured(family) ? std::min(longest, kSpareInterval) : longest;
}

}  // namespace pinhole::traversal
