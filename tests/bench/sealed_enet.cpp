// Ours: real nodes and a real rendezvous server, each its own process with real sockets.
//
//   sealed_enet --at ADDRESS         all three, on one machine
//   sealed_enet --serve ADDRESS
//   sealed_enet --receive ID --via ADDRESS
//   sealed_enet --send ID --via ADDRESS
//
// ADDRESS is not a loopback one (those are no candidates). The nodes register, are introduced,
// punch, and measure only after both sides selected the direct path: ENet over our platform layer,
// sealed, through the same driver and sockets that the tool uses.
#include <fmt/format.h>

#include "shared/crypto/aead.hpp"
#include "tests/bench/processes.hpp"
#include "tests/bench/station.hpp"

namespace {

using namespace pinhole;
using namespace pinhole::bench;

constexpr const char* kProgram = "sealed_enet";
constexpr double kPatience = 30;

struct Run {
    Load load;
    bool offers_aes256gcm = true;
};

[[noreturn]] void serve_at(const Endpoint& at) {
    crypto::SystemRandom random;
    serve(at, crypto::KeyPair::generate(random));
}

void receive(const std::string& id, const Endpoint& server, const Run& run) {
    Station station{id, server, run.offers_aes256gcm};
    station.wait_until_registered();
    station.wait_for_caller();
    if (!run_receiver(station, run.load, kPatience)) fail(kProgram, "no message came");
    if (!station.is_direct()) fail(kProgram, "the path fell back to the relay");
}

void send(const std::string& id, const Endpoint& server, const Run& run) {
    Station station{fmt::format("to-{}", id), server, run.offers_aes256gcm};
    station.wait_until_registered();
    station.connect(id);
    run_sender(station, run.load);
}

}  // namespace

int main(int argc, char** argv) {
    cxxopts::Options options{kProgram};
    add_load_options(options);
    options.add_options()("at", "run all on this address", cxxopts::value<std::string>())(
        "serve", "be the rendezvous there", cxxopts::value<std::string>())(
        "receive", "receive as this id", cxxopts::value<std::string>())(
        "send", "send to this id", cxxopts::value<std::string>())("via", "where the rendezvous is",
                                                                  cxxopts::value<std::string>())(
        "chacha", "leave AES-256-GCM out", cxxopts::value<bool>());
    const auto parsed = options.parse(argc, argv);
    const auto text = [&](const char* name) { return parsed[name].as<std::string>(); };
    const Run run{
        .load = load_of(parsed),
        .offers_aes256gcm = crypto::is_aes256gcm_available() && parsed.count("chacha") == 0};
    if (parsed.count("serve") > 0) serve_at(server_at(text("serve")));
    if (parsed.count("receive") > 0) {
        receive(text("receive"), server_at(text("via")), run);
        return 0;
    }
    if (parsed.count("send") > 0) {
        send(text("send"), server_at(text("via")), run);
        return 0;
    }
    if (parsed.count("at") == 0) fail(kProgram, options.help().c_str());
    const Endpoint server = server_at(text("at"));
    const pid_t rendezvous = spawn([&] { serve_at(server); });
    const pid_t receiver = spawn([&] { receive("receiver", server, run); });
    const pid_t sender = spawn([&] { send("receiver", server, run); });
    const int received = exit_status_of(receiver);
    const int sent = exit_status_of(sender);
    end(rendezvous);
    return received != 0 ? received : sent;
}
