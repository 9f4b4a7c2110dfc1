// What `receive` takes: flags, then a directory.
#pragma once

#include <filesystem>
#include <set>

#include "peer/chat_options.hpp"
#include "peer/files/target_directory.hpp"

namespace pinhole::peer {

inline constexpr std::array<std::string_view, 3> kConflictWords{"skip", "overwrite", "rename"};

inline constexpr auto kReceiveFlags =
    joined(kStationFlags,
           std::array{
               Flag{.name = "from",
                    .argument = "PEER",
                    .help = "take files of this peer only; may be repeated",
                    .kind = FlagKind::kText,
                    .is_repeatable = true},
               kAcceptFlag,
               Flag{.name = "conflict",
                    .argument = "POLICY",
                    .help = "where a file is: skip, overwrite or rename",
                    .kind = FlagKind::kChoice,
                    .choices = kConflictWords,
                    .initial = "skip"},
               Flag{.name = "once", .help = "end after one whole transfer"},
               Flag{.name = "hidden", .help = "also take what has a name that begins with a dot"},
           });

struct ReceiveOptions {
    StationOptions station;
    std::filesystem::path directory = ".";
    /// Whose files; empty for everybody's who may call.
    std::set<Id> from;
    files::ConflictPolicy conflict = files::ConflictPolicy::kSkip;
    bool once = false;
    bool hidden = false;
};

/// Throws UsageError.
[[nodiscard]] ReceiveOptions receive_options(const Settings& settings);

}  // namespace pinhole::peer
