// The yardstick: the system's ENet as it comes, in plaintext, over loopback, in two processes.
//
//   stock_enet [SECONDS]
//
// Linked without our platform layer; it refuses to run when ENet does not own a real UDP socket.
#include <cstring>
#include <memory>
#include <vector>

#include <enet/enet.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/measure.hpp"

namespace {

using namespace pinhole::bench;

constexpr enet_uint32 kTickMilliseconds = 5;

struct HostDeleter {
    void operator()(ENetHost* host) const { enet_host_destroy(host); }
};
using HostHandle = std::unique_ptr<ENetHost, HostDeleter>;

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "stock_enet: %s\n", what);
    std::exit(1);
}

void require_real_socket(const ENetHost* host) {
    struct stat status{};
    sockaddr_storage name{};
    socklen_t size = sizeof(name);
    const bool is_socket =
        fstat(host->socket, &status) == 0 && S_ISSOCK(status.st_mode) &&
        getsockname(host->socket, reinterpret_cast<sockaddr*>(&name), &size) == 0;
    if (!is_socket || name.ss_family != AF_INET) fail("this ENet does not use real sockets");
}

void receive(ENetHost* host, double seconds) {
    Meter meter;
    ENetEvent event;
    while (meter.elapsed() < seconds) {
        const int got = enet_host_service(host, &event, kTickMilliseconds);
        if (got < 0) fail("enet_host_service failed");
        if (got == 0 || event.type != ENET_EVENT_TYPE_RECEIVE) continue;
        meter.on_message(event.packet->dataLength);
        enet_packet_destroy(event.packet);
    }
    meter.report();
}

std::size_t packets_alive = 0;
std::uint64_t bytes_acknowledged = 0;

void on_freed(ENetPacket* packet) {
    --packets_alive;
    bytes_acknowledged += packet->dataLength;
}

void send(std::uint16_t port, double seconds) {
    ENetHost* host = enet_host_create(nullptr, 1, 2, 0, 0);
    if (host == nullptr) fail("no client host");
    require_real_socket(host);
    ENetAddress address{};
    enet_address_set_host_ip(&address, "127.0.0.1");
    address.port = port;
    ENetPeer* peer = enet_host_connect(host, &address, 2, 0);
    ENetEvent event;
    if (enet_host_service(host, &event, 5000) <= 0 || event.type != ENET_EVENT_TYPE_CONNECT) {
        fail("no connection");
    }
    const std::vector<unsigned char> message(kMessageSize, 0x5a);
    const double cpu = cpu_seconds();
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    while (Clock::now() < end) {
        while (packets_alive < kMessagesAhead) {
            ENetPacket* packet =
                enet_packet_create(message.data(), message.size(), ENET_PACKET_FLAG_RELIABLE);
            packet->freeCallback = on_freed;
            ++packets_alive;
            enet_peer_send(peer, 1, packet);
        }
        if (enet_host_service(host, &event, kTickMilliseconds) > 0 &&
            event.type == ENET_EVENT_TYPE_DISCONNECT) {
            fail("disconnected");
        }
    }
    report_sender(cpu_seconds() - cpu, bytes_acknowledged);
}

}  // namespace

int main(int argc, char** argv) {
    const double seconds = run_seconds(argc, argv);
    if (enet_initialize() != 0) fail("enet_initialize failed");
    ENetAddress address{};
    enet_address_set_host_ip(&address, "127.0.0.1");
    const HostHandle owned{enet_host_create(&address, 1, 2, 0, 0)};
    ENetHost* host = owned.get();
    if (host == nullptr) fail("no server host");
    require_real_socket(host);
    sockaddr_in bound{};
    socklen_t size = sizeof(bound);
    getsockname(host->socket, reinterpret_cast<sockaddr*>(&bound), &size);

    const pid_t child = fork();
    if (child < 0) fail("fork failed");
    if (child == 0) {
        send(ntohs(bound.sin_port), seconds + 0.3);
        std::_Exit(0);
    }
    receive(host, seconds);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}
