// What `pipe` takes: flags, then the name of a peer, or none to take the first who calls.
#pragma once

#include "peer/chat_options.hpp"
#include "peer/pipe_flow.hpp"

namespace pinhole::peer {

inline constexpr auto kPipeFlags = [] {
    auto flags = joined(
        kStationFlags,
        std::array{
            kAcceptFlag,
            Flag{.name = "send-only", .help = "write nothing to stdout; end when stdin is through"},
            Flag{.name = "recv-only", .help = "read nothing from stdin"},
            Flag{.name = "close-on-eof", .help = "end when all of stdin is through"},
            kTimeoutFlag.saying("give up when no pipe stands after this (30)"),
            kWaitFlag,
        });
    // Standard output carries the bytes and nothing else.
    std::ranges::find(flags, kJsonFlag.name, &Flag::name)->help =
        "events on stderr, one object a line";
    return flags;
}();

struct PipeOptions {
    StationOptions station;
    /// Nobody: the first who calls.
    std::optional<Id> peer;
    PipeWays ways;
    bool wait = false;
    /// Until the pipe stands; `Duration::max()` for no limit.
    Duration timeout = 30s;
};

/// Throws UsageError.
[[nodiscard]] PipeOptions pipe_options(const Settings& settings);

}  // namespace pinhole::peer
