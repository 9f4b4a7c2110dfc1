// The yardstick: the system's ENet as it comes, in plaintext.
//
//   stock_enet                       both ends, as two processes over loopback
//   stock_enet --receive PORT
//   stock_enet --send ADDRESS --port PORT
//
// Linked without our platform layer; it refuses to run when ENet does not own a real UDP socket.
#include <memory>

#include <enet/enet.h>
#include <sys/stat.h>

#include "tests/bench/load.hpp"
#include "tests/bench/processes.hpp"

namespace {

using namespace pinhole::bench;

constexpr const char* kProgram = "stock_enet";
constexpr std::size_t kChannels = 2;
constexpr enet_uint32 kConnectMs = 10'000;
constexpr double kPatience = 15;

struct HostDeleter {
    void operator()(ENetHost* host) const { enet_host_destroy(host); }
};
using HostHandle = std::unique_ptr<ENetHost, HostDeleter>;

void require_real_socket(const ENetHost& host) {
    struct stat status{};
    sockaddr_storage name{};
    socklen_t size = sizeof(name);
    const bool is_socket = fstat(host.socket, &status) == 0 && S_ISSOCK(status.st_mode) &&
                           getsockname(host.socket, reinterpret_cast<sockaddr*>(&name), &size) == 0;
    if (!is_socket || name.ss_family != AF_INET) {
        fail(kProgram, "this ENet does not use real sockets");
    }
}

HostHandle make_host(const ENetAddress* address) {
    HostHandle host{enet_host_create(address, 1, kChannels, 0, 0)};
    if (!host) fail(kProgram, "no ENet host at this address");
    require_real_socket(*host);
    return host;
}

/// ENet tells a sender of acknowledged data by freeing the packet.
std::size_t bytes_alive = 0;

void on_freed(ENetPacket* packet) {
    bytes_alive -= packet->dataLength;
}

class StockEnd {
  public:
    explicit StockEnd(HostHandle host) : host_(std::move(host)) {}

    void connect(const ENetAddress& address) {
        peer_ = enet_host_connect(host_.get(), &address, kChannels, 0);
        ENetEvent event;
        if (enet_host_service(host_.get(), &event, kConnectMs) <= 0 ||
            event.type != ENET_EVENT_TYPE_CONNECT) {
            fail(kProgram, "no connection");
        }
    }

    bool send(std::uint8_t channel, Octets bytes) {
        ENetPacket* const packet =
            enet_packet_create(bytes.data(), bytes.size(), ENET_PACKET_FLAG_RELIABLE);
        packet->freeCallback = on_freed;
        bytes_alive += bytes.size();
        if (enet_peer_send(peer_, channel, packet) == 0) return true;
        enet_packet_destroy(packet);
        return false;
    }
    [[nodiscard]] std::size_t bytes_ahead() const { return bytes_alive; }

    template <class OnMessage>
    void turn(int wait_ms, OnMessage on_message) {
        ENetEvent event;
        int got = enet_host_service(host_.get(), &event, static_cast<enet_uint32>(wait_ms));
        for (; got > 0; got = enet_host_check_events(host_.get(), &event)) {
            if (event.type == ENET_EVENT_TYPE_CONNECT) peer_ = event.peer;
            if (event.type == ENET_EVENT_TYPE_DISCONNECT) fail(kProgram, "disconnected");
            if (event.type != ENET_EVENT_TYPE_RECEIVE) continue;
            on_message(event.channelID,
                       std::as_bytes(std::span{event.packet->data, event.packet->dataLength}));
            enet_packet_destroy(event.packet);
        }
        if (got < 0) fail(kProgram, "enet_host_service failed");
        // An answer leaves now and not with the next turn.
        enet_host_flush(host_.get());
    }

  private:
    HostHandle host_;
    ENetPeer* peer_ = nullptr;
};

void receive(HostHandle host, const Load& load) {
    StockEnd end{std::move(host)};
    if (!run_receiver(end, load, kPatience)) fail(kProgram, "no message came");
}

void send(const ENetAddress& address, const Load& load) {
    StockEnd end{make_host(nullptr)};
    end.connect(address);
    run_sender(end, load);
}

ENetAddress address_of(const std::string& text, std::uint16_t port) {
    ENetAddress out{};
    if (enet_address_set_host_ip(&out, text.c_str()) != 0) fail(kProgram, "not an address");
    out.port = port;
    return out;
}

}  // namespace

int main(int argc, char** argv) {
    cxxopts::Options options{kProgram};
    add_load_options(options);
    options.add_options()("receive", "port to listen at", cxxopts::value<double>())(
        "send", "address to send to", cxxopts::value<std::string>())("port", "port to send to",
                                                                     cxxopts::value<double>());
    const auto parsed = options.parse(argc, argv);
    const Load load = load_of(parsed);
    const auto port_of = [&](const char* name) {
        return static_cast<std::uint16_t>(parsed[name].as<double>());
    };
    if (enet_initialize() != 0) fail(kProgram, "enet_initialize failed");
    if (parsed.count("receive") > 0) {
        const ENetAddress any{.host = ENET_HOST_ANY, .port = port_of("receive")};
        receive(make_host(&any), load);
        return 0;
    }
    if (parsed.count("send") > 0) {
        send(address_of(parsed["send"].as<std::string>(), port_of("port")), load);
        return 0;
    }
    const ENetAddress any_port = address_of("127.0.0.1", ENET_PORT_ANY);
    HostHandle host = make_host(&any_port);
    sockaddr_in bound{};
    socklen_t size = sizeof(bound);
    getsockname(host->socket, reinterpret_cast<sockaddr*>(&bound), &size);
    const pid_t sender = spawn([&] { send(address_of("127.0.0.1", ntohs(bound.sin_port)), load); });
    receive(std::move(host), load);
    return exit_status_of(sender);
}
