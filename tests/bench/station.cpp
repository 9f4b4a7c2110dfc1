#include "tests/bench/station.hpp"

#include "rendezvous/server.hpp"
#include "tests/bench/processes.hpp"

namespace pinhole::bench {
namespace {

constexpr const char* kProgram = "benchmark";
/// What has not come about by then never will.
constexpr double kPatience = 30.0;

template <class Condition>
void wait_until(Station& station, const char* what, Condition condition) {
    const auto begun = Clock::now();
    while (!condition()) {
        if (seconds_since(begun) > kPatience) fail(kProgram, what);
        station.turn(kTurnMs, nullptr);
    }
}

}  // namespace

Endpoint server_at(const std::string& text) {
    const auto address = IpAddress::parse(text);
    if (!address || address->scope() == Scope::kLoopback) fail(kProgram, "not a usable address");
    return {*address, kServerPort};
}

Station::Station(std::string_view id, const Endpoint& server, bool offers_aes256gcm)
    : keys_(crypto::KeyPair::generate(random_)),
      node_(
          {.id = *node::Id::parse(id), .keys = keys_.clone(), .offers_aes256gcm = offers_aes256gcm},
          random_),
      driver_(io_, node_, [this](const node::NodeEvent& event) { on_event(event); }) {
    driver_.add_socket(kSocketV4, net::UdpSocket::open({IpAddress::any(Family::kV4), 0}));
    driver_.start();
    node_.start(net::now(), {server});
    driver_.drain();
}

void Station::wait_until_registered() {
    wait_until(*this, "the rendezvous does not answer", [&] { return node_.is_registered(); });
}

void Station::on_event(const node::NodeEvent& event) {
    if (const auto* message = std::get_if<node::MessageReceived>(&event)) {
        if (on_message_) on_message_(message->channel, message->bytes);
    } else if (const auto* connected = std::get_if<node::PeerConnected>(&event)) {
        peer_ = connected->peer;
    } else if (const auto* changed = std::get_if<node::PathChanged>(&event)) {
        is_direct_ = changed->state == node::PathState::kDirect;
    } else if (std::holds_alternative<node::PeerClosed>(event)) {
        peer_.reset();
        is_direct_ = false;
    }
}

void Station::call(std::string_view other) {
    node_.connect(net::now(), *node::Id::parse(other), true);
    wait_until(*this, "no session with the other node", [&] { return peer_.has_value(); });
}

void Station::connect(std::string_view other) {
    call(other);
    wait_until(*this, "no direct path between the two nodes", [&] { return is_direct_; });
}

void Station::wait_for_caller() {
    wait_until(*this, "nobody calls", [&] { return peer_.has_value(); });
}

bool Station::send(std::uint8_t channel, Octets bytes) {
    if (!peer_) fail(kProgram, "the other side is gone");
    return node_.send(net::now(), *peer_, {.channel = channel, .bytes = bytes}).has_value();
}

std::size_t Station::bytes_ahead() const {
    if (!peer_) fail(kProgram, "the other side is gone");
    return node_.bytes_unacknowledged(*peer_);
}

}  // namespace pinhole::bench
