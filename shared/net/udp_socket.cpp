#include "shared/net/udp_socket.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "shared/net/sockaddr.hpp"

namespace pinhole::net {
namespace {

/// A window beyond the socket buffer makes goodput collapse, so both buffers hold more than the
/// largest send window.
constexpr int kSocketBufferBytes = 4 * 1024 * 1024;

/// Best effort: an option that an odd kernel lacks costs comfort, not function.
void set_option(int fd, int level, int option, int value) {
    static_cast<void>(::setsockopt(fd, level, option, &value, sizeof value));
}

/// Beyond the system's limit where we may (CAP_NET_ADMIN), else up to it.
void raise_buffer(int fd, int forced, int plain) {
    const int size = kSocketBufferBytes;
    if (::setsockopt(fd, SOL_SOCKET, forced, &size, sizeof size) == 0) return;
    set_option(fd, SOL_SOCKET, plain, size);
}

void configure(int fd, Family family) {
    raise_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    raise_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
    // Datagrams of one sender that arrive together come as one message; 5.0 and later.
    set_option(fd, IPPROTO_UDP, UDP_GRO, 1);
    // PROBE sets "don't fragment" and ignores what ICMP claims about the path MTU (RFC 8899 4.6.1);
    // DO would refuse larger probes for ten minutes after one such message.
    if (family == Family::kV4) {
        set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
        set_option(fd, IPPROTO_IP, IP_RECVERR, 1);
        return;
    }
    set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    set_option(fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
    set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
}

/// A kernel before 4.18 ignores the ancillary data that asks for segmentation and would send the
/// whole run as one datagram; it does not know the option either.
bool knows_segmentation(int fd) {
    int segment_size = 0;
    socklen_t size = sizeof segment_size;
    return ::getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment_size, &size) == 0;
}

std::error_code last_error() {
    return {errno, std::generic_category()};
}

Result<Endpoint, std::error_code> bind_and_name(int fd, const Endpoint& bind) {
    const SocketAddress wanted = SocketAddress::from(bind);
    if (::bind(fd, wanted.get(), wanted.size) != 0) return failure(last_error());
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
        return failure(last_error());
    }
    const auto local = endpoint_from(reinterpret_cast<const sockaddr*>(&bound));
    if (!local) return failure(std::make_error_code(std::errc::address_family_not_supported));
    return *local;
}

IcmpError::Kind kind_of_v4(const sock_extended_err& error) {
    if (error.ee_type == ICMP_TIME_EXCEEDED) return IcmpError::Kind::kTimeExceeded;
    if (error.ee_type != ICMP_DEST_UNREACH) return IcmpError::Kind::kOther;
    if (error.ee_code == ICMP_PORT_UNREACH) return IcmpError::Kind::kPortUnreachable;
    if (error.ee_code == ICMP_FRAG_NEEDED) return IcmpError::Kind::kTooBig;
    return IcmpError::Kind::kOther;
}

IcmpError::Kind kind_of_v6(const sock_extended_err& error) {
    if (error.ee_type == ICMP6_TIME_EXCEEDED) return IcmpError::Kind::kTimeExceeded;
    if (error.ee_type == ICMP6_PACKET_TOO_BIG) return IcmpError::Kind::kTooBig;
    if (error.ee_type == ICMP6_DST_UNREACH && error.ee_code == ICMP6_DST_UNREACH_NOPORT) {
        return IcmpError::Kind::kPortUnreachable;
    }
    return IcmpError::Kind::kOther;
}

/// What one entry of the error queue means; nothing when it is no error of the network.
std::optional<IcmpError::Kind> kind_of(msghdr& header) {
    for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at)) {
        const bool v4 = at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_RECVERR;
        const bool v6 = at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_RECVERR;
        if (!v4 && !v6) continue;
        sock_extended_err error{};
        std::memcpy(&error, CMSG_DATA(at), sizeof error);
        if (error.ee_origin == SO_EE_ORIGIN_ICMP) return kind_of_v4(error);
        if (error.ee_origin == SO_EE_ORIGIN_ICMP6) return kind_of_v6(error);
        // Our own interface refused the size: the same news for path MTU probing.
        if (error.ee_errno == EMSGSIZE) return IcmpError::Kind::kTooBig;
    }
    return {};
}

}  // namespace

UdpSocket::UdpSocket(UniqueFd fd, const Endpoint& local)
    : fd_(std::move(fd)), local_(local), sends_runs_(knows_segmentation(fd_.get())) {}

UdpSocket UdpSocket::open(const Endpoint& bind) {
    auto socket = try_open(bind);
    if (socket) return std::move(*socket);
    throw std::system_error(socket.error(), fmt::format("cannot open UDP socket {}", bind));
}

Result<UdpSocket, std::error_code> UdpSocket::try_open(const Endpoint& bind) {
    const int domain = bind.ip.is_v4() ? AF_INET : AF_INET6;
    UniqueFd fd{::socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP)};
    if (!fd) return failure(last_error());
    const int only = 1;
    if (domain == AF_INET6 &&
        ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) != 0) {
        return failure(last_error());
    }
    configure(fd.get(), bind.ip.family());
    const auto local = bind_and_name(fd.get(), bind);
    if (!local) return failure(local.error());
    return UdpSocket{std::move(fd), *local};
}

std::size_t UdpSocket::receive_buffer() const {
    int bytes = 0;
    socklen_t size = sizeof bytes;
    if (::getsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, &size) != 0) return 0;
    return static_cast<std::size_t>(bytes);
}

void UdpSocket::drain_errors(
    const std::function<void(const Endpoint& destination, IcmpError::Kind kind)>& report) {
    for (std::size_t i = 0; i < kIcmpErrorsPerTurn; ++i) {
        alignas(cmsghdr) std::array<std::byte, 512> control;
        sockaddr_storage name{};
        msghdr header{};
        header.msg_name = &name;
        header.msg_namelen = sizeof name;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        if (::recvmsg(fd_.get(), &header, MSG_ERRQUEUE) < 0) {
            may_have_errors_ = false;
            return;
        }
        const auto destination = endpoint_from(reinterpret_cast<const sockaddr*>(&name));
        const auto kind = kind_of(header);
        if (destination && kind) report(*destination, *kind);
    }
}

}  // namespace pinhole::net
