// What `chat` takes: flags, then the names of peers.
#pragma once

#include <vector>

#include "peer/station_options.hpp"

namespace pinhole::peer {

inline constexpr std::array<std::string_view, 3> kAcceptWords{"all", "known", "none"};

inline constexpr Flag kAcceptFlag{.name = "accept",
                                  .argument = "WHOSE",
                                  .help = "whose calls to take: all, known or none",
                                  .kind = FlagKind::kChoice,
                                  .choices = kAcceptWords,
                                  .initial = "all"};

inline constexpr auto kChatFlags = joined(
    kStationFlags, std::array{
                       kAcceptFlag,
                       Flag{.name = "room",
                            .argument = "NAME",
                            .help = "meet whoever is in it; closed by --psk-file",
                            .kind = FlagKind::kText},
                       Flag{.name = "message",
                            .argument = "TEXT",
                            .help = "send one text to a peer or room, wait for receipts, end",
                            .kind = FlagKind::kText},
                       Flag{.name = "into",
                            .argument = "DIR",
                            .help = "where files go; without a prompt take them unasked",
                            .kind = FlagKind::kFile},
                       kTimeoutFlag.saying("give up a --message after this (30)"),
                       kWaitFlag.saying("wait for an offline peer; stay after the end of input"),
                   });

struct ChatOptions {
    StationOptions station;
    std::vector<Id> peers;
    std::optional<Id> room{};
    /// One shot: send this to the one peer, or to whoever is in the room, and end.
    std::optional<std::string> message;
    /// Where files go that others send.
    std::optional<std::filesystem::path> into;
    bool wait = false;
    /// Of a one shot; `Duration::max()` for no limit.
    Duration timeout = 30s;
};

/// From settings that have `kAcceptFlag`.
[[nodiscard]] AcceptPolicy accept_of(const Settings& settings);

/// Throws UsageError.
[[nodiscard]] ChatOptions chat_options(const Settings& settings);

}  // namespace pinhole::peer
