// How datagrams pass a `UdpSocket`: many in one system call, and runs of equal size to one path as
// one message that the kernel or the network card takes apart (UDP_SEGMENT) and puts together
// (UDP_GRO). Nothing is copied here: what leaves is read where it stands, and what arrives is lent
// from the arena.
#include <array>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "shared/net/sockaddr.hpp"
#include "shared/net/udp_socket.hpp"

namespace pinhole::net {
namespace {

/// The largest payload that the length field of UDP could describe.
constexpr std::size_t kUdpDatagramMax = 65'535;

/// What one batch should bring at most; it may bring more when datagrams grow from one to the next.
constexpr std::size_t kBatchBytes = 256 * 1024;
constexpr std::size_t kBatchMessagesMin = 4;

/// Room for one integer of ancillary data of each of TTL, traffic class and segment size.
constexpr std::size_t kControlBytes = 3 * CMSG_SPACE(sizeof(int));

/// How often a receive or a send is tried again because it reported an older datagram's error.
constexpr int kPendingErrorsMax = 4;

struct alignas(cmsghdr) Control {
    std::array<std::byte, kControlBytes> bytes;
};

/// Appends one number of ancillary data behind those that `header` holds already.
template <class Number>
void append_control(msghdr& header, int level, int type, Number value) {
    cmsghdr control{};
    control.cmsg_level = level;
    control.cmsg_type = type;
    control.cmsg_len = CMSG_LEN(sizeof value);
    auto* at = static_cast<std::byte*>(header.msg_control) + header.msg_controllen;
    std::memcpy(at, &control, sizeof control);
    std::memcpy(at + CMSG_LEN(0), &value, sizeof value);
    header.msg_controllen += CMSG_SPACE(sizeof value);
}

/// The number of type `type` that `header` carries for UDP; 0 without one.
template <class Number>
Number udp_control(msghdr& header, int type) {
    for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at)) {
        if (at->cmsg_level != IPPROTO_UDP || at->cmsg_type != type) continue;
        Number value{};
        std::memcpy(&value, CMSG_DATA(at), sizeof value);
        return value;
    }
    return 0;
}

/// Of an outgoing message; 0 when it is one datagram.
std::size_t segment_size_of(msghdr& header) {
    return udp_control<std::uint16_t>(header, UDP_SEGMENT);
}

std::size_t datagrams_in(msghdr& header) {
    return count_datagrams(header.msg_iov->iov_len, segment_size_of(header));
}

/// What the kernel says to a run that this socket, its route or its device cannot take.
bool refuses_runs(int error) {
    return error == EIO || error == EINVAL || error == ENOPROTOOPT;
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
    std::array<std::array<std::byte, kUdpDatagramMax>, kBatchDatagrams> buffers;
    std::array<sockaddr_storage, kBatchDatagrams> names;
    std::array<iovec, kBatchDatagrams> pieces;
    std::array<Control, kBatchDatagrams> controls;
    std::array<mmsghdr, kBatchDatagrams> headers;
    std::array<Received, kBatchDatagrams> received;
    /// How many messages the next batch asks for.
    std::size_t wanted;
    bool is_filled;
};

struct SendBatch::Storage {
    std::size_t count;
    std::array<SocketAddress, kBatchDatagrams> names;
    std::array<iovec, kBatchDatagrams> pieces;
    std::array<mmsghdr, kBatchDatagrams> headers;
    std::array<Control, kBatchDatagrams> controls;
};

// Not cleared: most of its pages are never touched.
ReceiveArena::ReceiveArena() : storage_(std::make_unique_for_overwrite<Storage>()) {
    storage_->wanted = kBatchDatagrams;
    storage_->is_filled = false;
}
ReceiveArena::~ReceiveArena() = default;
ReceiveArena::ReceiveArena(ReceiveArena&&) noexcept = default;
ReceiveArena& ReceiveArena::operator=(ReceiveArena&&) noexcept = default;

bool ReceiveArena::is_filled() const {
    return storage_->is_filled;
}

SendBatch::SendBatch() : storage_(std::make_unique<Storage>()) {}
SendBatch::~SendBatch() = default;
SendBatch::SendBatch(SendBatch&&) noexcept = default;
SendBatch& SendBatch::operator=(SendBatch&&) noexcept = default;

