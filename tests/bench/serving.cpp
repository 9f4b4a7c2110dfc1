#include "tests/bench/serving.hpp"

#include <cstdio>

#include <asio/io_context.hpp>

#include "rendezvous/service.hpp"
#include "shared/crypto/sodium.hpp"
#include "shared/net/driver.hpp"
#include "tests/bench/processes.hpp"

namespace pinhole::bench {
namespace {

constexpr const char* kStopped = "the server stopped";

}  // namespace

void serve(const Endpoint& at, const crypto::KeyPair& keys) {
    crypto::SystemRandom random;
    rendezvous::Server server{
        net::now(), {.keys = keys.clone(), .wall = net::wall_now(), .answers_stun = true}, random};
    asio::io_context io;
    net::Driver<rendezvous::Server>* self = nullptr;
    net::Driver<rendezvous::Server> driver{
        io, server, [&](const rendezvous::Event& event) {
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
    fail("rendezvous", kStopped);
}

void serve_durably(const Endpoint& at, const std::filesystem::path& state) {
    if (std::freopen("/dev/null", "w", stdout) == nullptr) fail("rendezvous", "no /dev/null");
    rendezvous::Options options;
    options.binds = {at};
    options.state_directory = state;
    rendezvous::Service{options, state}.run();
    fail("rendezvous", kStopped);
}

}  // namespace pinhole::bench
