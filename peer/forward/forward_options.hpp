// What `forward` takes: what to forward and what to allow, then the name of a peer.
#pragma once

#include <vector>

#include "peer/chat_options.hpp"
#include "peer/forward/allow_list.hpp"
#include "peer/forward/spec.hpp"

namespace pinhole::peer {

inline constexpr auto kForwardFlags =
    joined(kStationFlags, std::array{
                              kAcceptFlag,
                              Flag{.name = "local",
                                   .argument = "SPEC",
                                   .help = "listen here: [bind:]port:host:hostport[/udp]",
                                   .kind = FlagKind::kText,
                                   .is_repeatable = true},
                              Flag{.name = "reverse",
                                   .argument = "SPEC",
                                   .help = "listen at PEER, and connect from here",
                                   .kind = FlagKind::kText,
                                   .is_repeatable = true},
                              Flag{.name = "allow",
                                   .argument = "HOST:PORT",
                                   .help = "let others connect to this from here",
                                   .kind = FlagKind::kText,
                                   .is_repeatable = true},
                              Flag{.name = "allow-bind",
                                   .argument = "HOST:PORT",
                                   .help = "let others listen on this here",
                                   .kind = FlagKind::kText,
                                   .is_repeatable = true},
                          });

struct ForwardOptions {
    StationOptions station;
    /// Nobody: only serve others.
    std::optional<Id> peer;
    std::vector<ForwardSpec> local;
    std::vector<ForwardSpec> reverse;
    AllowList allow;
    AllowList allow_bind;
};

/// Throws UsageError.
[[nodiscard]] ForwardOptions forward_options(const Settings& settings);

}  // namespace pinhole::peer
