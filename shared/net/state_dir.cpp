#include "shared/net/state_dir.hpp"

#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>
#include <sys/stat.h>

namespace pinhole::net {
namespace {

namespace fs = std::filesystem;

/// An absolute path from the environment; anything else counts as unset.
std::optional<fs::path> absolute_path(const Environment& environment, std::string_view name) {
    const auto value = environment(name);
    if (!value) return {};
    const fs::path path{*value};
    return path.is_absolute() ? std::optional{path} : std::nullopt;
}

fs::path base_directory(const Environment& environment, std::string_view variable,
                        const fs::path& below_home) {
    if (const auto base = absolute_path(environment, variable)) return *base / "pinhole";
    if (const auto home = absolute_path(environment, "HOME")) return *home / below_home / "pinhole";
    throw std::runtime_error(fmt::format(
        "neither ${} nor $HOME is set, so there is no place to keep anything; set one of them",
        variable));
}

}  // namespace

Environment process_environment() {
    return [](std::string_view name) -> std::optional<std::string> {
        const char* const value = std::getenv(std::string{name}.c_str());
        return value == nullptr ? std::nullopt : std::optional{std::string{value}};
    };
}

fs::path state_directory(const Environment& environment) {
    return base_directory(environment, "XDG_STATE_HOME", ".local/state");
}

fs::path config_directory(const Environment& environment) {
    return base_directory(environment, "XDG_CONFIG_HOME", ".config");
}

fs::path server_state_directory(const fs::path& given, const Environment& environment) {
    if (!given.empty()) return given;
    if (const auto listed = environment("STATE_DIRECTORY"); listed && !listed->empty()) {
        return listed->substr(0, listed->find(':'));
    }
    return state_directory(environment) / "rendezvous";
}

fs::path identity_path(const fs::path& state, std::string_view id) {
    assert(!id.empty());
    assert(id.find('/') == std::string_view::npos);
    return state / "identities" / (std::string{id} + ".key");
}

void make_private_directory(const fs::path& directory) {
    struct stat status{};
    if (::stat(directory.c_str(), &status) == 0) {
        if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
            throw std::runtime_error(fmt::format(
                "others may write to {0}, so they could replace what is kept there; run: chmod 700 "
                "{0}",
                directory.string()));
        }
        return;
    }
    const fs::path parent = directory.parent_path();
    if (!parent.empty() && parent != directory && !fs::exists(parent)) {
        make_private_directory(parent);
    }
    if (::mkdir(directory.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
        throw std::system_error(errno, std::generic_category(),
                                fmt::format("cannot make directory {}", directory.string()));
    }
}

}  // namespace pinhole::net
