// Whose turn it is among several that have something to do.
#pragma once

#include <optional>

namespace pinhole::peer::files {

/// The first after `last`, in a circle, that `has_work` says yes to; the end when there is none.
template <class Map, class HasWork>
[[nodiscard]] typename Map::iterator next_in_turn(Map& map,
                                                  const std::optional<typename Map::key_type>& last,
                                                  const HasWork& has_work) {
    auto at = last ? map.upper_bound(*last) : map.begin();
    for (std::size_t i = 0; i < map.size(); ++i, ++at) {
        if (at == map.end()) at = map.begin();
        if (has_work(at->second)) return at;
    }
    return map.end();
}

}  // namespace pinhole::peer::files
