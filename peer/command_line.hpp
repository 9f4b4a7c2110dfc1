// From the words on the command line to flags and plain words. Knows no flag by name.
//
// The one place that knows the parsing library.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "peer/flag.hpp"

namespace pinhole::peer {

struct CommandLine {
    struct Given {
        std::string name;
        /// "true" for a switch, unless it came as `--switch=VALUE`.
        std::string value;
    };
    /// In their order.
    std::vector<Given> flags;
    /// What is no flag.
    std::vector<std::string> words;
    bool asks_help = false;
    bool asks_version = false;
};

/// `arguments` come without the names of the program and of the verb. Throws UsageError for a flag
/// that is not among `flags` or lacks its value; the values are not looked at.
[[nodiscard]] CommandLine parse_command_line(std::span<const Flag> flags,
                                             std::span<const char* const> arguments);

}  // namespace pinhole::peer
