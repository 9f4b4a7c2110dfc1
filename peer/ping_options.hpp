// What `ping` takes: flags, then the name of a peer.
#pragma once

#include "peer/station_options.hpp"

namespace pinhole::peer {

inline constexpr auto kPingFlags = joined(
    kStationFlags, std::array{
                       Flag{.name = "count",
                            .argument = "N",
                            .help = "stop after so many",
                            .kind = FlagKind::kNumber,
                            .max = 1'000'000},
                       Flag{.name = "until-direct",
                            .help = "stop when the path is direct; exit 5 if it stays a relay"},
                       kTimeoutFlag,
                       kWaitFlag,
                   });

struct PingOptions {
    StationOptions station;
    Id peer;
    /// Stop after so many; 0 for no end.
    std::uint32_t count = 0;
    bool until_direct = false;
    bool wait = false;
    Duration timeout = 30s;
};

/// Throws UsageError.
[[nodiscard]] PingOptions ping_options(const Settings& settings);

}  // namespace pinhole::peer
