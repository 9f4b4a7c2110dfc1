// The verbs of the tool, in one table from which dispatch and help are made.
//
// The first word that is no verb is the name of a peer: the verb is then `chat`.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "peer/exit_code.hpp"
#include "peer/options.hpp"

namespace pinhole::peer {

struct Verb {
    std::string_view name;
    std::string_view summary;
    /// What follows the options.
    std::string_view words;
    std::string_view example;
    void (*add_options)(cxxopts::Options& options);
    ExitCode (*run)(const cxxopts::ParseResult& words, const net::Environment& environment);
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
