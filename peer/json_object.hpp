// How every object of ours begins, and how it becomes a line that is harmless wherever it goes. For
// sources only: the library behind it is slow to compile.
#pragma once

#include <cmath>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "shared/base/time.hpp"

namespace pinhole::peer::json {

using Object = nlohmann::ordered_json;

[[nodiscard]] inline Object begin(std::string_view event) {
    return {{"v", 1}, {"event", event}};
}

/// Without a line end. All non-ASCII characters are escaped, bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] inline std::string line(const Object& object) {
    constexpr int kCompact = -1;
    constexpr bool kEnsureAscii = true;
    return object.dump(kCompact, ' ', kEnsureAscii, Object::error_handler_t::replace);
}

/// Tenths of a millisecond: what a path can be trusted to repeat.
[[nodiscard]] inline double milliseconds(Duration duration) {
    return std::round(static_cast<double>(duration.count()) / 100.0) / 10.0;
}

}  // namespace pinhole::peer::json
