// Port mappings of a host: what the real driver asks the gateway for.
#include "tests/lab/host.hpp"

namespace pinhole::lab {
namespace {

/// 192.0.2.1: whoever leads there is the gateway.
constexpr std::uint32_t kAnywhere = 0xC0000201;

}  // namespace

void Host::map_port(const MapPort& request) {
    const Instant now = world_.queue.now();
    const Socket* socket = socket_named(request.socket);
    const auto exit = exit_to(IpAddress::v4(kAnywhere));
    const auto forwarded = socket != nullptr && exit
                               ? exit->interface->router->forward(now, {exit->source, socket->port})
                               : Router::Forwarded{failure(PortUnmapped{.socket = request.socket})};
    if (forwarded) {
        program_->handle_io_event(now, PortMapped{.socket = request.socket,
                                                  .external = *forwarded,
                                                  .via = MappingProtocol::kPcp,
                                                  .lifetime = 2h});
        return;
    }
    PortUnmapped refusal = forwarded.error();
    refusal.socket = request.socket;
    program_->handle_io_event(now, refusal);
}

void Host::unmap_port(const UnmapPort& request) {
    const Socket* socket = socket_named(request.socket);
    const auto exit = exit_to(IpAddress::v4(kAnywhere));
    if (socket != nullptr && exit) exit->interface->router->unforward({exit->source, socket->port});
}

}  // namespace pinhole::lab
