// What `send` takes: flags, then files and directories, then the name of a peer.
#pragma once

#include <vector>

#include "peer/station_options.hpp"

namespace pinhole::peer {

inline constexpr auto kSendFlags =
    joined(kStationFlags, std::array{
                              Flag{.name = "name",
                                   .argument = "NAME",
                                   .help = "what standard input, as FILE -, is called there",
                                   .kind = FlagKind::kText},
                              kTimeoutFlag.saying("give up when the peer is away so long (30)"),
                              kWaitFlag.saying("wait for an offline peer, however long"),
                          });

struct SendOptions {
    StationOptions station;
    std::vector<std::string> files;
    /// Standard input is the only file, and this is its name.
    std::optional<std::string> input_name;
    Id peer;
    bool wait = false;
    /// How long the peer may be away before the first connection, and after one was lost.
    Duration timeout = 30s;
    Duration timeout_when_lost = 10min;
    /// The user gave a limit: it holds for a peer who is there and has not taken the files, too.
    bool limits_taking = false;
};

/// Throws UsageError.
[[nodiscard]] SendOptions send_options(const Settings& settings);

}  // namespace pinhole::peer
