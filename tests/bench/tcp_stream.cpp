// The kernel's TCP, in plaintext, under the same load and the same stopwatch as the others.
//
//   tcp_stream [--congestion NAME]   both ends, as two processes over loopback
//   tcp_stream --receive PORT
//   tcp_stream --send ADDRESS --port PORT [--congestion NAME]
//
// Bulk has one connection; small requests, if any, have another at the next port, so that they do
// not wait behind it.
#include <array>
#include <cerrno>
#include <deque>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tests/bench/load.hpp"
#include "tests/bench/processes.hpp"

namespace {

using namespace pinhole::bench;

constexpr const char* kProgram = "tcp_stream";
constexpr std::size_t kReadMax = std::size_t{256} * 1024;
constexpr double kPatience = 15;

/// One connection; what the kernel does not take yet waits in front of it.
class Connection {
  public:
    explicit Connection(int fd) : fd_(fd), is_over_(fd < 0) {
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        fcntl(fd, F_SETFL, O_NONBLOCK);
    }

    [[nodiscard]] bool send(Octets bytes) {
        if (is_over_ || !waiting_.empty()) return false;
        waiting_.assign(bytes.begin(), bytes.end());
        written_ = 0;
        flush();
        return true;
    }
    void flush() {
        while (written_ < waiting_.size()) {
            const ssize_t done =
                ::send(fd_, waiting_.data() + written_, waiting_.size() - written_, MSG_NOSIGNAL);
            if (done < 0 && errno == EAGAIN) return;
            // The other end has measured enough.
            if (done < 0) {
                is_over_ = true;
                break;
            }
            written_ += static_cast<std::size_t>(done);
        }
        waiting_.clear();
    }
    template <class OnBytes>
    void read(OnBytes on_bytes) {
        const ssize_t got = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
        if (got == 0) is_over_ = true;
        if (got > 0) on_bytes(Octets{buffer_}.first(static_cast<std::size_t>(got)));
    }
    [[nodiscard]] std::size_t unacknowledged() const {
        int inside = 0;
        ioctl(fd_, SIOCOUTQ, &inside);
        return static_cast<std::size_t>(inside) + waiting_.size() - written_;
    }
    [[nodiscard]] pollfd interest() const {
        const auto events = waiting_.empty() ? POLLIN : POLLIN | POLLOUT;
        return {.fd = is_over_ ? -1 : fd_, .events = static_cast<short>(events), .revents = 0};
    }

  private:
    int fd_;
    bool is_over_;
    std::vector<std::byte> waiting_;
    std::size_t written_ = 0;
    std::vector<std::byte> buffer_ = std::vector<std::byte>(kReadMax);
};

class TcpEnd {
  public:
    TcpEnd(int bulk, int probe) : connections_{Connection{probe}, Connection{bulk}} {}

    bool send(std::uint8_t channel, Octets bytes) { return connections_[channel].send(bytes); }
    [[nodiscard]] std::size_t bytes_ahead() const {
        return connections_[kBulkChannel].unacknowledged();
    }

    template <class OnMessage>
    void turn(int wait_ms, OnMessage on_message) {
        std::array<pollfd, 2> ready{connections_[0].interest(), connections_[1].interest()};
        poll(ready.data(), ready.size(), wait_ms);
        for (std::uint8_t channel = 0; channel < 2; ++channel) {
            if ((ready[channel].revents & POLLOUT) != 0) connections_[channel].flush();
            if ((ready[channel].revents & (POLLIN | POLLHUP)) == 0) continue;
            connections_[channel].read([&](Octets bytes) {
                if (channel == kBulkChannel) return on_message(channel, bytes);
                take_small(bytes, on_message);
            });
        }
    }

