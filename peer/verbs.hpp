// The verbs of the tool, in one table from which dispatch and help are made. A verb is a row there,
// and files of its own with its flags, its options and its function.
//
// The first word that is no verb is the name of a peer: the verb is then `chat`.
#pragma once

#include <span>
#include <string>
#include <string_view>

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

/// The default verb comes first.
[[nodiscard]] std::span<const Verb> verbs();
/// Null when there is none of this name.
[[nodiscard]] const Verb* find_verb(std::string_view name);

/// Help of the whole tool, or of one verb; ends with a line end.
[[nodiscard]] std::string help_text();
[[nodiscard]] std::string help_text(const Verb& verb);

/// Runs what the command line asks for. `arguments` are those of `main`, the program's name
/// included. Throws UsageError and whatever a verb throws.
[[nodiscard]] ExitCode run_command_line(std::span<char* const> arguments,
                                        const net::Environment& environment);

}  // namespace pinhole::peer
