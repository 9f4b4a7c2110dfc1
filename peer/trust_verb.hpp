// The verb `trust`: looks at and changes the file of known keys.
#pragma once

#include "peer/exit_code.hpp"
#include "peer/station_options.hpp"

namespace pinhole::peer {

inline constexpr std::array kTrustFlags{
    kIdFlag.saying("my name, for verify; or PINHOLE_ID"),
};

/// list | verify PEER | remove PEER | replace PEER KEY. PEER is a name (alice, or alice@rv:...
/// where several servers know an alice) or a rendezvous (host[:port]). Throws UsageError and what
/// the file throws.
[[nodiscard]] ExitCode run_trust(const Settings& settings, const net::Environment& environment);

}  // namespace pinhole::peer