bool SendBatch::empty() const {
    return storage_->count == 0;
}

// ---- in

std::span<const Received> UdpSocket::receive(ReceiveArena& arena) {
    ReceiveArena::Storage& in = *arena.storage_;
    for (std::size_t i = 0; i < in.wanted; ++i) {
        in.pieces[i] = {in.buffers[i].data(), in.buffers[i].size()};
        in.headers[i] = {};
        msghdr& header = in.headers[i].msg_hdr;
        header.msg_iov = &in.pieces[i];
        header.msg_iovlen = 1;
        header.msg_name = &in.names[i];
        header.msg_namelen = sizeof in.names[i];
        header.msg_control = in.controls[i].bytes.data();
        header.msg_controllen = in.controls[i].bytes.size();
    }
    int count = -1;
    in.is_filled = false;
    for (int attempt = 0; count < 0 && attempt < kPendingErrorsMax; ++attempt) {
        count =
            ::recvmmsg(fd_.get(), in.headers.data(), static_cast<unsigned>(in.wanted), 0, nullptr);
        if (count < 0 && errno == EAGAIN) return {};
        // The kernel tells an ICMP error once, to whichever call comes first, before any datagram.
        if (count < 0) may_have_errors_ = true;
    }
    if (count <= 0) return {};
    const auto messages = static_cast<std::size_t>(count);
    std::size_t bytes = 1;
    std::size_t delivered = 0;
    for (std::size_t i = 0; i < messages; ++i) {
        bytes += in.headers[i].msg_len;
        msghdr& header = in.headers[i].msg_hdr;
        const auto remote = endpoint_from(reinterpret_cast<const sockaddr*>(&in.names[i]));
        const auto segment = static_cast<std::size_t>(udp_control<int>(header, UDP_GRO));
        const Bytes run = Bytes{in.buffers[i]}.first(in.headers[i].msg_len);
        if ((header.msg_flags & MSG_TRUNC) != 0 || !remote) {
            drops_.add(SocketDrop::kTruncated, count_datagrams(run.size(), segment));
        } else if (const auto fitting = admit(run, segment)) {
            in.received[delivered++] = {*remote, fitting->bytes, fitting->segment_size};
        }
    }
    in.is_filled = messages == in.wanted;
    in.wanted = std::clamp(kBatchBytes * messages / bytes, kBatchMessagesMin, kBatchDatagrams);
    return std::span{in.received}.first(delivered);
}

std::optional<UdpSocket::Run> UdpSocket::admit(Bytes run, std::size_t segment_size) {
    const std::size_t count = count_datagrams(run.size(), segment_size);
    if (count > 1 && segment_size > kReceiveBytesMax) {
        // Somebody's oversize datagrams, and behind them perhaps a fitting one of our peer's.
        drops_.add(SocketDrop::kTruncated, count - 1);
        return admit(run.subspan((count - 1) * segment_size), 0);
    }
    if (count == 1 && run.size() > kReceiveBytesMax) {
        drops_.add(SocketDrop::kTruncated);
        return {};
    }
    received_.add(run.size(), count);
    return Run{run, static_cast<std::uint16_t>(count == 1 ? 0 : segment_size)};
}

// ---- out

void UdpSocket::enqueue(SendBatch& batch, const Transmit& transmit) {
    const std::size_t step = transmit.segment_size;
    // A time-to-live belongs to one datagram of a traversal, never to a run.
    if (step == 0 || !sends_runs_ || transmit.ttl || step > kRunBytesMax) {
        return for_each_datagram(transmit.bytes, step, [&](Bytes datagram) {
            enqueue_message(batch, transmit, {datagram, 0});
        });
    }
    const std::size_t most = std::min(kRunDatagramsMax, kRunBytesMax / step) * step;
    for_each_datagram(transmit.bytes, most, [&](Bytes run) {
        enqueue_message(batch, transmit,
                        {run, run.size() > step ? transmit.segment_size : std::uint16_t{0}});
    });
}

