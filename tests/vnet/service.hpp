// A network in real time: the machines' interfaces, the control socket and the clock, in one loop.
//
// Makes an interface in each host's namespace, then moves packets until SIGTERM or SIGINT.
#pragma once

#include "tests/vnet/control_socket.hpp"
#include "tests/vnet/wire.hpp"

namespace pinhole::vnet {

struct ServicePlan {
    /// Hosts live in the namespaces `prefix` + their name.
    std::string prefix;
    /// Where to make the control socket.
    std::filesystem::path control;
    WireKind wires = WireKind::kTun;
};

class Service {
  public:
    /// `network` must outlive this. Blocks SIGTERM and SIGINT for the process. Throws what `Wire`
    /// and `ControlSocket` throw.
    Service(Network& network, const ServicePlan& plan);

    void run();

  private:
    struct Port {
        Interface* interface;
        Wire wire;
    };

    void watch(int descriptor, std::size_t token) const;
    /// Takes in what one machine has sent, up to a bound.
    void read_from(const Port& port);

    Network& network_;
    std::vector<Port> ports_;
    ControlSocket control_;
    net::UniqueFd signals_;
    net::UniqueFd epoll_;
    std::vector<std::byte> storage_;
};

/// What the interface looks like from inside its machine.
[[nodiscard]] WirePlan plan_for(Interface& interface, const std::string& prefix);

}  // namespace pinhole::vnet
