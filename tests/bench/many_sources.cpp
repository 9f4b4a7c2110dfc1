#include "tests/bench/many_sources.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pinhole::bench {
namespace {

constexpr int kSocketBuffer = 8 * 1024 * 1024;
constexpr std::uint32_t kFirstSource = 0x7F010000;  // 127.1.0.0

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

struct ManySources::Buffers {
    struct alignas(cmsghdr) Control {
        std::array<std::byte, CMSG_SPACE(sizeof(in_pktinfo))> bytes{};
    };
    struct Direction {
        std::array<std::array<std::byte, kLoadDatagramMax>, kLoadBatch> bytes;
        std::array<iovec, kLoadBatch> pieces;
        std::array<mmsghdr, kLoadBatch> headers;
    };
    sockaddr_in server{};
    Direction out;
    std::array<Control, kLoadBatch> controls;
    Direction in;
};

ManySources::ManySources(std::uint16_t server_port)
    : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      buffers_(std::make_unique<Buffers>()) {
    if (fd_ < 0) fail("socket");
    for (const int option : {SO_RCVBUFFORCE, SO_SNDBUFFORCE, SO_RCVBUF, SO_SNDBUF}) {
        static_cast<void>(
            ::setsockopt(fd_, SOL_SOCKET, option, &kSocketBuffer, sizeof kSocketBuffer));
    }
    sockaddr_in any{};
    any.sin_family = AF_INET;
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) fail("bind");
    buffers_->server.sin_family = AF_INET;
    buffers_->server.sin_port = htons(server_port);
    buffers_->server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (std::size_t i = 0; i < kLoadBatch; ++i) {
        msghdr& out = buffers_->out.headers[i].msg_hdr;
        out = {};
        out.msg_name = &buffers_->server;
        out.msg_namelen = sizeof buffers_->server;
        out.msg_iov = &buffers_->out.pieces[i];
        out.msg_iovlen = 1;
        out.msg_control = buffers_->controls[i].bytes.data();
        out.msg_controllen = buffers_->controls[i].bytes.size();
        cmsghdr* const control = CMSG_FIRSTHDR(&out);
        control->cmsg_level = IPPROTO_IP;
        control->cmsg_type = IP_PKTINFO;
        control->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
        msghdr& in = buffers_->in.headers[i].msg_hdr;
        in = {};
        in.msg_iov = &buffers_->in.pieces[i];
        in.msg_iovlen = 1;
        buffers_->in.pieces[i] = {buffers_->in.bytes[i].data(), kLoadDatagramMax};
    }
}

ManySources::~ManySources() {
    ::close(fd_);
}

MutableBytes ManySources::room() {
    if (waiting_ == kLoadBatch) flush();
    return buffers_->out.bytes[waiting_];
}

void ManySources::send(std::uint32_t source, std::size_t size) {
    buffers_->out.pieces[waiting_] = {buffers_->out.bytes[waiting_].data(), size};
    in_pktinfo from{};
    from.ipi_spec_dst.s_addr = htonl(kFirstSource + source);
    std::memcpy(CMSG_DATA(CMSG_FIRSTHDR(&buffers_->out.headers[waiting_].msg_hdr)), &from,
                sizeof from);
    ++waiting_;
    ++sent_;
}

void ManySources::flush() {
    std::size_t next = 0;
    while (next < waiting_) {
        const int done = ::sendmmsg(fd_, &buffers_->out.headers[next],
                                    static_cast<unsigned>(waiting_ - next), 0);
        if (done > 0) {
            next += static_cast<std::size_t>(done);
        } else if (errno == EAGAIN) {
            pollfd writable{fd_, POLLOUT, 0};
            ::poll(&writable, 1, 100);
        } else if (errno != ECONNREFUSED) {
            fail("sendmmsg");
        }
    }
    waiting_ = 0;
}

std::size_t ManySources::receive(int wait_ms, const std::function<void(MutableBytes)>& take) {
    pollfd readable{fd_, POLLIN, 0};
    if (wait_ms > 0 && ::poll(&readable, 1, wait_ms) <= 0) return 0;
    const int count = ::recvmmsg(fd_, buffers_->in.headers.data(), kLoadBatch, 0, nullptr);
    for (int i = 0; i < count; ++i) {
        const auto at = static_cast<std::size_t>(i);
        take(MutableBytes{buffers_->in.bytes[at]}.first(buffers_->in.headers[at].msg_len));
    }
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

}  // namespace pinhole::bench