  private:
    template <class OnMessage>
    void take_small(Octets bytes, OnMessage on_message) {
        small_.insert(small_.end(), bytes.begin(), bytes.end());
        while (small_.size() >= kProbeSize) {
            const std::vector<std::byte> message(small_.begin(), small_.begin() + kProbeSize);
            small_.erase(small_.begin(), small_.begin() + kProbeSize);
            on_message(kProbeChannel, Octets{message});
        }
    }

    /// By channel.
    std::array<Connection, 2> connections_;
    std::deque<std::byte> small_;
};

constexpr int kNoConnection = -1;

int connection_to(sockaddr_in address, std::uint16_t port, const std::string& congestion) {
    address.sin_port = htons(port);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (!congestion.empty() && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion.data(),
                                          static_cast<socklen_t>(congestion.size())) != 0) {
        fail(kProgram, "this kernel does not have that congestion control");
    }
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        fail(kProgram, "no connection");
    }
    return fd;
}

int listener_at(std::uint32_t host, std::uint16_t port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(host);
    address.sin_port = htons(port);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(fd, 2) != 0) {
        fail(kProgram, "cannot listen there");
    }
    return fd;
}

struct Listeners {
    int bulk = kNoConnection;
    int probe = kNoConnection;
};

Listeners listen_at(std::uint32_t host, std::uint16_t port) {
    const Listeners out{listener_at(host, port),
                        listener_at(host, static_cast<std::uint16_t>(port + (port > 0 ? 1 : 0)))};
    std::printf("listening\n");
    std::fflush(stdout);
    return out;
}

std::uint16_t port_of(int listener) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

void receive(const Listeners& listeners, const Load& load) {
    const int bulk = accept(listeners.bulk, nullptr, nullptr);
    const bool has_probe = load.probe_interval >= 0;
    TcpEnd end{bulk, has_probe ? accept(listeners.probe, nullptr, nullptr) : kNoConnection};
    if (!run_receiver(end, load, kPatience)) fail(kProgram, "no message came");
}

struct Target {
    sockaddr_in address{};
    std::uint16_t bulk_port = 0;
    std::uint16_t probe_port = 0;
    std::string congestion;
};

void send(const Target& to, const Load& load) {
    const int bulk = connection_to(to.address, to.bulk_port, to.congestion);
    const bool has_probe = load.probe_interval >= 0;
    TcpEnd end{bulk,
               has_probe ? connection_to(to.address, to.probe_port, to.congestion) : kNoConnection};
    run_sender(end, load);
}

}  // namespace

int main(int argc, char** argv) {
    cxxopts::Options options{kProgram};
    add_load_options(options);
    options.add_options()("receive", "port to listen at", cxxopts::value<double>())(
        "send", "address to send to", cxxopts::value<std::string>()->default_value("127.0.0.1"))(
        "port", "port to send to", cxxopts::value<double>())(
        "congestion", "the kernel's name of it", cxxopts::value<std::string>()->default_value(""));
    const auto parsed = options.parse(argc, argv);
    const Load load = load_of(parsed);
    if (parsed.count("receive") > 0) {
        const auto port = static_cast<std::uint16_t>(parsed["receive"].as<double>());
        receive(listen_at(INADDR_ANY, port), load);
        return 0;
    }
    Target target{.congestion = parsed["congestion"].as<std::string>()};
    target.address.sin_family = AF_INET;
    if (inet_pton(AF_INET, parsed["send"].as<std::string>().c_str(), &target.address.sin_addr) !=
        1) {
        fail(kProgram, "not an address");
    }
    if (parsed.count("port") > 0) {
        target.bulk_port = static_cast<std::uint16_t>(parsed["port"].as<double>());
        target.probe_port = static_cast<std::uint16_t>(target.bulk_port + 1);
        send(target, load);
        return 0;
    }
    const Listeners listeners = listen_at(INADDR_LOOPBACK, 0);
    target.bulk_port = port_of(listeners.bulk);
    target.probe_port = port_of(listeners.probe);
    const pid_t sender = spawn([&] { send(target, load); });
    receive(listeners, load);
    return exit_status_of(sender);
}
