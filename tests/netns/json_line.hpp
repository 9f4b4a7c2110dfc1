// The lines that `peer --json` prints, as a test looks at them.
#pragma once

#include <nlohmann/json.hpp>

#include "tests/netns/process.hpp"

namespace pinhole::netns {

/// Line is an event on standard output that has at least these fields with these values.
[[nodiscard]] inline bool has_fields(const Line& line, const nlohmann::json& wanted) {
    if (line.stream != Stream::kOut) return false;
    const auto event = nlohmann::json::parse(line.text, nullptr, false);
    if (!event.is_object()) return false;
    for (const auto& [name, value] : wanted.items()) {
        const auto found = event.find(name);
        if (found == event.end() || *found != value) return false;
    }
    return true;
}

}  // namespace pinhole::netns
