// What one forward is, as ssh writes it: `[bind:]port:host:hostport`, with `/udp` behind it for
// datagrams. `bind` and `port` are where connections come in, `host` and `hostport` where they go,
// each as the side sees it that they are on. IPv6 addresses stand in brackets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/base/endpoint.hpp"
#include "shared/base/result.hpp"
#include "shared/net/resolver.hpp"

namespace pinhole::peer {

enum class Transport : std::uint8_t { kTcp, kUdp };

/// "tcp" or "udp".
[[nodiscard]] std::string_view name_of(Transport transport);

/// `host:port`, with brackets around an IPv6 address.
[[nodiscard]] std::string text_of(const net::HostPort& place);

struct ForwardSpec {
    Transport transport = Transport::kTcp;
    /// "localhost", "*" or an address.
    std::string bind;
    std::uint16_t port = 0;
    net::HostPort target;

    /// The text that `parse_forward_spec` reads back.
    [[nodiscard]] std::string to_string() const;
    /// `bind:port`.
    [[nodiscard]] std::string entrance() const;
    /// Where to listen: one endpoint of each family for "localhost" and "*".
    [[nodiscard]] std::vector<Endpoint> endpoints() const;
};

/// Without a `bind` it is "localhost". On failure a sentence.
[[nodiscard]] Result<ForwardSpec, std::string> parse_forward_spec(std::string_view text);

}  // namespace pinhole::peer
