// The verbs `status` and `wait`: they ask a peer that runs, by its socket.
#pragma once

#include "peer/exit_code.hpp"
#include "peer/station_options.hpp"

namespace pinhole::peer {

inline constexpr std::array kStatusFlags{
    kIdFlag.saying("only the peer of this name"),
    kJsonFlag.saying("one JSON object a running peer on stdout"),
};

inline constexpr std::array kWaitVerbFlags{
    kIdFlag.saying("whose connection, if several peers run here"),
    Flag{.name = "direct", .help = "wait until the path is direct, too"},
    kTimeoutFlag.saying("give up after this (no limit)"),
};

/// Prints how the running peers of this user stand. Exit 1 when none runs.
[[nodiscard]] ExitCode run_status(const Settings& settings, const net::Environment& environment);

/// Returns when a running peer is connected to PEER; one that does not run yet is waited for. Exit
/// 7 after the timeout.
[[nodiscard]] ExitCode run_wait(const Settings& settings, const net::Environment& environment);

}  // namespace pinhole::peer
