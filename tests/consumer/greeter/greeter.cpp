// greeter SERVER:PORT MY_ID [PEER_ID]: two of these say hello to each other.
#include <fmt/format.h>
#include <pinhole/pinhole.hpp>

using namespace pinhole;

int main(int argc, char** argv) {
    const auto server = argc > 2 ? Endpoint::parse(argv[1]) : std::nullopt;
    const auto me = argc > 2 ? wire::Id::parse(argv[2]) : std::nullopt;
    const auto other = argc > 3 ? wire::Id::parse(argv[3]) : std::nullopt;
    if (!server || !me) return 2;

    crypto::SystemRandom random;
    node::Node node{{.id = *me, .keys = crypto::KeyPair::generate(random)}, random};
    asio::io_context io;
    net::Driver<node::Node> driver{
        io, node, [&](const node::NodeEvent& event) {
            const Instant now = net::now();
            if (const auto* up = std::get_if<node::PeerConnected>(&event)) {
                const std::string text = fmt::format("hello from {}", *me);
                (void)node.send(now, up->peer, {.channel = 1, .bytes = as_bytes(text)});
            } else if (const auto* in = std::get_if<node::MessageReceived>(&event)) {
                fmt::print("{}\n", as_text(in->bytes));
                if (other) node.disconnect(now, in->peer);  // once our own hello is acknowledged
            } else if (const auto* path = std::get_if<node::PathChanged>(&event)) {
                fmt::print("{}\n", traversal::sentence_of(path->reason));
            } else if (std::holds_alternative<node::PeerClosed>(event)) {
                node.shutdown(now);
                driver.stop();
            }
        }};
    const IpAddress any = IpAddress::any(server->ip.family());
    driver.add_socket(any.is_v4() ? kSocketV4 : kSocketV6, net::UdpSocket::open({any, 0}));
    driver.start();
    node.start(net::now(), {*server});
    if (other) node.connect(net::now(), *other, true);
    driver.drain();
    io.run();
}
