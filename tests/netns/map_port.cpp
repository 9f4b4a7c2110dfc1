// A peer's port mapping and nothing else: opens a UDP socket, has its port mapped as `net::Driver`
// would, and prints one line for each thing that happens until its input ends.
//
//     map_port [pcp] [nat-pmp] [upnp] [lifetime=SECONDS]
//     addresses ADDRESS... (those of this machine, whenever they change)
//     mapped PCP 11.0.0.10:40000 for 7200 s | unmapped: REASON [ADDRESS] | heard TEXT | removed
#include <array>
#include <charconv>
#include <cstdio>
#include <exception>
#include <string_view>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <fmt/format.h>

#include "shared/net/driver.hpp"

namespace pinhole::netns {
namespace {

void say(std::string_view line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
}

/// A core that asks for a mapping and tells what it hears.
class Core {
  public:
    using Event = std::monostate;

    void handle_datagram(Instant, const Datagram& in) {
        say(fmt::format("heard {}", as_text(in.bytes)));
    }
    void handle_timeout(Instant) {}
    void handle_io_event(Instant, const IoEvent& event) {
        if (const auto* changed = std::get_if<InterfacesChanged>(&event)) {
            std::string line = "addresses";
            for (const LocalAddress& address : changed->addresses) {
                line += ' ' + address.ip.to_string();
            }
            say(line);
        } else if (const auto* mapped = std::get_if<PortMapped>(&event)) {
            say(fmt::format("mapped {} {} for {} s", name_of(mapped->via), mapped->external,
                            mapped->lifetime / 1s));
        } else if (const auto* unmapped = std::get_if<PortUnmapped>(&event)) {
            say(fmt::format("unmapped: {} {}", name_of(unmapped->reason),
                            unmapped->found ? unmapped->found->to_string() : ""));
        }
    }
    std::optional<Transmit> poll_transmit() { return {}; }
    std::optional<IoRequest> poll_io_request() {
        if (std::exchange(has_asked_, true)) return {};
        return MapPort{kSocketV4};
    }
    std::optional<Event> poll_event() { return {}; }
    [[nodiscard]] Instant next_timeout() const { return kNever; }

  private:
    bool has_asked_ = false;
};

net::MapperOptions options_from(std::span<char* const> words) {
    net::MapperOptions options{.pcp = false, .nat_pmp = false, .upnp = false};
    for (const std::string_view word : words) {
        constexpr std::string_view kLifetime = "lifetime=";
        if (word == "pcp") options.pcp = true;
        if (word == "nat-pmp") options.nat_pmp = true;
        if (word == "upnp") options.upnp = true;
        if (!word.starts_with(kLifetime)) continue;
        unsigned seconds = 0;
        const std::string_view text = word.substr(kLifetime.size());
        std::from_chars(text.data(), text.data() + text.size(), seconds);
        options.lifetime = std::chrono::seconds{seconds};
    }
    return options;
}

int run(std::span<char* const> words) {
    asio::io_context io{1};
    Core core;
    net::Driver<Core> driver{io, core, [](const Core::Event&) {}};
    driver.set_mapper_options(options_from(words));
    driver.add_socket(kSocketV4, net::UdpSocket::open({IpAddress::any(Family::kV4), 0}));
    driver.start();
    asio::posix::stream_descriptor input{io, ::dup(0)};
    std::array<char, 64> ignored{};
    input.async_read_some(asio::buffer(ignored), [&](std::error_code, std::size_t) {
        driver.stop([] { say("removed"); });
    });
    io.run();
    return 0;
}

}  // namespace
}  // namespace pinhole::netns

int main(int argc, char** argv) {
    try {
        return pinhole::netns::run({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        fmt::print(stderr, "map_port: {}\n", error.what());
        return 1;
    }
}
