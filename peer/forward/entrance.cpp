#include "peer/forward/entrance.hpp"

#include <algorithm>
#include <utility>

#include <asio/ip/v6_only.hpp>
#include <fmt/format.h>

#include "peer/forward/asio_endpoint.hpp"
#include "peer/forward/tcp_bridge.hpp"

namespace pinhole::peer {
namespace {

/// Datagrams between two looks at the loop.
constexpr int kDatagramsMax = 64;
/// When the system has no descriptors left for one more connection.
constexpr std::chrono::seconds kAcceptPause{1};

void reset(asio::ip::tcp::socket& socket) {
    std::error_code ignored;
    socket.set_option(asio::socket_base::linger{true, 0}, ignored);
    socket.close(ignored);
}

}  // namespace

Entrance::Entrance(Desk& desk, const Id& peer, const ForwardSpec& spec)
    : desk_(desk), peer_(peer), spec_(spec), pause_(desk.io()) {}

Result<std::shared_ptr<Entrance>, std::string> Entrance::open(
    Desk& desk, const Id& peer, const ForwardSpec& spec, const std::vector<Endpoint>& endpoints) {
    auto out = std::make_shared<Entrance>(desk, peer, spec);
    std::string why;
    for (const Endpoint& endpoint : endpoints) {
        const auto error = spec.transport == Transport::kTcp ? out->listen_tcp(endpoint)
                                                             : out->listen_udp(endpoint);
        // A machine without IPv6 has one loopback address less; a port that is taken is taken.
        const bool is_missing = error == std::errc::address_not_available ||
                                error == std::errc::address_family_not_supported;
        if (!error || (is_missing && endpoints.size() > 1)) continue;
        why = fmt::format("cannot listen on {} {}: {}", name_of(spec.transport),
                          endpoint.to_string(), error.message());
        break;
    }
    const bool is_deaf = out->acceptors_.empty() && out->sockets_.empty();
    if (why.empty() && is_deaf) {
        why = fmt::format("cannot listen on {}: this machine has no such address", spec.entrance());
    }
    if (!why.empty()) return failure(why);
    for (std::size_t i = 0; i < out->acceptors_.size(); ++i) out->accept(i);
    for (std::size_t i = 0; i < out->sockets_.size(); ++i) out->wait_for_datagrams(i);
    return out;
}

Carried Entrance::carried() const {
    return {.peer = peer_,
            .transport = spec_.transport,
            .target = text_of(spec_.target),
            .is_ours = true};
}

void Entrance::on_connected() {
    for (Waiting& waiting : std::exchange(waiting_, {})) forward(std::move(waiting.socket));
}

void Entrance::handle_timeout(Instant now) {
    while (!waiting_.empty() && now >= waiting_.front().until) {
        reset(waiting_.front().socket);
        waiting_.pop_front();
    }
}

void Entrance::close() {
    is_closed_ = true;
    std::error_code ignored;
    pause_.cancel();
    for (auto& acceptor : acceptors_) acceptor.close(ignored);
    for (auto& socket : sockets_) socket.close(ignored);
    for (Waiting& waiting : waiting_) reset(waiting.socket);
    waiting_.clear();
}

// ---- TCP

std::error_code Entrance::listen_tcp(const Endpoint& endpoint) {
    const auto place = asio_endpoint<asio::ip::tcp>(endpoint);
    asio::ip::tcp::acceptor acceptor{desk_.io()};
    std::error_code error;
    acceptor.open(place.protocol(), error);
    if (error) return error;
    acceptor.set_option(asio::socket_base::reuse_address{true}, error);
    if (endpoint.ip.is_v6()) acceptor.set_option(asio::ip::v6_only{true}, error);
    acceptor.bind(place, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) acceptors_.push_back(std::move(acceptor));
    return error;
}

void Entrance::accept(std::size_t listener) {
    acceptors_[listener].async_accept(
        [self = shared_from_this(), listener](std::error_code error, asio::ip::tcp::socket socket) {
            if (self->is_closed_) return;
            const bool is_full = error == std::errc::too_many_files_open ||
                                 error == std::errc::too_many_files_open_in_system ||
                                 error == std::errc::no_buffer_space ||
                                 error == std::errc::not_enough_memory;
            if (is_full) {
                self->desk_.say_once(fmt::format("connections to {} have to wait: {}",
                                                 self->spec_.entrance(), error.message()));
                self->pause_.expires_after(kAcceptPause);
                self->pause_.async_wait([self, listener](std::error_code cancelled) {
                    if (!cancelled && !self->is_closed_) self->accept(listener);
                });
                return;
            }
            if (!error) self->on_client(std::move(socket));
            if (!self->is_closed_) self->accept(listener);
            self->desk_.settle();
        });
}

void Entrance::on_client(asio::ip::tcp::socket socket) {
    if (desk_.is_connected(peer_)) return forward(std::move(socket));
    desk_.say_once(fmt::format("{} is not there: connections to {} wait for {} seconds", peer_,
                               spec_.entrance(), kWaitForPeer / std::chrono::seconds{1}));
    if (waiting_.size() >= kWaitingMax) return reset(socket);
    waiting_.push_back({std::move(socket), desk_.now() + kWaitForPeer});
}

void Entrance::forward(asio::ip::tcp::socket socket) {
    Links& links = desk_.links(Transport::kTcp);
    if (links.count(peer_) >= desk_.bounds().connections) {
        desk_.refused(carried(), "too many connections at once");
        return reset(socket);
    }
    auto bridge = std::make_shared<TcpBridge>(desk_, std::move(socket), carried());
    bridge->expect(links.open(peer_, text_of(spec_.target), bridge));
}

// ---- UDP

std::error_code Entrance::listen_udp(const Endpoint& endpoint) {
    const auto place = asio_endpoint<asio::ip::udp>(endpoint);
    asio::ip::udp::socket socket{desk_.io()};
    std::error_code error;
    socket.open(place.protocol(), error);
    if (error) return error;
    if (endpoint.ip.is_v6()) socket.set_option(asio::ip::v6_only{true}, error);
    socket.bind(place, error);
    if (!error) socket.non_blocking(true, error);
    if (!error) sockets_.push_back(std::move(socket));
    return error;
}

void Entrance::wait_for_datagrams(std::size_t listener) {
    sockets_[listener].async_wait(asio::socket_base::wait_read,
                                  [self = shared_from_this(), listener](std::error_code error) {
                                      if (error || self->is_closed_) return;
                                      self->on_datagrams(listener);
                                      self->wait_for_datagrams(listener);
                                      self->desk_.settle();
                                  });
}

void Entrance::on_datagrams(std::size_t listener) {
    for (int count = 0; count < kDatagramsMax; ++count) {
        const MutableBytes buffer = desk_.buffer();
        UdpClient client;
        std::error_code error;
        const std::size_t size = sockets_[listener].receive_from(
            asio::buffer(buffer.data(), buffer.size()), client, 0, error);
        if (error == asio::error::would_block) return;
        // What else can fail is the word of some client's machine about an earlier datagram.
        if (error) continue;
        if (const auto flow = flow_of(listener, client)) flow->take(Bytes{buffer}.first(size));
    }
}

std::shared_ptr<UdpFlow> Entrance::flow_of(std::size_t listener, const UdpClient& client) {
    const auto found = flows_.find({listener, client});
    if (found != flows_.end()) return found->second;
    if (!desk_.is_connected(peer_)) {
        desk_.say_once(
            fmt::format("{} is not there: datagrams to {} are dropped", peer_, spec_.entrance()));
        return nullptr;
    }
    if (flows_.size() >= desk_.bounds().udp_sources) {
        desk_.say_once(fmt::format("more than {} clients of {}: datagrams of others are dropped",
                                   desk_.bounds().udp_sources, spec_.entrance()));
        return nullptr;
    }
    const auto weak = weak_from_this();
    auto flow = std::make_shared<UdpFlow>(
        desk_, carried(),
        [weak, listener, client](Bytes bytes) {
            const auto self = weak.lock();
            if (!self || self->is_closed_) return false;
            std::error_code error;
            self->sockets_[listener].send_to(asio::buffer(bytes.data(), bytes.size()), client, 0,
                                             error);
            return !error;
        },
        [weak, listener, client] {
            if (const auto self = weak.lock()) self->flows_.erase({listener, client});
        });
    flows_.emplace(std::pair{listener, client}, flow);
    flow->expect(desk_.links(Transport::kUdp).open(peer_, text_of(spec_.target), flow));
    return flow;
}

}  // namespace pinhole::peer
