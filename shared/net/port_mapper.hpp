// The port mappings of all sockets of one driver: asked for, renewed, removed at the end.
//
// Owns a `PortMapping` for each socket, the alarm that they share, and makes the clients of the
// three protocols. Everything runs in the loop, except that UPnP has a thread of its own. What
// happens is reported as `PortMapped` and `PortUnmapped`.
#pragma once

#include <list>

#include <asio/io_context.hpp>

#include "shared/base/random.hpp"
#include "shared/net/deadline_timer.hpp"
#include "shared/net/port_mapping.hpp"

namespace pinhole::net {

/// Sockets that may be mapped at a time; a request for one more is refused.
inline constexpr std::size_t kMappedSocketsMax = 4;
/// A gateway's word that it restarted is followed at most once in this time.
inline constexpr Duration kRestartInterval = 30s;
/// How long the end waits for gateways to confirm that mappings are gone.
inline constexpr Duration kRemovalPatience = 1s;

/// Which protocols may be used, and for how long mappings are asked. Tests know better.
struct MapperOptions {
    bool pcp = true;
    bool nat_pmp = true;
    bool upnp = true;
    Duration lifetime = kMappingLifetime;
};

class PortMapper {
  public:
    /// `report` runs inside the loop, never from inside a call of ours. `io` and `random` are
    /// borrowed. Must not be destroyed between two turns of a loop that keeps running.
    PortMapper(asio::io_context& io, Random& random, PortMapping::Report report,
               const MapperOptions& options = {});
    PortMapper(const PortMapper&) = delete;
    PortMapper& operator=(const PortMapper&) = delete;

    /// Maps the IPv4 socket of that name and local port; asking again begins anew. Port 0 stands
    /// for a socket that does not exist, which is reported as unmapped.
    void map(SocketId socket, std::uint16_t local_port);
    void unmap(SocketId socket);
    /// Removes all mappings, then gives up the loop's attention and calls `done` inside the loop:
    /// at once without mappings, after `kRemovalPatience` at the latest. Nothing is reported any
    /// more.
    void stop(std::function<void()> done);

  private:
    [[nodiscard]] PortMapping* find(SocketId socket);
    [[nodiscard]] std::vector<PortMapping::Way> make_ways();
    void report_later(const IoEvent& event);
    void on_due();
    /// After every mutation: gateways that restarted, and the alarm.
    void settle();
    void finish();

    asio::io_context& io_;
    Random& random_;
    PortMapping::Report report_;
    MapperOptions options_;
    DeadlineTimer alarm_;
    std::list<PortMapping> mappings_;
    Instant restart_seen_ = Instant::min();
    bool stopping_ = false;
    std::size_t removing_ = 0;
    bool finished_ = false;
    std::function<void()> done_;
};

}  // namespace pinhole::net
