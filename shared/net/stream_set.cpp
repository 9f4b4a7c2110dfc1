#include "shared/net/stream_set.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include <asio/ip/v6_only.hpp>
#include <asio/post.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "shared/base/cursor.hpp"
#include "shared/net/clock.hpp"
#include "shared/net/sockaddr.hpp"

namespace pinhole::net {
namespace {

using asio::ip::tcp;

constexpr std::size_t kHeaderSize = 2;
constexpr int kBacklog = 256;
/// How often idle connections are looked for, and accepting is tried again without descriptors.
constexpr Duration kSweepInterval = 5s;
/// A dead connection shows after 30 s + 3 * 10 s of silence, also where nobody sends anything.
constexpr int kKeepaliveIdleSeconds = 30;
constexpr int kKeepaliveIntervalSeconds = 10;
constexpr int kKeepaliveProbes = 3;

tcp::endpoint to_asio(const Endpoint& endpoint) {
    const SocketAddress address = SocketAddress::from(endpoint);
    tcp::endpoint out;
    out.resize(address.size);
    std::copy_n(reinterpret_cast<const std::byte*>(&address.storage), address.size,
                reinterpret_cast<std::byte*>(out.data()));
    return out;
}

Endpoint from_asio(const tcp::endpoint& endpoint) {
    return endpoint_from(endpoint.data()).value_or(Endpoint{});
}

tcp protocol_of(Family family) {
    return family == Family::kV4 ? tcp::v4() : tcp::v6();
}

/// Failures cost comfort and nothing else.
void configure(tcp::socket& socket) {
    asio::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.set_option(tcp::no_delay{true}, ignored);
    socket.set_option(asio::socket_base::keep_alive{true}, ignored);
    const int fd = socket.native_handle();
    const auto set = [fd](int option, int value) {
        static_cast<void>(::setsockopt(fd, IPPROTO_TCP, option, &value, sizeof value));
    };
    set(TCP_KEEPIDLE, kKeepaliveIdleSeconds);
    set(TCP_KEEPINTVL, kKeepaliveIntervalSeconds);
    set(TCP_KEEPCNT, kKeepaliveProbes);
}

}  // namespace

StreamSet::StreamSet(asio::io_context& io, Callbacks callbacks)
    : io_(io),
      callbacks_(std::move(callbacks)),
      sweep_(io, [this] { on_sweep(); }),
      arena_(std::make_unique<ReadArena>()) {}

StreamSet::~StreamSet() = default;

// ---- taking connections

Endpoint StreamSet::listen(const Endpoint& local) {
    Acceptor acceptor{io_};
    asio::error_code error;
    acceptor.open(protocol_of(local.ip.family()), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address{true}, error);
    if (!error && local.ip.is_v6()) acceptor.set_option(asio::ip::v6_only{true}, error);
    if (!error) acceptor.bind(to_asio(local), error);
    if (!error) acceptor.listen(kBacklog, error);
    // Asio's category does not compare with std::errc.
    if (error) throw std::system_error(error.value(), std::generic_category(), "listen");
    return take(std::move(acceptor));
}

Endpoint StreamSet::listen(UniqueFd listening) {
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    if (::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&name), &size) != 0) {
        throw std::system_error(errno, std::generic_category(), "getsockname");
    }
    Acceptor acceptor{io_};
    acceptor.assign(name.ss_family == AF_INET ? tcp::v4() : tcp::v6(), listening.get());
    static_cast<void>(listening.release());
    return take(std::move(acceptor));
}

Endpoint StreamSet::take(Acceptor acceptor) {
    acceptor.non_blocking(true);
    const Endpoint local = from_asio(acceptor.local_endpoint());
    listeners_.push_back(std::move(acceptor));
    wait_for_callers(listeners_.size() - 1);
    return local;
}

void StreamSet::wait_for_callers(std::size_t listener) {
    listeners_[listener].async_wait(tcp::acceptor::wait_read,
                                    [this, listener](const asio::error_code& error) {
                                        if (!error) accept_some(listener);
                                    });
}

void StreamSet::accept_some(std::size_t listener) {
    for (std::size_t i = 0; i < kAcceptsPerTurn; ++i) {
        if (listener >= listeners_.size()) return;  // the news of the last caller closed all
        asio::error_code error;
        Socket socket = listeners_[listener].accept(error);
        const bool has_none = error == asio::error::would_block || error == asio::error::try_again;
        if (has_none) break;
        if (error && (error.value() == EMFILE || error.value() == ENFILE)) {
            // The caller stays in the backlog, so waiting for it would spin.
            totals_.drops.add(StreamDrop::kNoDescriptors);
            paused_.push_back(listener);
            sweep_.arm(now() + kSweepInterval);
            return;
        }
        if (!error) admit(std::move(socket));
    }
    if (listener < listeners_.size()) wait_for_callers(listener);
}

