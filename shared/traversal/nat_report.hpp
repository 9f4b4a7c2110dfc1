// What discovery found out about the NAT in front of us. Nothing means "not known", never "no".
#pragma once

#include <optional>

#include "shared/base/endpoint.hpp"
#include "shared/base/time.hpp"
#include "shared/wire/nat_behavior.hpp"

namespace pinhole::traversal {

struct NatReport {
    wire::NatBehavior behavior{};
    /// The main socket as the server's first port sees it.
    std::optional<Endpoint> external{};
    /// No address is translated: `external` is an address of this machine.
    std::optional<bool> is_untranslated{};
    /// Two sockets of ours, each of which wrote to the other's external endpoint, reach each other
    /// that way. So do two machines behind this NAT.
    std::optional<bool> hairpins{};
    /// The least TTL at which a datagram opens every NAT on our side: their number plus one.
    std::optional<std::uint8_t> opener_ttl{};
    /// A datagram that comes in before ours went out spoils the port (the first-packet race).
    std::optional<bool> suffers_first_packet_race{};
    /// An idle mapping lived so long; the next longer time that is tried was too long, or there is
    /// none. Zero: it did not even live through the shortest one.
    std::optional<Duration> mapping_lifetime{};
    /// So long it was seen to live so far, while that is measured and afterwards: what refreshes
    /// may count on.
    std::optional<Duration> mapping_lived{};
    /// Local ports below 1024 are mapped to ports below 1024.
    std::optional<bool> keeps_low_ports{};
    /// All that can be known now is; only the mapping's lifetime may still come.
    bool is_complete = false;

    friend bool operator==(const NatReport&, const NatReport&) = default;
};

}  // namespace pinhole::traversal
