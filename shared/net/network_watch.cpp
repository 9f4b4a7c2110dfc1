#include "shared/net/network_watch.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "shared/net/clock.hpp"
#include "shared/net/unique_fd.hpp"

namespace pinhole::net {
namespace {

constexpr unsigned kGroups =
    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
/// Messages that are read in one turn of the loop; the rest waits for the next.
constexpr int kReadsPerTurn = 64;

}  // namespace

NetworkWatch::NetworkWatch(asio::io_context& io, std::function<void()> on_changed)
    : socket_(io), settle_(io, [this, on_changed = std::move(on_changed)] {
          is_settling_ = false;
          on_changed();
      }) {}

bool NetworkWatch::start() {
    UniqueFd fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = kGroups;
    const auto* const raw = reinterpret_cast<const sockaddr*>(&address);
    if (!fd || ::bind(fd.get(), raw, sizeof address) != 0) return false;
    std::error_code error;
    socket_.assign(fd.get(), error);
    if (error) return false;
    static_cast<void>(fd.release());
    wait();
    return true;
}

void NetworkWatch::cancel() {
    std::error_code ignored;
    socket_.close(ignored);
    settle_.cancel();
}

void NetworkWatch::wait() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read, [this](std::error_code error) {
        if (!error) on_readable();
    });
}

void NetworkWatch::on_readable() {
    std::array<std::byte, 4096> message;
    bool heard = false;
    for (int i = 0; i < kReadsPerTurn; ++i) {
        const ssize_t size = ::recv(socket_.native_handle(), message.data(), message.size(), 0);
        // Too many at once: some are lost, and what they said is read anew anyway.
        const bool overran = size < 0 && errno == ENOBUFS;
        if (size <= 0 && !overran) break;
        heard = true;
    }
    if (heard && !std::exchange(is_settling_, true)) settle_.arm(now() + kNetworkSettleTime);
    wait();
}

}  // namespace pinhole::net
