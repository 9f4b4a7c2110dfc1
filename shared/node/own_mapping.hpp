// Our own port mapping: whether to ask the gateway for one, and what came of it.
//
// One is worth asking for when the server sees our IPv4 socket at a public address that none of our
// interfaces has. What the gateway gives is offered to peers only if its address is the one that
// the server sees; else there is another NAT above the gateway, and nobody could reach it.
//
//     kOff        never asked for (NodeConfig::maps_ports)
//     kNotNeeded -> kAsked -> kMapped <-> kUnmapped      any state -> kAsked: the network changed
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "shared/base/io.hpp"

namespace pinhole::node {

enum class MappingState : std::uint8_t {
    kOff,        ///< the owner does not want one
    kNotNeeded,  ///< we have a public address, or the server did not say yet where it sees us
    kAsked,      ///< the gateway is being asked
    kMapped,     ///< peers are told `external`
    kUnmapped,   ///< there is none, for `reason`
};

/// For people: how the last try went.
struct PortMapping {
    MappingState state = MappingState::kOff;
    /// The protocol that mapped, also when the mapping turned out to be of no use.
    std::optional<MappingProtocol> via{};
    /// What the gateway gave or, after kDoubleNat, what it claims to have (port 0: an address).
    std::optional<Endpoint> external{};
    std::optional<PortUnmapped::Reason> reason{};

    friend bool operator==(const PortMapping&, const PortMapping&) = default;
};

class OwnMapping {
  public:
    explicit OwnMapping(bool wanted) { status_.state = initial(wanted); }

    /// What the driver says about interfaces and about our mapping; ignores the rest.
    void handle_io_event(const IoEvent& event);
    /// Where the server sees the IPv4 socket now. Cheap when nothing changed.
    void set_observed(const std::optional<Endpoint>& observed);
    [[nodiscard]] std::optional<IoRequest> poll_request();

    [[nodiscard]] const PortMapping& status() const { return status_; }
    /// What peers may be told.
    [[nodiscard]] std::optional<Endpoint> offered() const {
        return status_.state == MappingState::kMapped ? status_.external : std::nullopt;
    }

  private:
    static MappingState initial(bool wanted) {
        return wanted ? MappingState::kNotNeeded : MappingState::kOff;
    }
    void judge();
    void take(const PortMapped& mapped);

    PortMapping status_;
    std::vector<IpAddress> local_;
    std::optional<IpAddress> observed_;
    /// The driver keeps a mapping, or tries to.
    bool is_requested_ = false;
    std::deque<IoRequest> requests_;
};

}  // namespace pinhole::node
