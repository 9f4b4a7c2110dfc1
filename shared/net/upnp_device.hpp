// A UPnP Internet Gateway Device, driven by blocking calls of miniupnpc: for the thread of
// `UpnpClient` alone.
#pragma once

#include <memory>

#include "shared/net/mapping_client.hpp"

namespace pinhole::net {

class UpnpDevice {
  public:
    UpnpDevice();
    ~UpnpDevice();
    UpnpDevice(const UpnpDevice&) = delete;
    UpnpDevice& operator=(const UpnpDevice&) = delete;

    /// Looks for the device unless the same gateway was asked before; then maps, renews or removes.
    /// Takes as long as the device does.
    [[nodiscard]] MappingOutcome ask(const MappingWish& wish);

  private:
    struct Found;

    [[nodiscard]] bool discover(const Gateway& gateway);
    [[nodiscard]] MappingOutcome map(const MappingWish& wish) const;
    [[nodiscard]] MappingOutcome add(const MappingWish& wish, const IpAddress& ip) const;
    [[nodiscard]] MappingOutcome remove(const Endpoint& external) const;

    std::unique_ptr<Found> found_;
};

}  // namespace pinhole::net
