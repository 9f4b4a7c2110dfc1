// The routers of the virtual internet: the core in the middle, and NAT boxes below it or below each
// other.
//
// A router owns the cables to the nodes below it and knows which addresses lie behind each. TTLs
// count down at each router; the core stands for several. Whoever drops for TTL, MTU or (if its
// profile says so) a closed port answers with the ICMP error.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "tests/lab/link.hpp"
#include "tests/lab/nat_model.hpp"

namespace pinhole::lab {

/// What `Router::attach` made: the cable, and the number the router knows it by.
struct Attachment {
    Cable* cable = nullptr;
    CableId id = 0;
};

class Router : public Node {
  public:
    Router(World world, std::string name) : world_(world), name_(std::move(name)) {}

    /// Lays a cable to a lower node, which must live as long as packets travel.
    Attachment attach(LinkEnd lower, const std::string& lower_name, std::uint64_t seed);

    /// Packets to `block` go down this cable. The longest block wins.
    virtual void route(const Prefix& block, CableId cable);
    virtual void unroute(const Prefix& block);
    /// The block that a host on this router sees as its own link.
    [[nodiscard]] virtual std::optional<Prefix> subnet(Family family) const = 0;

    /// What a router says to whoever asks for a port to be forwarded to `internal`, or no longer.
    using Forwarded = Result<Endpoint, PortUnmapped>;
    [[nodiscard]] virtual Forwarded forward(Instant now, const Endpoint& internal);
    virtual void unforward(const Endpoint& /*internal*/) {}

    [[nodiscard]] const std::string& name() const { return name_; }

  protected:
    [[nodiscard]] std::optional<CableId> route_to(const IpAddress& destination) const;
    void send_down(Instant now, CableId cable, Packet packet);
    /// Sends, in fragments if it must and may, or reports that it does not fit.
    void send_by(Instant now, Link& link, Packet packet);
    void trace(Instant now, const Packet& packet, Fate fate) const;
    /// Sends the ICMP error about `packet` back to where it came from. Never about an ICMP error.
    void report(Instant now, IcmpError::Kind kind, const Packet& packet, std::size_t mtu = 0);
    /// Sends the router's own ICMP error to where it belongs, and fills in the source.
    virtual void originate(Instant now, Packet packet) = 0;

  private:
    struct Route {
        Prefix block;
        CableId cable;
    };

    World world_;
    std::string name_;
    std::vector<std::unique_ptr<Cable>> cables_;
    std::vector<Route> blocks_;                      ///< longest first
    std::unordered_map<IpAddress, CableId> single_;  ///< blocks of one address
};

/// The middle of the internet: `hops` routers in a row between any two of its cables.
class Core final : public Router {
  public:
    Core(World world, std::uint8_t hops) : Router(world, "core"), hops_(hops) {}

    void receive(Instant now, CableId cable, Packet packet) override;
    [[nodiscard]] std::optional<Prefix> subnet(Family) const override { return std::nullopt; }

  private:
    void originate(Instant now, Packet packet) override;

    std::uint8_t hops_;
};

}  // namespace pinhole::lab
