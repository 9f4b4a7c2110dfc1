// What `--help` and `peer help` print, from the table of verbs. Fits on a screen of 24 lines.
#pragma once

#include <span>
#include <string>

#include "peer/verb.hpp"

namespace pinhole::peer {

/// Help of the whole tool, whose default verb comes first; ends with a line end.
[[nodiscard]] std::string help_text(std::span<const Verb> verbs);
/// Help of one verb.
[[nodiscard]] std::string help_text(const Verb& verb);

/// A flag as one types it: `--via HOST[:PORT]`.
[[nodiscard]] std::string usage_of(const Flag& flag);

}  // namespace pinhole::peer