void StreamSet::admit(Socket socket) {
    asio::error_code error;
    const Endpoint remote = from_asio(socket.remote_endpoint(error));
    if (error) return;  // it left again
    const auto known = of_subscriber_.find(subscriber_prefix(remote.ip));
    const bool is_greedy = known != of_subscriber_.end() && known->second >= kStreamsPerSubscriber;
    if (is_greedy || streams_.size() >= kStreamsMax) {
        totals_.drops.add(StreamDrop::kTooMany);
        return;
    }
    SocketId id;
    do {
        id = SocketId{kStreamBit | kAcceptedBit | (next_accepted_++ & (kAcceptedBit - 1))};
    } while (streams_.contains(id));
    announce(id, *add(id, std::move(socket), remote), true);
}

// ---- life of a stream

StreamSet::Stream* StreamSet::find(SocketId id) {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : &found->second;
}

StreamSet::Stream* StreamSet::add(SocketId id, Socket socket, const Endpoint& remote) {
    if (streams_.empty()) sweep_.arm(now() + kSweepInterval);
    ++of_subscriber_[subscriber_prefix(remote.ip)];
    const auto [entry, is_new] = streams_.try_emplace(
        id, Stream{.socket = std::move(socket), .remote = remote, .last_heard = now()});
    assert(is_new);
    return &entry->second;
}

void StreamSet::open(const OpenStream& request) {
    assert(is_stream(request.socket));
    close(request.socket);
    Stream& stream = *add(request.socket, Socket{io_}, request.remote);
    asio::error_code error;
    stream.socket.open(protocol_of(request.remote.ip.family()), error);
    if (error) return finish(request.socket);
    stream.socket.async_connect(
        to_asio(request.remote),
        [this, id = request.socket](const asio::error_code& failed) { on_connected(id, failed); });
}

void StreamSet::on_connected(SocketId id, const asio::error_code& error) {
    // A cancelled one was closed; its name may stand for another one by now.
    if (error == asio::error::operation_aborted) return;
    Stream* stream = find(id);
    if (stream == nullptr || stream->is_open) return;
    if (error) return finish(id);
    announce(id, *stream, false);
}

void StreamSet::announce(SocketId id, Stream& stream, bool is_accepted) {
    configure(stream.socket);
    stream.is_open = true;
    stream.last_heard = now();
    asio::error_code error;
    const Endpoint local = from_asio(stream.socket.local_endpoint(error));
    news_.emplace_back(StreamOpened{
        .socket = id, .local = local, .remote = stream.remote, .is_accepted = is_accepted});
    rearm(id);
    callbacks_.on_news();
}

void StreamSet::close(SocketId id) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) return;
    if (found->second.is_dirty) write_some(id, found->second);
    const auto subscriber = of_subscriber_.find(subscriber_prefix(found->second.remote.ip));
    if (--subscriber->second == 0) of_subscriber_.erase(subscriber);
    std::erase(dirty_, id);
    streams_.erase(found);  // the socket's destructor closes it and cancels what waits
}

void StreamSet::finish(SocketId id, std::optional<StreamDrop> why) {
    if (why) totals_.drops.add(*why);
    close(id);
    news_.emplace_back(StreamClosed{id});
    // Whoever caused this may be in the middle of something: the news come by the loop.
    if (std::exchange(is_news_posted_, true)) return;
    asio::post(io_, [this] {
        is_news_posted_ = false;
        if (!news_.empty()) callbacks_.on_news();
    });
}

void StreamSet::close_all() {
    while (!streams_.empty()) close(streams_.begin()->first);
    listeners_.clear();
    paused_.clear();
    news_.clear();
    sweep_.cancel();
}

std::vector<IoEvent> StreamSet::take_news() {
    return std::exchange(news_, {});
}

const Endpoint& StreamSet::remote(SocketId id) const {
    return streams_.at(id).remote;
}

// ---- reading

void StreamSet::rearm(SocketId id) {
    Stream* stream = find(id);
    if (stream == nullptr) return;
    stream->socket.async_wait(Socket::wait_read, [this, id](const asio::error_code& error) {
        if (!error) callbacks_.on_readable(id);
    });
}

