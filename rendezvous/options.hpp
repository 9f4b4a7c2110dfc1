// The command line of `rendezvous`, as plain values.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/endpoint.hpp"
#include "shared/base/result.hpp"
#include "shared/wire/id.hpp"

namespace pinhole::rendezvous {

/// Port 3478 because restrictive firewalls let STUN's port out more often than any other.
inline constexpr std::uint16_t kDefaultPort = 3478;

enum class Action : std::uint8_t { kServe, kRelease, kHelp, kVersion };

struct Options {
    Action action = Action::kServe;
    /// Where to listen; each also on the next port. Empty = every address of both families.
    std::vector<Endpoint> binds;
    /// Takes TCP, too, for peers whose networks block UDP: at these addresses; empty = at sockets
    /// passed in by whoever started us, else wherever it listens on UDP.
    bool takes_tcp = false;
    std::vector<Endpoint> tcp_binds;
    /// Empty = where the system keeps such things.
    std::filesystem::path state_directory;
    /// One of spdlog's names: trace, debug, info, warn, error, off.
    std::string log_level = "info";
    bool answers_stun = false;
    /// For `kRelease`.
    wire::Id released;
};

/// Two lines for stderr: what is wrong, and what to try.
struct UsageError {
    std::string what;
    std::string hint;
};

[[nodiscard]] Result<Options, UsageError> parse_options(int argc, const char* const* argv);

/// `text` with a question mark for each control character but the ends of lines: messages quote the
/// command line and paths, and a terminal must not obey those.
[[nodiscard]] std::string without_controls(std::string_view text);

/// What `--help` prints.
[[nodiscard]] std::string help_text();

}  // namespace pinhole::rendezvous
