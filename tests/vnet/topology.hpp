// A virtual internet as a text file, one node a line:
//
//     # two homes and a server
//     param a=eim_apdf                  # --set a=... overrides it; $a below stands for it
//     core hops=3
//     host srv    at inet   ip=198.51.100.10,198.51.100.11 delay=5ms
//     nat  cgn    at inet   wan=203.0.113.20 lan=100.64.0.1/24 profile=apdm_apdf_r block=8
//     nat  home_a at cgn    lan=192.168.1.1/24 profile=$a delay=2ms
//     host alice  at home_a up.rate=5mbit dn.rate=50mbit loss=2%
//     also alice  at inet   ip=192.0.2.7          # a second interface of a host
//
// A node hangs on one that stands above it. This unit reads and checks; `network.hpp` builds.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/lab/link.hpp"
#include "tests/lab/nat_model.hpp"

namespace pinhole::vnet {

/// The text is no topology; the message begins with "line N: ".
class TopologyError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The core's name.
inline constexpr std::string_view kCoreName = "inet";

/// What leads from a node to the one above it, in both directions.
struct Uplink {
    std::string at;
    lab::LinkQuality up;
    lab::LinkQuality down;
};

/// One interface of a host. Without addresses it gets the next free ones of its LAN.
struct InterfaceSpec {
    std::string host;
    /// 0 is eth0.
    std::size_t number = 0;
    Uplink uplink;
    std::vector<IpAddress> addresses;
};

struct NatSpec {
    std::string name;
    Uplink uplink;
    /// Under another NAT it may be empty: the next free address of that LAN.
    std::vector<IpAddress> wan;
    std::optional<lab::Prefix> lan;
    /// The LAN instead, if the profile does not translate: addresses that the world can route.
    std::optional<lab::Prefix> routed;
    std::optional<lab::Prefix> lan6;
    lab::NatProfile profile;
    /// Guards `lan6`.
    lab::NatProfile firewall;
    bool isolates = false;

    /// The IPv4 LAN that it really has.
    [[nodiscard]] const std::optional<lab::Prefix>& lan_in_use() const {
        return profile.translates ? lan : routed;
    }
};

struct Topology {
    std::uint8_t core_hops = 3;
    std::vector<NatSpec> nats;              ///< a NAT comes after the one it is under
    std::vector<InterfaceSpec> interfaces;  ///< in the order of the text
};

using Params = std::map<std::string, std::string, std::less<>>;

/// Reads a topology. `overrides` replace the values of `param` lines, and must all be named by one.
/// Throws `TopologyError`.
[[nodiscard]] Topology parse_topology(std::string_view text, const Params& overrides = {});

}  // namespace pinhole::vnet