std::span<const Bytes> StreamSet::receive(SocketId id) {
    messages_.clear();
    Stream* stream = find(id);
    if (stream == nullptr) return {};
    std::ranges::copy(stream->partial, arena_->begin());
    const std::size_t kept = stream->partial.size();
    asio::error_code error;
    const std::size_t read =
        stream->socket.read_some(asio::buffer(arena_->data() + kept, kStreamReadMax), error);
    if (error == asio::error::would_block || error == asio::error::try_again) return {};
    if (error || read == 0) {
        finish(id);
        return {};
    }
    stream->last_heard = now();
    return split(id, *stream, kept + read);
}

std::span<const Bytes> StreamSet::split(SocketId id, Stream& stream, std::size_t size) {
    Bytes rest = Bytes{*arena_}.first(size);
    while (rest.size() >= kHeaderSize) {
        const std::size_t length = Reader{rest}.u16();
        if (length == 0 || length > kStreamMessageMax) {
            // What came before is whole and authenticates itself; what follows means nothing.
            finish(id, StreamDrop::kBadFraming);
            return messages_;
        }
        if (rest.size() < kHeaderSize + length) break;
        messages_.push_back(rest.subspan(kHeaderSize, length));
        totals_.received.add(length);
        rest = rest.subspan(kHeaderSize + length);
    }
    stream.partial.assign(rest.begin(), rest.end());
    return messages_;
}

// ---- writing

void StreamSet::send(const Transmit& transmit) {
    for_each_datagram(transmit.bytes, transmit.segment_size,
                      [&](Bytes message) { enqueue(transmit.path.socket, message); });
}

void StreamSet::enqueue(SocketId id, Bytes message) {
    Stream* stream = find(id);
    if (stream == nullptr || !stream->is_open) return totals_.drops.add(StreamDrop::kNotOpen);
    if (message.empty() || message.size() > kStreamMessageMax) {
        return totals_.drops.add(StreamDrop::kBadLength);
    }
    const std::size_t waiting = stream->queue.size() - stream->queue_taken;
    if (waiting + kHeaderSize + message.size() > kStreamQueueMax) {
        return totals_.drops.add(StreamDrop::kQueueFull);
    }
    FixedBytes<kHeaderSize> header;
    Writer{header}.u16(static_cast<std::uint16_t>(message.size()));
    stream->queue.insert(stream->queue.end(), header.begin(), header.end());
    stream->queue.insert(stream->queue.end(), message.begin(), message.end());
    totals_.sent.add(message.size());
    if (!std::exchange(stream->is_dirty, true)) dirty_.push_back(id);
}

void StreamSet::flush() {
    for (const SocketId id : std::exchange(dirty_, {})) {
        Stream* stream = find(id);
        if (stream == nullptr) continue;
        stream->is_dirty = false;
        if (!stream->is_writing) write_some(id, *stream);
    }
}

void StreamSet::write_some(SocketId id, Stream& stream) {
    asio::error_code error;
    const std::size_t waiting = stream.queue.size() - stream.queue_taken;
    const std::size_t taken = stream.socket.write_some(
        asio::buffer(stream.queue.data() + stream.queue_taken, waiting), error);
    if (!error) stream.queue_taken += taken;
    const bool is_full = error == asio::error::would_block || error == asio::error::try_again;
    if (error && !is_full) {
        // The reading side hears of it too, and ends the stream.
        stream.queue_taken = stream.queue.size();
    }
    if (stream.queue_taken == stream.queue.size()) {
        // Thousands of connections must not each keep the room of their worst moment.
        if (stream.queue.capacity() > kStreamReadMax) stream.queue = {};
        stream.queue.clear();
        stream.queue_taken = 0;
        return;
    }
    if (stream.queue_taken > stream.queue.size() / 2) {
        stream.queue.erase(stream.queue.begin(),
                           stream.queue.begin() + static_cast<std::ptrdiff_t>(stream.queue_taken));
        stream.queue_taken = 0;
    }
    stream.is_writing = true;
    stream.socket.async_wait(Socket::wait_write, [this, id](const asio::error_code& failed) {
        Stream* woken = find(id);
        if (failed || woken == nullptr) return;
        woken->is_writing = false;
        write_some(id, *woken);
    });
}

// ---- time

void StreamSet::on_sweep() {
    for (const std::size_t listener : std::exchange(paused_, {})) accept_some(listener);
    std::vector<SocketId> idle;
    const Instant at = now();
    for (const auto& [id, stream] : streams_) {
        if (at - stream.last_heard >= kStreamIdleMax) idle.push_back(id);
    }
    for (const SocketId id : idle) finish(id, StreamDrop::kIdle);
    if (!streams_.empty() || !paused_.empty()) sweep_.arm(at + kSweepInterval);
}

}  // namespace pinhole::net
