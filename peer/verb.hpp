// A verb of the tool as data. The table of all of them is in peer/verbs.hpp.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "peer/exit_code.hpp"
#include "peer/settings.hpp"

namespace pinhole::peer {

struct Verb {
    std::string_view name;
    std::string_view summary;
    /// What follows the flags: words as they are typed, and in capitals what stands for a PEER, a
    /// FILE or a VERB; `|` between alternatives. The shells complete by it, too.
    std::string_view words;
    std::string_view example;
    std::span<const Flag> flags;
    ExitCode (*run)(const Settings& settings, const net::Environment& environment);
};

/// Null when there is none of this name.
[[nodiscard]] constexpr const Verb* find_verb(std::span<const Verb> verbs, std::string_view name) {
    const auto found = std::ranges::find(verbs, name, &Verb::name);
    return found == verbs.end() ? nullptr : &*found;
}

/// All their flags, once each, in the order in which they come first; the help is that of the first
/// verb which has the flag.
[[nodiscard]] std::vector<Flag> all_flags(std::span<const Verb> verbs);

}  // namespace pinhole::peer
