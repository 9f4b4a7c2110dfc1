// Who stands between this machine and the rest of the IPv4 internet: the router that the default
// route names. It is the one to ask for port mappings.
#pragma once

#include <optional>
#include <string_view>

#include "shared/base/endpoint.hpp"

namespace pinhole::net {

struct Gateway {
    IpAddress ip;
    /// Our own address as the gateway sees it.
    IpAddress local;

    friend bool operator==(const Gateway&, const Gateway&) = default;
};

/// The next hop of the default route with the smallest metric, from the text of /proc/net/route.
/// Nothing when there is no such route, or it leads out without a router.
[[nodiscard]] std::optional<IpAddress> default_gateway(std::string_view ipv4_routes);

/// The gateway right now.
[[nodiscard]] std::optional<Gateway> read_default_gateway();

}  // namespace pinhole::net
