#include "rendezvous/service.hpp"

#include <algorithm>
#include <csignal>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "shared/net/activation.hpp"
#include "shared/net/interfaces.hpp"
#include "shared/net/state_dir.hpp"

namespace pinhole::rendezvous {
namespace {

/// How often the store is asked whether an operator released an id.
constexpr Duration kStorePoll = 1s;

net::UdpSocket open_socket(const Endpoint& bind) {
    auto socket = net::UdpSocket::try_open(bind);
    if (socket) return std::move(*socket);
    const std::error_code error = socket.error();
    std::string next = "choose another address: rendezvous --bind ADDRESS:PORT";
    if (error == std::errc::address_in_use) {
        next = fmt::format(
            "another process has the port. See which: ss -lunp sport = :{0} ; or take others: "
            "rendezvous --bind {1}",
            bind.port, Endpoint{.ip = bind.ip, .port = 4000});
    } else if (error == std::errc::address_not_available) {
        next = "this machine has no such address. See which it has: ip -brief address";
    } else if (error == std::errc::permission_denied) {
        next = "ports below 1024 need privileges: rendezvous --bind ADDRESS:3478";
    }
    throw std::runtime_error(
        fmt::format("cannot listen on udp {}: {}; {}", bind, error.message(), next));
}

/// Why a listener could not be opened, and what to do.
std::string tcp_refusal(const Endpoint& local, const std::error_code& error) {
    std::string next = "choose another address: rendezvous --tcp ADDRESS:PORT";
    if (error == std::errc::address_in_use) {
        next = fmt::format("another process has the port. See which: ss -ltnp sport = :{}",
                           local.port);
    } else if (error == std::errc::address_not_available) {
        next = "this machine has no such address. See which it has: ip -brief address";
    } else if (error == std::errc::permission_denied) {
        next = "ports below 1024 need privileges, or a socket unit of systemd: rendezvous(8)";
    }
    return fmt::format("cannot listen on tcp {}: {}; {}", local, error.message(), next);
}

Endpoint second_of(const Endpoint& first) {
    return {.ip = first.ip, .port = static_cast<std::uint16_t>(first.port + 1)};
}

/// What clients should be told: a public address of this machine, else a word to fill in.
std::string address_to_dial(const std::vector<Endpoint>& listening) {
    for (const Endpoint& endpoint : listening) {
        if (!endpoint.ip.is_unspecified()) {
            return endpoint.port == kDefaultPort ? endpoint.ip.to_string() : endpoint.to_string();
        }
    }
    std::string host = "HOST";
    if (const auto all = net::read_interface_addresses()) {
        for (const LocalAddress& local : net::usable_addresses(*all)) {
            if (local.ip.scope() != Scope::kPublic) continue;
            const bool brackets = local.ip.is_v6() && listening.front().port != kDefaultPort;
            host = brackets ? fmt::format("[{}]", local.ip) : local.ip.to_string();
            if (local.ip.is_v4()) break;
        }
    }
    const std::uint16_t port = listening.front().port;
    return port == kDefaultPort ? host : fmt::format("{}:{}", host, port);
}

const char* name_of(PeerOffline::Why why) {
    switch (why) {
        case PeerOffline::Why::kLeft: return "left";
        case PeerOffline::Why::kSilent: return "silent";
        case PeerOffline::Why::kReplaced: return "replaced";
        case PeerOffline::Why::kReleased: return "released";
        case PeerOffline::Why::kFlapping: return "flapping";
    }
    return "?";
}

}  // namespace

std::filesystem::path key_path(const std::filesystem::path& state) {
    return state / "server.key";
}

std::filesystem::path ids_path(const std::filesystem::path& state) {
    return state / "ids.sqlite";
}

Service::Service(const Options& options, const std::filesystem::path& state)
    : identity_(net::IdentityFile::load_or_create(key_path(state), random_)),
      store_(ids_path(state)),
      server_(net::now(),
              {.keys = identity_.keys().clone(),
               .wall = net::wall_now(),
               .answers_stun = options.answers_stun},
              random_),
      driver_(io_, server_, [this](const Event& event) { on_event(event); }),
      signals_(io_, SIGTERM, SIGINT, SIGUSR1),
      writer_(io_, store_,
              {.on_committed = [this](const auto& committed) { on_committed(committed); },
               .on_changed_elsewhere = [this](const auto& owned) { keep_only(owned); },
               .on_failed =
                   [](const std::string& why) {
                       spdlog::error("event=store_failed why=\"{}\"", why);
                   }}),
      poll_timer_(io_, [this] { on_poll_due(); }) {
    store_.for_each([this](const StoredBinding& binding) { server_.load(binding); });
    open_sockets(options);
    if (options.takes_tcp) open_listeners(options);
}

void Service::open_sockets(const Options& options) {
    std::vector<Endpoint> binds = options.binds;
    const bool is_default = binds.empty();
    if (is_default) {
        binds = {{.ip = IpAddress::any(Family::kV4), .port = kDefaultPort},
                 {.ip = IpAddress::any(Family::kV6), .port = kDefaultPort}};
    }
    std::uint32_t next_id = 0;
    for (const Endpoint& bind : binds) {
        auto first = net::UdpSocket::try_open(bind);
        const bool is_missing = !first && first.error() == std::errc::address_family_not_supported;
        // A machine without IPv6 (or IPv4) is an ordinary one, unless the operator named it.
        if (is_missing && is_default) continue;
        net::UdpSocket opened = first ? std::move(*first) : open_socket(bind);
        net::UdpSocket other = open_socket(second_of(opened.local()));
        first_.push_back(opened.local());
        second_.push_back(other.local());
        driver_.add_socket(SocketId{next_id++}, std::move(opened));
        driver_.add_socket(SocketId{next_id++}, std::move(other));
    }
    if (first_.empty())
        throw std::runtime_error(
            "this machine has neither IPv4 nor IPv6. See what it has: ip -brief address");
}

void Service::open_listeners(const Options& options) {
    for (net::UniqueFd& passed : net::take_activated_sockets(net::process_environment())) {
        tcp_.push_back(driver_.listen(std::move(passed)));
    }
    std::vector<Endpoint> binds = options.tcp_binds;
    if (binds.empty() && tcp_.empty()) binds = first_;
    for (const Endpoint& bind : binds) {
        try {
            tcp_.push_back(driver_.listen(bind));
        } catch (const std::system_error& error) {
            throw std::runtime_error(tcp_refusal(bind, error.code()));
        }
    }
}

std::string Service::greeting() const {
    const auto ports = fmt::format("{}:{}", first_.front().port, second_.front().port);
    const std::string key = server_.public_key().to_string(crypto::kServerKeyPrefix);
    std::string tcp;
    std::string tcp_rule;
    if (!tcp_.empty()) {
        tcp = fmt::format("listening on tcp {} (for peers whose networks block UDP)\n",
                          fmt::join(tcp_, " "));
        tcp_rule = fmt::format(" ; sudo ufw allow {}/tcp", tcp_.front().port);
    }
    return fmt::format(
        "listening on udp {} (second port {})   key {}  ({})\n{}"
        "if a firewall is on:   sudo ufw allow {}/udp{}\n"
        "on each machine run:   peer --id NAME --via {}\n",
        fmt::join(first_, " "), second_.front().port, key,
        identity_.is_new() ? "new, saved" : "saved", tcp, ports, tcp_rule, address_to_dial(first_));
}

void Service::run() {
    wait_for_signal();
    poll_timer_.arm(net::now() + kStorePoll);
    driver_.start();
    io_.run();
}

void Service::wait_for_signal() {
    signals_.async_wait([this](const asio::error_code& error, int number) {
        if (error) return;
        on_signal(number);
        wait_for_signal();
    });
}

void Service::on_signal(int number) {
    if (number == SIGUSR1) {
        log_counters();
        return;
    }
    if (is_stopping_) {
        io_.stop();
        return;
    }
    is_stopping_ = true;
    spdlog::info("event=stopping registered={}", server_.registered());
    server_.shutdown(net::now());
    driver_.drain();
}

void Service::on_event(const Event& event) {
    if (const auto* request = std::get_if<StoreRequest>(&event)) {
        writer_.add(request->op);
    } else if (const auto* online = std::get_if<PeerOnline>(&event)) {
        spdlog::info("event=online id={} key={} observed={}", online->id, online->key,
                     online->observed);
    } else if (const auto* offline = std::get_if<PeerOffline>(&event)) {
        spdlog::info("event=offline id={} why={}", offline->id, name_of(offline->why));
    } else if (const auto* introduced = std::get_if<PeersIntroduced>(&event)) {
        spdlog::info("event=introduced asker={} answerer={}", introduced->asker,
                     introduced->answerer);
    } else if (std::holds_alternative<ShutdownDone>(event)) {
        writer_.finish();
        driver_.stop();
        poll_timer_.cancel();
        signals_.cancel();
    }
}

void Service::on_committed(const SqliteStore::Committed& committed) {
    if (!committed.failure.empty())
        spdlog::error("event=store_failed why=\"{}\"", committed.failure);
    for (const StoreResult& result : committed.claims) server_.handle_stored(net::now(), result);
    driver_.drain();
}

void Service::on_poll_due() {
    poll_timer_.arm(net::now() + kStorePoll);
    writer_.look_for_changes();
}

void Service::keep_only(const std::vector<wire::Id>& owned) {
    const Instant now = net::now();
    for (const wire::Id& id : server_.registry().stored_ids()) {
        if (!std::ranges::binary_search(owned, id)) server_.release(now, id);
    }
    driver_.drain();
}

void Service::log_counters() const {
    const Metrics& metrics = server_.metrics();
    const Server::Sizes sizes = server_.sizes();
    std::string line = fmt::format(
        "event=counters registered={} sessions={} half_open={} introductions={} rooms={} "
        "room_members={} relay_pairs={} streams={} received={} received_bytes={} sent={} "
        "sent_bytes={} sent_unvalidated={} relayed_bytes={}",
        server_.registered(), sizes.sessions, sizes.half_open, sizes.introductions, sizes.rooms,
        sizes.room_members, sizes.relay_pairs, sizes.streams, metrics.received.datagrams,
        metrics.received.bytes, metrics.sent.datagrams, metrics.sent.bytes,
        metrics.sent_unvalidated.datagrams, metrics.relayed.bytes);
    for (int i = 0; i < static_cast<int>(Happening::kCount); ++i) {
        const auto what = static_cast<Happening>(i);
        line += fmt::format(" {}={}", rendezvous::name_of(what), metrics.happened[what]);
    }
    for (int i = 0; i < static_cast<int>(Drop::kCount); ++i) {
        const auto why = static_cast<Drop>(i);
        line += fmt::format(" drop_{}={}", pinhole::name_of(why), metrics.drops[why]);
    }
    const net::StreamTotals streams = driver_.stream_totals();
    line += fmt::format(" tcp_received={} tcp_sent={}", streams.received.datagrams,
                        streams.sent.datagrams);
    for (int i = 0; i < static_cast<int>(net::StreamDrop::kCount); ++i) {
        const auto why = static_cast<net::StreamDrop>(i);
        line += fmt::format(" tcp_drop_{}={}", net::name_of(why), streams.drops[why]);
    }
    spdlog::info(line);
}

}  // namespace pinhole::rendezvous
