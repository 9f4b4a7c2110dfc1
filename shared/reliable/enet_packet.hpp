// Owning handles for what ENet allocates. Internal to the floor, since it shows ENet's own types.
#pragma once

#include <memory>

#include <enet/enet.h>

namespace pinhole::reliable {

struct HostDeleter {
    void operator()(ENetHost* host) const { enet_host_destroy(host); }
};
using HostHandle = std::unique_ptr<ENetHost, HostDeleter>;

struct PacketDeleter {
    void operator()(ENetPacket* packet) const { enet_packet_destroy(packet); }
};
using PacketHandle = std::unique_ptr<ENetPacket, PacketDeleter>;

}  // namespace pinhole::reliable
