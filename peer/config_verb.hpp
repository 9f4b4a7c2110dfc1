// The verb `config`: what is set, and by whom.
#pragma once

#include "peer/config_file.hpp"
#include "peer/station_options.hpp"

namespace pinhole::peer {

inline constexpr std::array kConfigFlags{
    kJsonFlag.saying("one JSON object on stdout"),
};

/// Each setting with its value and its origin, as lines of a configuration file.
[[nodiscard]] std::string config_text(std::string_view verb, const Settings& settings);
/// The same as one JSON object, with a line end.
[[nodiscard]] std::string config_json(std::string_view verb, const Settings& settings);

/// show [VERB] | path. Throws UsageError.
[[nodiscard]] ExitCode run_config(const Settings& settings, const net::Environment& environment);

}  // namespace pinhole::peer
