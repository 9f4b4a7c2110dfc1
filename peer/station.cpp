#include "peer/station.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "shared/net/clock.hpp"
#include "shared/net/state_dir.hpp"

namespace pinhole::peer {
namespace {

constexpr const char* kKnownPeersFile = "known_peers";

}  // namespace

Station::Station(const StationOptions& options, bool only_listens,
                 const net::Environment& environment)
    : options_(options),
      screen_(io_,
              {.out_fd = options.owns_stdout ? STDERR_FILENO : STDOUT_FILENO,
               .quiet = options.quiet,
               .color = options.color},
              environment),
      narrator_(screen_, {.json = options.json,
                          .self = options.id,
                          .via = options.via,
                          .only_listens = only_listens}),
      identity_(net::IdentityFile::load_or_create(
          net::identity_path(net::state_directory(environment), options.id.text()), random_)),
      trust_(net::state_directory(environment) / kKnownPeersFile),
      streams_({.send = [this](const Id& peer, std::uint8_t channel,
                               Bytes message) { return send(peer, channel, message); },
                .has_room = [this](const Id& peer) { return has_room(peer); }}),
      node_(node_config(), random_),
      driver_(io_, node_, [this](const node::NodeEvent& event) { on_event(event); }),
      resolver_(io_),
      deadline_(io_, [this] { on_deadline(); }),
      interrupts_(io_, [this](int number) { on_signal(number); }) {
    if (identity_.is_new()) {
        narrator_.say(fmt::format("new identity {} {}, saved", options_.id, node_.key()));
    }
    for (const auto& [id, key] : options_.pins) node_.trust(id, key);
    screen_.set_listener([this] { on_output(); });
    open_status_socket(environment);
    if (const KnownKey* known = trust_.find_server(options_.via)) {
        server_key_ = known->key;
        trust_known_peers();
    }
}

Station::~Station() = default;

node::NodeConfig Station::node_config() const {
    node::NodeConfig config{.id = options_.id, .keys = identity_.keys().clone()};
    if (options_.psk_file) config.psk = net::load_group_key(*options_.psk_file);
    config.accept = options_.accept;
    config.maps_ports = options_.maps_ports;
    config.server_tcp_port = options_.tcp_port;
    config.nat_discovery = {.low_ports = options_.low_ports,
                            .lifetime = options_.measures_lifetime};
    config.sprays = options_.sprays;
    if (const KnownKey* known = trust_.find_server(options_.via)) config.server_key = known->key;
    if (options_.server_pin) config.server_key = options_.server_pin;
    return config;
}

Instant Station::now() const {
    return net::now();
}

// ---- life

ExitCode Station::run(Activity& activity) {
    activity_ = &activity;
    start();
    io_.run();
    activity_ = nullptr;
    if (screen_.broken_by() == 0) return code_;
    return screen_.broken_by() == EPIPE ? ExitCode::kPipe : ExitCode::kOther;
}

void Station::start() {
    int sockets = 0;
    for (const auto& [id, family] : {std::pair{kSocketV4, Family::kV4}, {kSocketV6, Family::kV6}}) {
        auto socket = net::UdpSocket::try_open({IpAddress::any(family), 0});
        if (!socket) continue;
        driver_.add_socket(id, std::move(*socket));
        ++sockets;
    }
    driver_.start();
    activity_->on_start();
    if (sockets == 0) {
        return fail({ExitCode::kOther,
                     "this machine gives us no UDP socket, IPv4 or IPv6\n  too "
                     "few open files allowed, or a sandbox without network? See: "
                     "ulimit -n ; ip address"});
    }
    narrator_.resolving(now());
    resolver_.resolve(options_.via, kDefaultPort,
                      [this](const net::Resolved& resolved) { on_resolved(resolved); });
    settle();
}

// A convenience: nobody is kept from talking because it cannot be had.
void Station::open_status_socket(const net::Environment& environment) {
    try {
        status_.emplace(io_, status_path(environment, options_.id), [this](StatusForm form) {
            return form == StatusForm::kText ? status_text(report()) : status_json(report());
        });
    } catch (const std::exception& error) {
        narrator_.say(fmt::format("'peer status' cannot ask this process: {}", error.what()));
    }
}

StatusReport Station::report() const {
    return {.id = options_.id,
            .key = node_.key(),
            .pid = ::getpid(),
            .via = options_.via,
            .is_registered = node_.is_registered(),
            .server = server_,
            .port_mapping = node_.port_mapping(),
            .streams = streams_.size(),
            .datagrams_dropped = streams_.datagrams_dropped(),
            .peers = node_.peers()};
}

void Station::on_resolved(const net::Resolved& resolved) {
    if (leaving_) return;
    if (!resolved) return fail(name_not_resolved(resolved.error().sentence));
    narrator_.registering(now());
    node_.start(now(), *resolved);
    settle();
}

void Station::settle() {
    driver_.drain();
    if (screen_.broken_by() != 0) leave_unread();
    arm();
}

void Station::arm() {
    if (finished_) return;
    Instant at = std::min({farewell_until_, tell_waiting_at_, narrator_.next_timeout()});
    if (activity_ != nullptr && !leaving_) at = std::min(at, activity_->next_timeout());
    deadline_.arm(at);
}

void Station::on_deadline() {
    const Instant at = now();
    if (at >= farewell_until_) return say_goodbye();
    if (at >= tell_waiting_at_) {
        tell_waiting_at_ = kNever;
        narrator_.say(
            fmt::format("waiting for the reader of standard output ({} bytes); Ctrl-C "
                        "gives them up",
                        screen_.waiting_bytes()));
    }
    narrator_.handle_timeout(at);
    if (!leaving_) activity_->handle_timeout(at);
    settle();
}

void Station::on_signal(int number) {
    was_signalled_ = true;
    // With a pipe on this terminal, the line may hold data.
    if (number == SIGINT && !options_.owns_stdout) screen_.clear_key_echo();
    const ExitCode code = number == SIGINT ? ExitCode::kInterrupted : ExitCode::kTerminated;
    if (!said_goodbye_) return leave(code);
    code_ = code;
    finish();
}

void Station::on_output() {
    if (said_goodbye_) {
        finish_if_done();
        return;
    }
    if (!leaving_) activity_->on_output();
    settle();
}

void Station::leave_unread() {
    if (leaving_) return;
    const int error = screen_.broken_by();
    if (error == EPIPE) return leave(ExitCode::kPipe);
    fail({ExitCode::kOther, fmt::format("standard output: {}; is there room for it?",
                                        std::generic_category().message(error))});
}

void Station::fail(const Problem& problem) {
    if (leaving_) return;
    narrator_.failed(problem);
    leave(problem.code);
}

void Station::wait_or_fail(const node::ConnectFailed& event) {
    // Another group key does not become ours by waiting.
    if (event.retrying && event.reason != node::CloseReason::kGroupKey) {
        return narrator_.waiting(now(), event.id, event.reason);
    }
    fail(not_connected(event.id, event.reason, options_.via));
}

void Station::fail_if_refused(const Problem& problem) {
    if (problem.code != ExitCode::kRendezvousUnreachable) fail(problem);
}

void Station::leave(ExitCode code) {
    if (std::exchange(leaving_, true)) return;
    code_ = code;
    node_.refuse_calls();
    activity_->on_leaving();
    const Instant at = now();
    const auto open = numbers_;
    for (const auto& [id, number] : open) {
        send(id, Bye{});
        node_.disconnect(at, number);
    }
    farewell_until_ = open.empty() ? at : at + kFarewellTime;
    settle();
}

void Station::say_goodbye() {
    farewell_until_ = kNever;
    if (std::exchange(said_goodbye_, true)) return;
    node_.shutdown(now());
    driver_.stop([this] {
        is_offline_ = true;
        finish_if_done();
    });
    resolver_.cancel();
    if (was_signalled_ || screen_.waiting_bytes() == 0) return;
    tell_waiting_at_ = now() + kFarewellTime;
    arm();
}

void Station::finish_if_done() {
    if (is_offline_ && (was_signalled_ || screen_.waiting_bytes() == 0)) finish();
}

void Station::finish() {
    if (std::exchange(finished_, true)) return;
    if (screen_.waiting_bytes() > 0) {
        narrator_.warn(fmt::format("{} bytes for standard output are given up: nobody read them",
                                   screen_.waiting_bytes()));
    }
    deadline_.cancel();
    interrupts_.cancel();
    if (status_) status_->stop();
    io_.stop();
}

// ---- commands

void Station::connect(const Id& peer, bool keep_trying) {
    node_.connect(now(), peer, keep_trying);
}

void Station::join(const Id& room) {
    node_.join(now(), room);
}

bool Station::send(const Id& peer, const Control& message) {
    return send(peer, kControlChannel, encode(message));
}

bool Station::send(const Id& peer, const ChatText& text) {
    return send(peer, kChatChannel, encode(text));
}

bool Station::send(const Id& peer, std::uint8_t channel, Bytes message) {
    const auto number = numbers_.find(peer);
    if (number == numbers_.end()) return false;
    const auto delivery = channel == kStreamDatagramChannel ? reliable::Delivery::kUnreliable
                                                            : reliable::Delivery::kReliable;
    return node_
        .send(now(), number->second, {.channel = channel, .bytes = message, .delivery = delivery})
        .has_value();
}

bool Station::has_room(const Id& peer) const {
    const auto number = numbers_.find(peer);
    return number != numbers_.end() && node_.has_room(number->second);
}

const Id* Station::id_of(PeerNumber number) const {
    const auto found = ids_.find(number);
    return found == ids_.end() ? nullptr : &found->second;
}

void Station::disconnect(const Id& peer) {
    const auto number = numbers_.find(peer);
    if (number != numbers_.end()) return node_.disconnect(now(), number->second);
    for (const auto& status : node_.peers()) {
        if (status.id == peer) return node_.disconnect(now(), status.peer);
    }
}

}  // namespace pinhole::peer
