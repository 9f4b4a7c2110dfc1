// What the loopback tests share: addresses, waiting for datagrams, owned copies of them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "shared/net/sockaddr.hpp"
#include "shared/net/udp_socket.hpp"

namespace pinhole::net::test {

/// Far longer than loopback ever takes: reaching it is a failure, not a measurement.
inline constexpr int kPatienceMs = 10'000;

inline Endpoint loopback(Family family) {
    FixedBytes<16> one{};
    one[15] = std::byte{1};
    return {family == Family::kV4 ? IpAddress::v4(0x7f000001) : IpAddress::v6(one), 0};
}

/// A port where nobody listens, kept from everybody else: the kernel hands a connected socket only
/// what its own remote sends, and answers all others as if the port were closed.
class ClosedPort {
  public:
    explicit ClosedPort(Family family) : socket_(UdpSocket::open(loopback(family))) {
        const Endpoint nobody{loopback(family).ip, 9};
        const SocketAddress address = SocketAddress::from(nobody);
        EXPECT_EQ(::connect(socket_.fd(), address.get(), address.size), 0);
    }

    [[nodiscard]] const Endpoint& endpoint() const { return socket_.local(); }

  private:
    UdpSocket socket_;
};

/// Borrows `text`.
inline Transmit to(const Endpoint& remote, std::string_view text) {
    return Transmit{Path{SocketId{0}, remote}, as_bytes(text)};
}

/// The same as a run of datagrams of `segment_size` bytes.
inline Transmit run_to(const Endpoint& remote, std::string_view text, std::uint16_t segment_size) {
    Transmit out = to(remote, text);
    out.segment_size = segment_size;
    return out;
}

inline bool wait_readable(int fd) {
    pollfd waiting{fd, POLLIN, 0};
    return ::poll(&waiting, 1, kPatienceMs) == 1;
}

/// Sends one datagram at once.
inline void send_now(UdpSocket& socket, const Transmit& transmit) {
    SendBatch batch;
    socket.enqueue(batch, transmit);
    socket.flush(batch);
}

struct Arrival {
    Endpoint remote;
    std::string text;
};

/// The next `count` datagrams; fewer when they do not come.
inline std::vector<Arrival> receive_texts(UdpSocket& socket, std::size_t count) {
    ReceiveArena arena;
    std::vector<Arrival> out;
    while (out.size() < count && wait_readable(socket.fd())) {
        for (const Received& in : socket.receive(arena)) {
            for_each_datagram(in.bytes, in.segment_size, [&](Bytes datagram) {
                out.push_back({in.remote, std::string{as_text(datagram)}});
            });
        }
    }
    return out;
}

}  // namespace pinhole::net::test
