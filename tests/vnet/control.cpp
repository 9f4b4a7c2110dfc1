#include "tests/vnet/control.hpp"

#include <sstream>

#include <nlohmann/json.hpp>

#include "tests/vnet/options.hpp"

namespace pinhole::vnet {
namespace {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

Words words_of(std::string_view text) {
    std::istringstream stream{std::string{text}};
    return {std::istream_iterator<std::string>{stream}, {}};
}

lab::NatBox& nat_of(Network& network, const Words& words) {
    lab::NatBox* nat = words.size() < 2 ? nullptr : network.nat(words[1]);
    if (nat == nullptr) throw OptionError(fmt::format("{} needs a NAT", words[0]));
    return *nat;
}

/// What `set` is about to change, and whether it does.
struct Change {
    Uplink link;
    std::optional<bool> is_up;
    lab::NatProfile profile;
    bool has_profile = false;
};

void collect(Change& change, Option option, bool is_nat) {
    if (option.key == "link") {
        const bool is_up = option.value == "up";
        if (!is_up && option.value != "down") throw OptionError("link is up or down");
        change.is_up = is_up;
    } else if (is_nat && set_nat_option(change.profile, option)) {
        change.has_profile = true;
    } else if (!set_link_option(change.link, option)) {
        throw OptionError(fmt::format("there is no option {}", option.key));
    }
}

void set(Network& network, const Words& words) {
    lab::NatBox* nat = words.size() < 3 ? nullptr : network.nat(words[1]);
    Interface* interface = words.size() < 3 ? nullptr : network.interface_named(words[1]);
    if (nat == nullptr && interface == nullptr) throw OptionError("set needs a node and key=value");
    lab::Cable& cable = nat != nullptr ? nat->uplink() : interface->cable();
    Change change{{{}, cable.up.quality(), cable.down.quality()}, {}, {}, false};
    const bool has_v4 = nat != nullptr && nat->subnet(Family::kV4).has_value();
    if (has_v4) change.profile = nat->model().profile();
    const bool translates = change.profile.translates;
    for (std::size_t i = 2; i < words.size(); ++i) {
        collect(change, split_option(words[i]), has_v4);
    }
    if (change.profile.translates != translates) {
        throw OptionError("a NAT cannot begin or cease to translate");
    }
    cable.up.set_quality(change.link.up);
    cable.down.set_quality(change.link.down);
    if (change.is_up) cable.set_up(*change.is_up);
    if (change.has_profile) nat->become(change.profile);
}

void renumber(Network& network, const Words& words) {
    lab::NatBox& nat = nat_of(network, words);
    std::vector<IpAddress> wan;
    for (std::size_t i = 2; i < words.size(); ++i) {
        const auto address = IpAddress::parse(words[i]);
        if (!address || !address->is_v4()) throw OptionError("wan needs IPv4 addresses");
        wan.push_back(*address);
    }
    const bool translates = nat.subnet(Family::kV4).has_value() && nat.model().profile().translates;
    if (wan.empty() || !translates) throw OptionError("wan needs a NAT and its new addresses");
    nat.change_wan(wan);
}

void capture(Network& network, const Words& words) {
    if (words.size() != 2) throw OptionError("pcap needs a folder, or off");
    if (words[1] == "off") {
        network.stop_capture();
    } else {
        network.capture_to(words[1]);
    }
}

Json json_of(const Traffic& traffic) {
    return {{"datagrams", traffic.datagrams}, {"bytes", traffic.bytes}};
}

/// By milliseconds, what is not zero.
Json json_of_waits(const lab::Link& link) {
    Json out = Json::object();
    for (std::size_t i = 0; i < link.waits().size(); ++i) {
        if (link.waits()[i] != 0) out[std::to_string(i)] = link.waits()[i];
    }
    return out;
}

template <class Enum>
Json json_of(const Counters<Enum>& counters) {
    Json out = Json::object();
    for (std::size_t i = 0; i < static_cast<std::size_t>(Enum::kCount); ++i) {
        const auto member = static_cast<Enum>(i);
        if (counters[member] != 0) out[std::string{name_of(member)}] = counters[member];
    }
    return out;
}

std::string stats(Network& network) {
    Json hosts = Json::object();
    for (Interface& interface : network.interfaces()) {
        Json to = Json::object();
        for (const auto& [ip, traffic] : interface.sent_to()) to[ip.to_string()] = json_of(traffic);
        hosts[interface.host()].push_back({{"sent", json_of(interface.sent())},
                                           {"received", json_of(interface.received())},
                                           {"sent_to", std::move(to)},
                                           {"refused", json_of(interface.refused())},
                                           {"waited_up", json_of_waits(interface.cable().up)},
                                           {"waited_down", json_of_waits(interface.cable().down)}});
    }
    Json nats = Json::object();
    for (const lab::NatBox& nat : network.nats()) {
        if (!nat.subnet(Family::kV4)) continue;
        nats[nat.name()] = {{"mappings", nat.model().mapping_count(network.now())}};
    }
    Json fates = Json::object();
    for (const auto& [where, counters] : network.fates()) fates[where] = json_of(counters);
    return Json{{"hosts", std::move(hosts)}, {"nats", std::move(nats)}, {"at", std::move(fates)}}
        .dump();
}

}  // namespace

std::string execute(Network& network, std::string_view command) {
    const Words words = words_of(command);
    const std::string verb = words.empty() ? "" : words[0];
    try {
        if (verb == "stats") return stats(network);
        if (verb == "set") {
            set(network, words);
        } else if (verb == "reboot") {
            nat_of(network, words).reboot();
        } else if (verb == "wan") {
            renumber(network, words);
        } else if (verb == "pcap") {
            capture(network, words);
        } else {
            return "error: say set, reboot, wan, pcap or stats";
        }
    } catch (const OptionError& error) {
        return fmt::format("error: {}", error.what());
    } catch (const std::system_error& error) {
        return fmt::format("error: {}", error.what());
    }
    return "ok";
}

}  // namespace pinhole::vnet
