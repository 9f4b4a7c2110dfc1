// Where things are kept: the XDG base directories, and what systemd hands to a service.
//
// Only works out paths; `make_private_directory` is the one function that touches the disk.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pinhole::net {

/// Looks a variable up; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

/// The variables of this process.
[[nodiscard]] Environment process_environment();

/// `$XDG_STATE_HOME/pinhole`, else `$HOME/.local/state/pinhole`. A relative value counts as unset
/// (XDG base directory specification). Throws std::runtime_error when neither is set.
[[nodiscard]] std::filesystem::path state_directory(const Environment& environment);

/// `$XDG_CONFIG_HOME/pinhole`, else `$HOME/.config/pinhole`; otherwise as `state_directory`.
[[nodiscard]] std::filesystem::path config_directory(const Environment& environment);

/// The rendezvous's state: `given` (its --state-dir) unless empty, else the first entry of
/// `$STATE_DIRECTORY` (systemd's StateDirectory=), else `rendezvous` in `state_directory`.
[[nodiscard]] std::filesystem::path server_state_directory(const std::filesystem::path& given,
                                                           const Environment& environment);

/// The key of one id: `identities/<id>.key` in `state`. `id` must be a valid id already, which
/// holds no slash; asserts.
[[nodiscard]] std::filesystem::path identity_path(const std::filesystem::path& state,
                                                  std::string_view id);

/// Makes `directory` and its missing parents, each with mode 0700. Throws std::runtime_error with
/// the chmod command to use when `directory` exists and others may write to it, std::system_error
/// when it cannot be made.
void make_private_directory(const std::filesystem::path& directory);

}  // namespace pinhole::net
