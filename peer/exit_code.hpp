// How `peer` tells scripts what happened. The numbers are part of the contract.
#pragma once

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

}  // namespace pinhole::peer
