#include "shared/library/live_node.hpp"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "shared/net/clock.hpp"
#include "shared/net/udp_socket.hpp"

namespace pinhole::library {
namespace {

constexpr int kTurnsWhenLate = 64;
// Asio adds it to its clock, where "for ever" would not fit.
constexpr Duration kLongestWait = 1h;

}  // namespace

LiveNode::LiveNode(node::NodeConfig config, std::optional<net::IdentityFile> identity,
                   std::string server)
    : identity_(std::move(identity)),
      server_(std::move(server)),
      node_(std::move(config), random_),
      driver_(io_, node_,
              [this](const node::NodeEvent& event) {
                  if (KeptEvent::is_shown(event)) events_.emplace_back(event, node_);
              }),
      resolver_(io_),
      resolve_again_(io_, [this] { resolve(); }) {
    open_sockets();
    driver_.start();
    resolve();
}

LiveNode::~LiveNode() {
    try {
        say_goodbye();
    } catch (const std::exception&) {
        // Out of memory or descriptors. The sockets close all the same; the others will find out.
    }
}

void LiveNode::say_goodbye() {
    resolver_.cancel();
    resolve_again_.cancel();
    node_.shutdown(net::now());
    bool is_stopped = false;
    driver_.stop([&] { is_stopped = true; });
    while (!is_stopped && io_.run_one() > 0) {
    }
    // Sockets and timers hear that they were closed.
    io_.poll();
}

void LiveNode::open_sockets() {
    std::error_code trouble;
    bool is_any = false;
    for (const auto& [id, family] : {std::pair{kSocketV4, Family::kV4}, {kSocketV6, Family::kV6}}) {
        auto socket = net::UdpSocket::try_open({IpAddress::any(family), 0});
        if (socket) {
            driver_.add_socket(id, std::move(*socket));
            is_any = true;
        } else {
            trouble = socket.error();
        }
    }
    if (!is_any) throw std::system_error(trouble, "cannot open a UDP socket, IPv4 or IPv6");
}

void LiveNode::resolve() {
    resolver_.resolve(server_, kServerPort,
                      [this](const net::Resolved& resolved) { on_resolved(resolved); });
}

void LiveNode::on_resolved(const net::Resolved& resolved) {
    if (!resolved) {
        events_.emplace_back(resolved.error().sentence);
        resolve_again_.arm(net::now() + kResolveAgain);
        return;
    }
    node_.start(net::now(), *resolved);
    driver_.drain();
}

bool LiveNode::poll(std::optional<Duration> patience) {
    if (is_shown_) {
        events_.pop_front();
        is_shown_ = false;
    }
    // Since the last time the owner mutated the node.
    driver_.drain();
    const Instant until = patience ? net::now() + *patience : kNever;
    for (int turn = 0; events_.empty(); ++turn) {
        // Much may come that raises no event; still all that is there gets its turn first.
        if (turn >= kTurnsWhenLate && net::now() >= until) break;
        if (io_.poll_one() > 0) continue;
        const Duration left = until - net::now();
        if (left <= Duration{0}) break;
        if (io_.run_one_for(std::min<Duration>(left, kLongestWait)) == 0 && io_.stopped()) break;
    }
    return !events_.empty();
}

const pinhole_event* LiveNode::next_event() {
    if (is_shown_) events_.pop_front();
    is_shown_ = !events_.empty();
    return is_shown_ ? &events_.front().shown() : nullptr;
}

}  // namespace pinhole::library
