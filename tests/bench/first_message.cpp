// How long it takes from nothing to a first message, between real nodes.
//
//   first_message --answer ID --via ADDRESS
//   first_message --call ID --via ADDRESS [--at-once]
//
// The one that answers prints a line for each caller and runs until it is ended. The caller prints
// how long registering took, since its process began, and how long it was from `connect` to an
// authenticated session; with --at-once it asks for the connection before it is registered. Both
// ends are on one machine, so they have one clock: the message carries the moment of `connect`, and
// of the start, and the answerer says how long ago these were. The caller prints what its whole
// process took of CPU and memory, too.
#include <fmt/format.h>

#include "tests/bench/processes.hpp"
#include "tests/bench/station.hpp"

namespace {

using namespace pinhole;
using namespace pinhole::bench;

constexpr const char* kProgram = "first_message";
/// The caller stays until its message has arrived and was acknowledged.
constexpr double kPatience = 30;

/// What the message carries: nanoseconds of the machine's clock.
struct Moments {
    std::int64_t started = 0;
    std::int64_t connected = 0;
};

std::int64_t now() {
    return Clock::now().time_since_epoch().count();
}

double milliseconds_since(std::int64_t moment) {
    return static_cast<double>(now() - moment) / 1e6;
}

[[noreturn]] void answer(const std::string& id, const Endpoint& server) {
    Station station{id, server, false};
    station.wait_until_registered();
    std::printf("ready\n");
    std::fflush(stdout);
    for (;;) {
        station.turn(kTurnMs, [](std::uint8_t, Octets bytes) {
            Moments moments;
            if (bytes.size() != sizeof moments) return;
            std::memcpy(&moments, bytes.data(), sizeof moments);
            std::printf("arrived message_ms=%.3f from_start_ms=%.3f\n",
                        milliseconds_since(moments.connected), milliseconds_since(moments.started));
            std::fflush(stdout);
        });
    }
}

void call(const std::string& id, const Endpoint& server, std::int64_t started, bool at_once) {
    Station station{fmt::format("caller-{}", getpid()), server, false};
    if (!at_once) station.wait_until_registered();
    const double registered = milliseconds_since(started);
    const Moments moments{.started = started, .connected = now()};
    station.call(id);
    const double connected = milliseconds_since(moments.connected);
    const bool sent = station.send(kProbeChannel, std::as_bytes(std::span{&moments, 1}));
    if (!sent) fail(kProgram, "the message could not be sent");
    const auto begun = Clock::now();
    while (station.bytes_ahead() > 0) {
        if (seconds_since(begun) > kPatience) fail(kProgram, "the message was not acknowledged");
        station.turn(kTurnMs, nullptr);
    }
    std::printf("call registered_ms=%.3f connected_ms=%.3f cpu_ms=%.3f memory_mib=%.1f\n",
                registered, connected, 1000 * cpu_seconds(), peak_memory_mib());
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    const std::int64_t started = now();
    cxxopts::Options options{kProgram};
    options.add_options()("answer", "be this id", cxxopts::value<std::string>())(
        "call", "call this id", cxxopts::value<std::string>())("via", "where the rendezvous is",
                                                               cxxopts::value<std::string>())(
        "at-once", "ask for the connection at once", cxxopts::value<bool>());
    const auto parsed = options.parse(argc, argv);
    if (parsed.count("via") == 0) fail(kProgram, options.help().c_str());
    const Endpoint server = server_at(parsed["via"].as<std::string>());
    if (parsed.count("answer") > 0) answer(parsed["answer"].as<std::string>(), server);
    if (parsed.count("call") == 0) fail(kProgram, options.help().c_str());
    call(parsed["call"].as<std::string>(), server, started, parsed.count("at-once") > 0);
    return 0;
}
