// The verb `completion`: scripts by which shells complete the tool's words, made from the table of
// verbs.
//
// A script knows verbs, flags and their closed sets of words by itself; for the names of peers it
// calls the tool, which looks at the known keys and at nothing else.
#pragma once

#include <span>
#include <string>

#include "peer/verb.hpp"

namespace pinhole::peer {

/// For bash and zsh they define `_peer_candidates PROGRAM CURRENT BEFORE...`, for fish
/// `__peer_candidates`: lines of a candidate, a tab and its meaning, or `@files`.
[[nodiscard]] std::string bash_completion(std::span<const Verb> verbs);
[[nodiscard]] std::string zsh_completion(std::span<const Verb> verbs);
[[nodiscard]] std::string fish_completion(std::span<const Verb> verbs);

/// bash | zsh | fish, and what the scripts ask for: peers. Throws UsageError and what the file of
/// known keys throws.
[[nodiscard]] ExitCode run_completion(const Settings& settings,
                                      const net::Environment& environment);

}  // namespace pinhole::peer
