#include "shared/net/udp_socket.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include "shared/net/sockaddr.hpp"

namespace pinhole::net {
namespace {

/// A window beyond the socket buffer makes goodput collapse, so both buffers hold more than the
/// largest send window.
constexpr int kSocketBufferBytes = 4 * 1024 * 1024;

/// Room for the copies of one batch. One datagram of any legal size always fits.
constexpr std::size_t kSendArenaBytes = 128 * 1024;
constexpr std::size_t kUdpDatagramMax = 65535;

/// Room for one integer of ancillary data of each of TTL and traffic class.
constexpr std::size_t kControlBytes = 2 * CMSG_SPACE(sizeof(int));

/// How often a receive or a send is tried again because it reported an older datagram's error.
constexpr int kPendingErrorsMax = 4;

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

/// Appends one integer of ancillary data behind those that `header` holds already.
void append_control(msghdr& header, int level, int type, int value) {
    cmsghdr control{};
    control.cmsg_level = level;
    control.cmsg_type = type;
    control.cmsg_len = CMSG_LEN(sizeof value);
    auto* at = static_cast<std::byte*>(header.msg_control) + header.msg_controllen;
    std::memcpy(at, &control, sizeof control);
    std::memcpy(at + CMSG_LEN(0), &value, sizeof value);
    header.msg_controllen += CMSG_SPACE(sizeof value);
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

SocketDrop reason_of(int error) {
    switch (error) {
        case EAGAIN:
        case ENOBUFS:
        case ENOMEM: return SocketDrop::kQueueFull;
        case EMSGSIZE: return SocketDrop::kTooBig;
        default: return SocketDrop::kRefused;
    }
}

}  // namespace

struct ReceiveArena::Storage {
    std::array<std::array<std::byte, kReceiveBytesMax>, kBatchDatagrams> buffers;
    std::array<sockaddr_storage, kBatchDatagrams> names;
    std::array<iovec, kBatchDatagrams> pieces;
    std::array<mmsghdr, kBatchDatagrams> headers;
    std::array<Received, kBatchDatagrams> received;
};

struct SendBatch::Storage {
    std::array<std::byte, kSendArenaBytes> bytes;
    std::size_t bytes_used = 0;
    std::size_t count = 0;
    std::array<SocketAddress, kBatchDatagrams> names;
    std::array<iovec, kBatchDatagrams> pieces;
    std::array<mmsghdr, kBatchDatagrams> headers;
    struct alignas(cmsghdr) Control {
        std::array<std::byte, kControlBytes> bytes;
    };
    std::array<Control, kBatchDatagrams> controls;

