// What a running network can be told, one command a datagram:
//
//     set NODE key=value...    another link (of hosts and NATs) or behavior (of NATs; what is
//                              mapped stays); link=down cuts the cable, link=up mends it
//     reboot NAT               every mapping is gone
//     wan NAT ADDRESS...       other external addresses, every mapping gone
//     pcap DIR                 write what passes each interface into files there (capture.hpp);
//                              "pcap off" ends it
//     stats                    all counters, as JSON
#pragma once

#include "tests/vnet/network.hpp"

namespace pinhole::vnet {

/// Does what the text says; the answer is JSON for `stats`, else "ok" or "error: why". Never
/// changes anything by half: a command with one bad word does nothing.
[[nodiscard]] std::string execute(Network& network, std::string_view command);

}  // namespace pinhole::vnet
