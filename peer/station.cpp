#include "peer/station.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "shared/net/clock.hpp"
#include "shared/net/state_dir.hpp"

namespace pinhole::peer {
namespace {

constexpr const char* kKnownPeersFile = "known_peers";

}  // namespace

Station::Station(const StationOptions& options, bool only_listens,
                 const net::Environment& environment)
    : options_(options),
      screen_(io_, {.quiet = options.quiet, .color = options.color}, environment),
      narrator_(screen_, {.json = options.json,
                          .self = options.id,
                          .via = options.via,
                          .only_listens = only_listens}),
      identity_(net::IdentityFile::load_or_create(
          net::identity_path(net::state_directory(environment), options.id.text()), random_)),
      trust_(net::state_directory(environment) / kKnownPeersFile),
      node_(node_config(), random_),
      driver_(io_, node_, [this](const node::NodeEvent& event) { on_event(event); }),
      resolver_(io_),
      deadline_(io_, [this] { on_deadline(); }),
      interrupts_(io_, [this](int number) { on_signal(number); }) {
    if (identity_.is_new()) {
        narrator_.say(fmt::format("new identity {} {}, saved", options_.id, node_.key()));
    }
    screen_.set_listener([this] { on_output(); });
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
        return fail({ExitCode::kOther, "this machine gives us no UDP socket, IPv4 or IPv6"});
    }
    narrator_.resolving(now());
    resolver_.resolve(options_.via, kDefaultPort,
                      [this](const net::Resolved& resolved) { on_resolved(resolved); });
    settle();
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

void Station::leave(ExitCode code) {
    if (std::exchange(leaving_, true)) return;
    code_ = code;
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
    io_.stop();
}

// ---- commands

void Station::connect(const Id& peer, bool keep_trying) {
    node_.connect(now(), peer, keep_trying);
}

bool Station::send(const Id& peer, const Control& message) {
    return send(peer, kControlChannel, encode(message));
}

bool Station::send(const Id& peer, const ChatText& text) {
    return send(peer, kChatChannel, encode(text));
}

bool Station::send(const Id& peer, std::uint8_t channel, const ByteVector& message) {
    const auto number = numbers_.find(peer);
    if (number == numbers_.end()) return false;
    return node_.send(now(), number->second, {.channel = channel, .bytes = message}).has_value();
}

const Id* Station::id_of(PeerNumber number) const {
    const auto found = ids_.find(number);
    return found == ids_.end() ? nullptr : &found->second;
}

void Station::disconnect(const Id& peer) {
    const auto number = numbers_.find(peer);
    if (number != numbers_.end()) node_.disconnect(now(), number->second);
}

// ---- events

void Station::on_event(const node::NodeEvent& event) {
    std::visit([this](const auto& any) { on(any); }, event);
    if (screen_.broken_by() != 0) leave_unread();
    arm();
}

void Station::on(const node::ServerProven& event) {
    if (server_key_ == event.server_key) return;
    server_key_ = event.server_key;
    trust_known_peers();
}

void Station::on(const node::Registered& event) {
    bool is_new = false;
    if (!trust_.find_server(options_.via)) {
        try {
            is_new = trust_.remember_server(options_.via, event.server_key, net::wall_now()).key ==
                     event.server_key;
        } catch (const std::exception& error) {
            narrator_.warn(fmt::format("the rendezvous's key is not remembered: {}", error.what()));
        }
    }
    was_registered_ = true;
    server_ = event;
    narrator_.registered(now(), event, is_new);
    if (!leaving_) activity_->on_registered();
}

void Station::on(const node::ServerLost& event) {
    const KnownKey* known = trust_.find_server(options_.via);
    const Problem problem = server_trouble({.trouble = event.trouble,
                                            .via = options_.via,
                                            .self = options_.id,
                                            .known = known ? std::optional{*known} : std::nullopt,
                                            .shown = event.shown_key});
    const bool node_stops = event.trouble == node::ServerTrouble::kKeyChanged ||
                            event.trouble == node::ServerTrouble::kIdTaken ||
                            event.trouble == node::ServerTrouble::kReplaced;
    const bool never_came = !was_registered_ && event.trouble == node::ServerTrouble::kNoAnswer;
    if (never_came || (node_stops && numbers_.empty())) {
        narrator_.server_gone(event);
        return fail(problem);
    }
    narrator_.server_lost(event, problem);
    if (!was_registered_ && !leaving_) activity_->on_server_trouble(problem);
}

void Station::on(const node::PeerIntroduced& event) {
    narrator_.introduced(now(), event);
}

void Station::on(const node::CallRefused& event) {
    narrator_.call_refused(event);
}

void Station::on(const node::KeyMismatch& event) {
    if (!server_key_) return;
    const KnownKey* known = trust_.find_peer({.id = event.id, .server = *server_key_});
    note_key_change(event.id,
                    known ? *known : KnownKey{.key = event.pinned, .first_seen = "this start"},
                    event.announced);
}

void Station::note_key_change(const Id& id, const KnownKey& known,
                              const crypto::PublicKey& announced) {
    const PeerName name{.id = id, .server = *server_key_};
    const bool is_unique = trust_.known().peers_called(id.text()).size() <= 1;
    const Problem problem =
        peer_key_changed({.name = name,
                          .word = is_unique ? std::string{id.text()} : name.to_string(),
                          .known = known,
                          .announced = announced});
    const auto [said, is_new] = key_problems_.try_emplace(id, problem);
    if (!is_new && std::exchange(said->second, problem).text == problem.text) return;
    if (!leaving_) activity_->on_key_changed(id, problem);
}

std::optional<bool> Station::learn(const Id& id, const crypto::PublicKey& key) {
    const PeerName name{.id = id, .server = *server_key_};
    const KnownKey* known = trust_.find_peer(name);
    bool is_new = false;
    if (known == nullptr) {
        try {
            known = &trust_.remember_peer(name, key, net::wall_now());
            is_new = true;
        } catch (const std::exception& error) {
            narrator_.warn(fmt::format("the key of {} is not remembered: {}", id, error.what()));
        }
    }
    if (known != nullptr && known->key != key) {
        note_key_change(id, *known, key);
        return std::nullopt;
    }
    node_.trust(id, key);
    return is_new;
}

void Station::trust_known_peers() {
    for (const auto& [name, known] : trust_.known().peers) {
        if (name.server == *server_key_) node_.trust(name.id, known.key);
    }
}

void Station::on(const node::PeerConnected& event) {
    const auto is_new = learn(event.id, event.key);
    if (!is_new) {
        node_.disconnect(now(), event.peer);
        return;
    }
    ids_.insert_or_assign(event.peer, event.id);
    numbers_.insert_or_assign(event.id, event.peer);
    narrator_.connected(now(), event, *is_new);
    if (leaving_) return node_.disconnect(now(), event.peer);
    activity_->on_connected(event.id);
}

void Station::on(const node::MessageReceived& event) {
    const Id* id = id_of(event.peer);
    if (id == nullptr || leaving_) return;
    const Id peer = *id;
    if (event.channel == kChatChannel) {
        if (const auto text = parse_text(event.bytes)) activity_->on_text(peer, *text);
    } else if (event.channel == kControlChannel) {
        const auto control = parse_control(event.bytes);
        if (!control) return;
        if (const auto* echo = std::get_if<Echo>(&*control)) {
            send(peer, EchoReply{echo->token});
        } else {
            activity_->on_control(peer, *control);
        }
    }
}

void Station::on(const node::PathChanged& event) {
    const Id* id = id_of(event.peer);
    if (id == nullptr) return;
    const Id peer = *id;
    narrator_.path(now(), peer, event);
    if (!leaving_) activity_->on_path(peer, event);
}

void Station::on(const node::PeerClosed& event) {
    if (ids_.erase(event.peer) == 0) return;
    numbers_.erase(event.id);
    narrator_.closed(now(), event.id, event.reason);
    if (!leaving_) return activity_->on_closed(event.id, event.reason);
    if (numbers_.empty()) farewell_until_ = now();
}

void Station::on(const node::ConnectFailed& event) {
    if (!leaving_) activity_->on_connect_failed(event);
}

}  // namespace pinhole::peer
