// How `peer` tells scripts what happened. The numbers are part of the contract.
#pragma once

#include <array>
#include <string_view>

namespace pinhole::peer {

enum class ExitCode : int {
    kOk = 0,
    kOther = 1,
    kUsage = 2,
    kRendezvousUnreachable = 3,
    kPeerOffline = 4,  ///< unknown, offline, or it does not take our calls
    kOnlyRelay = 5,    ///< a direct path was asked for
    kIdentity = 6,     ///< a key is not the one that we know, or group keys differ
    kTimeout = 7,
    kRefused = 8,
    kInterrupted = 130,  ///< 128 + SIGINT
    kPipe = 141,         ///< 128 + SIGPIPE: nobody reads our output
    kTerminated = 143,   ///< 128 + SIGTERM
};

struct ExitMeaning {
    ExitCode code;
    std::string_view meaning;
};

/// For the documents.
inline constexpr std::array kExitMeanings{
    ExitMeaning{ExitCode::kOk, "success"},
    ExitMeaning{ExitCode::kOther, "any other failure"},
    ExitMeaning{ExitCode::kUsage,
                "the command line, the environment or a configuration file makes no sense"},
    ExitMeaning{ExitCode::kRendezvousUnreachable, "the rendezvous is unreachable"},
    ExitMeaning{ExitCode::kPeerOffline,
                "the peer is unknown or offline, or does not take the call"},
    ExitMeaning{ExitCode::kOnlyRelay, "a direct path was asked for and there is only the relay"},
    ExitMeaning{ExitCode::kIdentity,
                "a key is not the known one, a name belongs to another key, or group keys differ"},
    ExitMeaning{ExitCode::kTimeout, "timeout"},
    ExitMeaning{ExitCode::kRefused, "refused by the other side, or by a budget of the rendezvous"},
    ExitMeaning{ExitCode::kInterrupted, "interrupted (SIGINT)"},
    ExitMeaning{ExitCode::kPipe, "nobody reads standard output"},
    ExitMeaning{ExitCode::kTerminated, "terminated (SIGTERM)"},
};

}  // namespace pinhole::peer
