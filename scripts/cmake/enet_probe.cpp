// Run by PinholeEnet.cmake: does this ENet call our platform functions instead of its own?
// Linked with shared/reliable/enet_platform.cpp and nothing else of ours. Exit code 0 = it does.
#include <cstdio>

#include <enet/enet.h>

#include "shared/reliable/enet_platform.hpp"

int main() {
    using namespace pinhole::reliable;
    constexpr std::uint32_t kTime = 123456789;

    if (enet_linked_version() != ENET_VERSION) {
        std::puts("libenet and its headers are of different versions");
        return 2;
    }
    set_enet_time(kTime);
    ENetHost* host = enet_host_create(nullptr, 1, 1, 0, 0);
    if (host == nullptr) {
        std::puts("enet_host_create failed");
        return 3;
    }
    if (!is_ours(host->socket)) {
        std::printf("libenet opened a real socket (%d): it was linked with -Bsymbolic-functions\n",
                    host->socket);
        return 4;
    }

    const ENetAddress address{.host = 7, .port = 1};
    if (enet_host_connect(host, &address, 1, 0) == nullptr) return 5;
    ENetEvent event{};
    if (enet_host_service(host, &event, 0) != 0) {
        std::puts("enet_host_service failed on our platform functions");
        return 6;
    }
    if (host->serviceTime != kTime) {
        std::puts("libenet reads a clock of its own");
        return 7;
    }
    const SlotDatagram* sent = slot_of(host->socket).take_outgoing();
    if (sent == nullptr || sent->peer != pinhole::VirtualAddress{7}) {
        std::puts("libenet sent its CONNECT elsewhere");
        return 8;
    }
    const int socket = host->socket;
    enet_host_destroy(host);
    if (is_ours(socket)) {
        std::puts("libenet closed another socket than ours");
        return 9;
    }
    return 0;
}