void UdpSocket::enqueue_message(SendBatch& batch, const Transmit& head, const Run& run) {
    if (run.bytes.size() > kUdpDatagramMax) {
        drops_.add(SocketDrop::kTooBig);
        return;
    }
    const bool v4 = local_.ip.is_v4();
    if (head.path.remote.ip.is_v4() != v4) {
        drops_.add(SocketDrop::kRefused, count_datagrams(run.bytes.size(), run.segment_size));
        return;
    }
    if (batch.storage_->count == kBatchDatagrams) flush(batch);
    SendBatch::Storage& out = *batch.storage_;
    const std::size_t i = out.count++;
    // The kernel only reads it; `iovec` serves both directions.
    out.pieces[i] = {const_cast<std::byte*>(run.bytes.data()), run.bytes.size()};
    out.names[i] = SocketAddress::from(head.path.remote);
    out.headers[i] = {};
    msghdr& header = out.headers[i].msg_hdr;
    header.msg_name = &out.names[i].storage;
    header.msg_namelen = out.names[i].size;
    header.msg_iov = &out.pieces[i];
    header.msg_iovlen = 1;
    header.msg_control = out.controls[i].bytes.data();
    const int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
    if (head.ttl) append_control(header, level, v4 ? IP_TTL : IPV6_HOPLIMIT, int{*head.ttl});
    if (head.ecn != 0) append_control(header, level, v4 ? IP_TOS : IPV6_TCLASS, head.ecn & 0x03);
    // Last, where `send_apart` takes it away.
    if (run.segment_size != 0) append_control(header, IPPROTO_UDP, UDP_SEGMENT, run.segment_size);
    if (header.msg_controllen == 0) header.msg_control = nullptr;
}

void UdpSocket::flush(SendBatch& batch) {
    SendBatch::Storage& out = *batch.storage_;
    send_all(std::span{out.headers}.first(out.count));
    out.count = 0;
}

void UdpSocket::send_all(std::span<mmsghdr> messages) {
    int attempts = 0;
    while (!messages.empty()) {
        const int done =
            ::sendmmsg(fd_.get(), messages.data(), static_cast<unsigned>(messages.size()), 0);
        if (done > 0) {
            const auto count = static_cast<std::size_t>(done);
            for (mmsghdr& sent : messages.first(count)) {
                sent_.add(sent.msg_hdr.msg_iov->iov_len, datagrams_in(sent.msg_hdr));
            }
            messages = messages.subspan(count);
            attempts = 0;
            continue;
        }
        const int error = errno;
        may_have_errors_ = true;
        msghdr& refused = messages.front().msg_hdr;
        if (refuses_runs(error) && segment_size_of(refused) != 0) {
            send_apart(refused);
            messages = messages.subspan(1);
            continue;
        }
        const SocketDrop reason = reason_of(error);
        // The error may be an ICMP answer to an older datagram, reported here without sending this
        // one; a second try tells.
        if (reason != SocketDrop::kQueueFull && ++attempts < kPendingErrorsMax) continue;
        attempts = 0;
        const std::size_t lost = error == EAGAIN ? messages.size() : 1;
        for (mmsghdr& dropped : messages.first(lost)) {
            drops_.add(reason, datagrams_in(dropped.msg_hdr));
        }
        messages = messages.subspan(lost);
    }
}

void UdpSocket::send_apart(const msghdr& run) {
    msghdr head = run;
    const std::size_t step = segment_size_of(head);
    head.msg_controllen -= CMSG_SPACE(sizeof(std::uint16_t));
    if (head.msg_controllen == 0) head.msg_control = nullptr;
    std::array<iovec, kRunDatagramsMax> pieces;
    std::array<mmsghdr, kRunDatagramsMax> headers;
    std::size_t count = 0;
    const Bytes bytes{static_cast<const std::byte*>(run.msg_iov->iov_base), run.msg_iov->iov_len};
    for_each_datagram(bytes, step, [&](Bytes datagram) {
        pieces[count] = {const_cast<std::byte*>(datagram.data()), datagram.size()};
        headers[count] = {};
        headers[count].msg_hdr = head;
        headers[count].msg_hdr.msg_iov = &pieces[count];
        ++count;
    });
    const std::uint64_t before = sent_.datagrams;
    send_all(std::span{headers}.first(count));
    // Where single ones do not pass either, the run was not to blame.
    if (sent_.datagrams == before + count) sends_runs_ = false;
}

}  // namespace pinhole::net