    [[nodiscard]] bool has_room(std::size_t size) const {
        return count < kBatchDatagrams && size <= kSendArenaBytes - bytes_used;
    }
};

ReceiveArena::ReceiveArena() : storage_(std::make_unique<Storage>()) {}
ReceiveArena::~ReceiveArena() = default;
ReceiveArena::ReceiveArena(ReceiveArena&&) noexcept = default;
ReceiveArena& ReceiveArena::operator=(ReceiveArena&&) noexcept = default;

SendBatch::SendBatch() : storage_(std::make_unique<Storage>()) {}
SendBatch::~SendBatch() = default;
SendBatch::SendBatch(SendBatch&&) noexcept = default;
SendBatch& SendBatch::operator=(SendBatch&&) noexcept = default;

bool SendBatch::empty() const {
    return storage_->count == 0;
}

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

std::span<const Received> UdpSocket::receive(ReceiveArena& arena) {
    ReceiveArena::Storage& in = *arena.storage_;
    for (std::size_t i = 0; i < kBatchDatagrams; ++i) {
        in.pieces[i] = {in.buffers[i].data(), in.buffers[i].size()};
        in.headers[i] = {};
        in.headers[i].msg_hdr.msg_iov = &in.pieces[i];
        in.headers[i].msg_hdr.msg_iovlen = 1;
        in.headers[i].msg_hdr.msg_name = &in.names[i];
        in.headers[i].msg_hdr.msg_namelen = sizeof in.names[i];
    }
    int count = -1;
    for (int attempt = 0; count < 0 && attempt < kPendingErrorsMax; ++attempt) {
        count = ::recvmmsg(fd_.get(), in.headers.data(), kBatchDatagrams, 0, nullptr);
        if (count < 0 && errno == EAGAIN) return {};
    }
    std::size_t delivered = 0;
    for (std::size_t i = 0; count > 0 && i < static_cast<std::size_t>(count); ++i) {
        const auto remote = endpoint_from(reinterpret_cast<const sockaddr*>(&in.names[i]));
        if ((in.headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0 || !remote) {
            drops_.add(SocketDrop::kTruncated);
            continue;
        }
        received_.add(in.headers[i].msg_len);
        in.received[delivered++] = {*remote, Bytes{in.buffers[i]}.first(in.headers[i].msg_len)};
    }
    return std::span{in.received}.first(delivered);
}

void UdpSocket::enqueue(SendBatch& batch, const Transmit& transmit) {
    // UDP_SEGMENT would carry the run in one call; each datagram on its own is always right.
    const std::size_t step =
        transmit.segment_size == 0 ? transmit.bytes.size() : transmit.segment_size;
    Bytes rest = transmit.bytes;
    do {
        const Bytes piece = rest.first(std::min(step, rest.size()));
        enqueue_one(batch, transmit, piece);
        rest = rest.subspan(piece.size());
    } while (!rest.empty());
}

void UdpSocket::enqueue_one(SendBatch& batch, const Transmit& transmit, Bytes bytes) {
    if (bytes.size() > kUdpDatagramMax) {
        drops_.add(SocketDrop::kTooBig);
        return;
    }
    const bool v4 = local_.ip.is_v4();
    if (transmit.path.remote.ip.is_v4() != v4) {
        drops_.add(SocketDrop::kRefused);
        return;
    }
    if (!batch.storage_->has_room(bytes.size())) flush(batch);
    SendBatch::Storage& out = *batch.storage_;
    const std::size_t i = out.count++;
    std::byte* const copy = out.bytes.data() + out.bytes_used;
    std::ranges::copy(bytes, copy);
    out.bytes_used += bytes.size();
    out.pieces[i] = {copy, bytes.size()};
    out.names[i] = SocketAddress::from(transmit.path.remote);
    out.headers[i] = {};
    msghdr& header = out.headers[i].msg_hdr;
    header.msg_name = &out.names[i].storage;
    header.msg_namelen = out.names[i].size;
    header.msg_iov = &out.pieces[i];
    header.msg_iovlen = 1;
    header.msg_control = out.controls[i].bytes.data();
    const int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
    if (transmit.ttl) append_control(header, level, v4 ? IP_TTL : IPV6_HOPLIMIT, *transmit.ttl);
    if (transmit.ecn != 0) {
        append_control(header, level, v4 ? IP_TOS : IPV6_TCLASS, transmit.ecn & 0x03);
    }
    if (header.msg_controllen == 0) header.msg_control = nullptr;
}

void UdpSocket::flush(SendBatch& batch) {
    SendBatch::Storage& out = *batch.storage_;
    std::size_t next = 0;
    int attempts = 0;
    while (next < out.count) {
        const int done =
            ::sendmmsg(fd_.get(), &out.headers[next], static_cast<unsigned>(out.count - next), 0);
        if (done > 0) {
            for (const std::size_t end = next + static_cast<std::size_t>(done); next < end;
                 ++next) {
                sent_.add(out.pieces[next].iov_len);
            }
            attempts = 0;
            continue;
        }
        const SocketDrop reason = reason_of(errno);
        // The error may be an ICMP answer to an older datagram, reported here without sending this
        // one; a second try tells.
        if (reason != SocketDrop::kQueueFull && ++attempts < kPendingErrorsMax) continue;
        attempts = 0;
        const bool socket_full = errno == EAGAIN;
        drops_.add(reason, socket_full ? out.count - next : 1);
        next = socket_full ? out.count : next + 1;
    }
    out.count = 0;
    out.bytes_used = 0;
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
        if (::recvmsg(fd_.get(), &header, MSG_ERRQUEUE) < 0) return;
        const auto destination = endpoint_from(reinterpret_cast<const sockaddr*>(&name));
        const auto kind = kind_of(header);
        if (destination && kind) report(*destination, *kind);
    }
}

}  // namespace pinhole::net
