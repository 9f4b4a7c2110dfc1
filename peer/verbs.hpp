// The verbs of the tool, in one table from which all is made that names them: dispatch, help,
// manual, completion, configuration. A verb is a row there, and files of its own with its flags,
// its options and its function.
//
// The first word that is no verb is the name of a peer: the verb is then `chat`.
#pragma once

#include <span>
#include <string_view>

#include "peer/verb.hpp"

namespace pinhole::peer {

/// The default verb comes first.
[[nodiscard]] std::span<const Verb> verbs();
/// Null when there is none of this name.
[[nodiscard]] const Verb* find_verb(std::string_view name);

/// The settings of a verb: from the command line, the environment and the configuration files.
/// Throws UsageError and what reading a file throws.
[[nodiscard]] Settings settings_of(const Verb& verb, const CommandLine& given,
                                   const net::Environment& environment);

/// Runs what the command line asks for. `arguments` are those of `main`, the program's name
/// included. Throws UsageError and whatever a verb throws.
[[nodiscard]] ExitCode run_command_line(std::span<char* const> arguments,
                                        const net::Environment& environment);

}  // namespace pinhole::peer
