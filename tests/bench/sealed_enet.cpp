// Ours: two real nodes and a real rendezvous server, each its own process with real sockets.
//
//   sealed_enet ADDRESS [SECONDS]
//
// ADDRESS is a private one of this machine (loopback ones are no candidates). The nodes register,
// are introduced, punch, and measure only after both sides selected the direct path: ENet over our
// platform layer, sealed, through the same driver and sockets that the tool uses.
#include <asio/io_context.hpp>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rendezvous/server.hpp"
#include "shared/crypto/aead.hpp"
#include "shared/crypto/sodium.hpp"
#include "shared/net/driver.hpp"
#include "shared/node/node.hpp"
#include "tests/bench/measure.hpp"

namespace {

using namespace pinhole;
using namespace pinhole::bench;

constexpr std::uint16_t kServerPort = 34780;
/// A run that has not begun by then never will.
constexpr double kPatience = 15.0;

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "sealed_enet: %s\n", what);
    std::_Exit(1);
}

/// Runs `role` in a process of its own that ends with this one.
template <class Role>
pid_t spawn(Role role) {
    const pid_t child = fork();
    if (child < 0) fail("fork failed");
    if (child > 0) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    role();
    std::_Exit(0);
}

void serve(const Endpoint& at) {
    crypto::SystemRandom random;
    rendezvous::Server server{
        net::now(), {.keys = crypto::KeyPair::generate(random), .wall = net::wall_now()}, random};
    asio::io_context io;
    net::Driver<rendezvous::Server>* self = nullptr;
    net::Driver<rendezvous::Server> driver{
        io, server, [&](const rendezvous::Event& event) {
            // This run's ids are forgotten with it: what is claimed counts as stored.
            const auto* request = std::get_if<rendezvous::StoreRequest>(&event);
            const auto* claim =
                request != nullptr ? std::get_if<rendezvous::Claim>(&request->op) : nullptr;
            if (claim == nullptr) return;
            server.handle_stored(net::now(), {.claim = *claim, .stored = true});
            self->drain();
        }};
    self = &driver;
    driver.add_socket(kSocketV4, net::UdpSocket::open(at));
    driver.start();
    io.run();
}

/// One node on its driver; `on_event` sees everything.
class Station {
  public:
    using OnEvent = std::function<void(Station&, const node::NodeEvent&)>;

    Station(std::string_view id, const Endpoint& server, OnEvent on_event)
        : keys_(crypto::KeyPair::generate(random_)),
          node_({.id = *node::Id::parse(id),
                 .keys = keys_.clone(),
                 .offers_aes256gcm = crypto::is_aes256gcm_available()},
                random_),
          driver_(io_, node_,
                  [this, on_event](const node::NodeEvent& event) { on_event(*this, event); }) {
        driver_.add_socket(kSocketV4, net::UdpSocket::open({IpAddress::any(Family::kV4), 0}));
        driver_.start();
        node_.start(net::now(), {server});
        driver_.drain();
    }

    [[nodiscard]] node::Node& node() { return node_; }
    void drain() { driver_.drain(); }
    /// One round of the loop; waits at most `limit`.
    void turn(std::chrono::milliseconds limit) {
        io_.restart();
        io_.run_one_for(limit);
        io_.poll();
    }

  private:
    crypto::SystemRandom random_;
    crypto::KeyPair keys_;
    asio::io_context io_;
    node::Node node_;
    net::Driver<node::Node> driver_;
};

void send(const Endpoint& server, double seconds) {
    std::optional<node::PeerNumber> peer;
    bool direct = false;
    Station station{"sender", server, [&](Station&, const node::NodeEvent& event) {
                        if (const auto* connected = std::get_if<node::PeerConnected>(&event)) {
                            peer = connected->peer;
                        }
                        if (const auto* changed = std::get_if<node::PathChanged>(&event)) {
                            direct = changed->state == node::PathState::kDirect;
                        }
                        if (std::holds_alternative<node::PeerClosed>(event))
                            fail("the receiver is gone");
                    }};
    const auto begun = Clock::now();
    const auto since = [](Clock::time_point start) {
        return std::chrono::duration<double>(Clock::now() - start).count();
    };
    while (!station.node().is_registered() && since(begun) < kPatience) {
        station.turn(std::chrono::milliseconds{10});
    }
    station.node().connect(net::now(), *node::Id::parse("receiver"), true);
    station.drain();
    while (!(direct && peer)) {
        if (since(begun) > kPatience) fail("no direct path between the two nodes");
        station.turn(std::chrono::milliseconds{10});
    }
    const ByteVector message(kMessageSize, std::byte{0x5a});
    const double cpu = cpu_seconds();
    std::uint64_t handed_over = 0;
    const auto start = Clock::now();
    const auto ahead = [&] {
        const auto status = station.node().status(*peer);
        return status ? status->bytes_unacknowledged : 0;
    };
    while (since(start) < seconds) {
        while (ahead() < kMessagesAhead * kMessageSize) {
            if (!station.node().send(net::now(), *peer, {.channel = 1, .bytes = message})) break;
            handed_over += message.size();
        }
        station.drain();
        station.turn(std::chrono::milliseconds{5});
    }
    if (!direct) fail("the path fell back to the relay");
    report_sender(cpu_seconds() - cpu, handed_over - ahead());
}

void receive(const Endpoint& server, double seconds) {
    Meter meter;
    Station station{"receiver", server, [&](Station&, const node::NodeEvent& event) {
                        const auto* message = std::get_if<node::MessageReceived>(&event);
                        if (message != nullptr) meter.on_message(message->bytes.size());
                    }};
    const auto begun = Clock::now();
    while (meter.elapsed() < seconds) {
        station.turn(std::chrono::milliseconds{5});
        const double waited = std::chrono::duration<double>(Clock::now() - begun).count();
        if (!meter.has_begun() && waited > 2 * kPatience) fail("no message came");
    }
    meter.report();
}

}  // namespace

int main(int argc, char** argv) {
    const auto address = argc > 1 ? IpAddress::parse(argv[1]) : std::nullopt;
    if (!address || address->scope() != Scope::kPrivate) {
        fail("usage: sealed_enet PRIVATE-ADDRESS-OF-THIS-MACHINE [SECONDS]");
    }
    const double seconds = run_seconds(argc - 1, argv + 1);
    const Endpoint server{*address, kServerPort};
    const pid_t rendezvous = spawn([&] { serve(server); });
    const pid_t receiver = spawn([&] { receive(server, seconds); });
    const pid_t sender = spawn([&] { send(server, seconds + 0.3); });
    int sent = 0;
    int received = 0;
    waitpid(receiver, &received, 0);
    waitpid(sender, &sent, 0);
    kill(rendezvous, SIGKILL);
    waitpid(rendezvous, nullptr, 0);
    return sent == 0 && received == 0 ? 0 : 1;
}
