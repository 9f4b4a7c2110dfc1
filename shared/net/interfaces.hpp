// The addresses of this machine under which a peer could hear us.
//
// Reading the system and judging what it said are two functions, so that the rules can be tested
// without a machine that breaks them.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "shared/base/io.hpp"
#include "shared/base/result.hpp"

namespace pinhole::net {

/// One address of one interface, as the system describes it.
struct InterfaceAddress {
    std::string interface_name;
    IpAddress ip;
    std::uint8_t prefix_length = 0;
    unsigned mtu = 0;
    bool up = false;
    bool loopback = false;
    bool point_to_point = false;
    bool holds_default_route = false;
    /// RFC 4862 5.5.4: still valid, but no longer to be used for new flows.
    bool deprecated = false;
    /// RFC 4862 5.4: duplicate address detection has not finished, or has failed.
    bool tentative = false;
    /// RFC 8981: the privacy address that changes every day.
    bool temporary = false;
};

/// The usable ones of `all`: up, neither loopback nor link-local, an MTU that IPv6 allows, no
/// container or tunnel interface and no point-to-point link unless it holds the default route. Of
/// IPv6 at most one public and one private (unique local) address for each interface, a temporary
/// one if there is one. Interfaces with the default route come first, then by name and address.
[[nodiscard]] std::vector<LocalAddress> usable_addresses(std::span<const InterfaceAddress> all);

/// The names of the interfaces that hold a default route, from the texts of /proc/net/route and
/// /proc/net/ipv6_route.
[[nodiscard]] std::set<std::string, std::less<>> default_route_interfaces(
    std::string_view ipv4_routes, std::string_view ipv6_routes);

/// What the system says right now, unjudged. Fails when it has no descriptor or memory to spare:
/// the caller then keeps what it knew.
[[nodiscard]] Result<std::vector<InterfaceAddress>, std::error_code> read_interface_addresses();

/// `usable_addresses` of `read_interface_addresses`. Throws std::system_error where that fails.
[[nodiscard]] std::vector<LocalAddress> list_local_addresses();

}  // namespace pinhole::net
