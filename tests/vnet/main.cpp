// vnet: an internet in one process, between real programs in network namespaces.
//
// The namespaces must be there already (scripts/lab makes them). Prints one line of JSON when it is
// ready; 77 says that the hosts' wires cannot be made here.
#include <fstream>
#include <iostream>
#include <iterator>

#include <cxxopts.hpp>
#include <nlohmann/json.hpp>
#include <sys/prctl.h>

#include "tests/vnet/options.hpp"
#include "tests/vnet/service.hpp"

namespace pinhole::vnet {
namespace {

constexpr int kRefused = 77;

std::string read_file(const std::string& path) {
    std::ifstream file{path};
    if (!file) throw std::runtime_error(path + ": cannot be read");
    return std::string{std::istreambuf_iterator<char>{file}, {}};
}

Params params_from(const std::vector<std::string>& words) {
    Params out;
    for (const std::string& word : words) {
        const auto [key, value] = split_option(word);
        out[std::string{key}] = value;
    }
    return out;
}

Topology read_topology(const std::string& path, const Params& params) {
    try {
        return parse_topology(read_file(path), params);
    } catch (const TopologyError& error) {
        throw std::runtime_error(fmt::format("{}: {}", path, error.what()));
    }
}

/// Who has which addresses, for whoever starts the programs.
std::string describe(Network& network) {
    nlohmann::json hosts = nlohmann::json::object();
    for (const Interface& interface : network.interfaces()) {
        auto& list = hosts[interface.host()];
        for (const IpAddress& address : interface.addresses()) list.push_back(address.to_string());
    }
    return nlohmann::json{{"hosts", hosts}}.dump();
}

WireKind wires_from(std::string_view word) {
    if (word == "tun") return WireKind::kTun;
    if (word == "veth") return WireKind::kVeth;
    if (word != "auto") throw std::runtime_error("--wires is auto, tun or veth");
    return usable_kind();
}

cxxopts::Options command_line() {
    cxxopts::Options out{"vnet", "An internet in one process, between network namespaces"};
    out.add_options()("topology", "file to read", cxxopts::value<std::string>())(
        "prefix", "of the hosts' namespaces", cxxopts::value<std::string>()->default_value(""))(
        "seed", "of all randomness", cxxopts::value<std::uint64_t>()->default_value("1"))(
        "control", "make a Unix datagram socket here", cxxopts::value<std::string>())(
        "set", "value of a param, NAME=VALUE", cxxopts::value<std::vector<std::string>>())(
        "wires", "of the hosts: tun, veth, or auto",
        cxxopts::value<std::string>()->default_value("auto"))(
        "pcap", "write what passes each interface into files of this folder",
        cxxopts::value<std::string>())(
        "check", "read the topology, say who has which addresses, and exit")("help", "this text");
    out.parse_positional("topology");
    out.positional_help("TOPOLOGY");
    return out;
}

int run(int argc, char** argv) {
    cxxopts::Options options = command_line();
    const auto given = options.parse(argc, argv);
    if (given.count("help") != 0 || given.count("topology") == 0) {
        std::cout << options.help();
        return given.count("help") != 0 ? 0 : 2;
    }
    const auto params = given.count("set") == 0
                            ? Params{}
                            : params_from(given["set"].as<std::vector<std::string>>());
    const Topology topology = read_topology(given["topology"].as<std::string>(), params);
    Network network{topology, given["seed"].as<std::uint64_t>()};
    if (given.count("check") != 0) {
        std::cout << describe(network) << '\n';
        return 0;
    }
    if (given.count("control") == 0) throw std::runtime_error("--control is missing");
    // Timers may be late by 50 us otherwise, at every hop.
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    Service service{network,
                    {.prefix = given["prefix"].as<std::string>(),
                     .control = given["control"].as<std::string>(),
                     .wires = wires_from(given["wires"].as<std::string>())}};
    if (given.count("pcap") != 0) network.capture_to(given["pcap"].as<std::string>());
    std::cout << describe(network) << std::endl;
    service.run();
    return 0;
}

}  // namespace
}  // namespace pinhole::vnet

int main(int argc, char** argv) {
    try {
        return pinhole::vnet::run(argc, argv);
    } catch (const pinhole::vnet::WireRefused& error) {
        std::cerr << "vnet: " << error.what() << '\n';
        return pinhole::vnet::kRefused;
    } catch (const std::exception& error) {
        std::cerr << "vnet: " << error.what() << '\n';
        return 1;
    }
}
