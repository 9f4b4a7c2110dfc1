// Configuration files: settings that hold for every call.
//
// A file is TOML: keys are the names of flags, and a table with the name of a verb holds what is
// for that verb alone. What no verb knows is refused with file and line, since a misspelt key that
// is silently left out is worse than none.
//
// The one place that knows the TOML library.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "peer/verb.hpp"

namespace pinhole::peer {

/// Greater than any file that somebody writes.
inline constexpr std::size_t kConfigBytesMax = 1 << 20;

/// Where files are looked for.
struct ConfigPlaces {
    /// Wins; nothing where the environment does not say where the user's files are.
    std::optional<std::filesystem::path> user;
    /// All of its `*.toml`; of two, the one with the later name wins.
    std::filesystem::path system_folder;

    [[nodiscard]] static ConfigPlaces from(const net::Environment& environment);
};

/// The files that are there, strongest first.
[[nodiscard]] std::vector<std::filesystem::path> config_files(const ConfigPlaces& places);

/// What the text of `file` sets, strongest first. Relative paths in it start at its folder. Throws
/// UsageError.
[[nodiscard]] std::vector<FileEntry> parse_config(std::string_view text,
                                                  const std::filesystem::path& file,
                                                  std::span<const Verb> verbs);

/// What all files set, strongest first. Throws UsageError, and std::system_error for a file that
/// cannot be read.
[[nodiscard]] std::vector<FileEntry> read_config(const ConfigPlaces& places,
                                                 std::span<const Verb> verbs);

/// A line for a file, without its end: `count = 3`; without a value it is commented out.
[[nodiscard]] std::string config_line(const Setting& setting);

}  // namespace pinhole::peer
