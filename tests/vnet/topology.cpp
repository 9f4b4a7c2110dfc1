#include "tests/vnet/topology.hpp"

#include <set>

#include "tests/lab/nat_profiles.hpp"
#include "tests/vnet/options.hpp"

namespace pinhole::vnet {
namespace {

using Words = std::vector<std::string>;

/// Keeps tables of names narrow; enough for anybody.
constexpr std::size_t kNameLengthMax = 16;
constexpr std::size_t kInterfacesMax = 4;

/// Throws without a line number; `parse_topology` adds it.
[[noreturn]] void reject(const std::string& text) {
    throw OptionError(text);
}

Words words_of(std::string_view line) {
    Words out;
    line = line.substr(0, line.find('#'));
    while (true) {
        const std::size_t start = line.find_first_not_of(" \t\r");
        if (start == std::string_view::npos) return out;
        line.remove_prefix(start);
        const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
        out.emplace_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

template <class Take>
void for_each_part(std::string_view list, Take&& take) {
    while (true) {
        const std::size_t comma = list.find(',');
        take(list.substr(0, comma));
        if (comma == std::string_view::npos) return;
        list.remove_prefix(comma + 1);
    }
}

std::vector<IpAddress> addresses_from(std::string_view list) {
    std::vector<IpAddress> out;
    for_each_part(list, [&](std::string_view part) { out.push_back(lab::ip(part)); });
    return out;
}

lab::Prefix prefix_from(Option option, Family family) {
    const lab::Prefix prefix = lab::prefix(option.value);
    const bool is_v4 = family == Family::kV4;
    // The smallest LAN has room for a router and a host.
    const unsigned length_max = is_v4 ? 30 : 120;
    if (prefix.ip.family() != family) reject(fmt::format("{} is of the other family", option.key));
    if (prefix.length < 8 || prefix.length > length_max) {
        reject(fmt::format("{} is too small or too large", option.key));
    }
    return prefix;
}

bool is_name(std::string_view text) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    };
    return !text.empty() && text.size() <= kNameLengthMax && std::ranges::all_of(text, fits);
}

class Parser {
  public:
    explicit Parser(const Params& overrides) : params_(overrides), unclaimed_(overrides) {}

    void take_line(Words words) {
        if (words.empty()) return;
        const std::string kind = words[0];
        if (kind == "param") {
            take_param(words);
            return;
        }
        for (std::string& word : words) substitute(word);
        if (kind == "core") {
            take_core(words);
        } else if (kind == "host" || kind == "also") {
            take_interface(words);
        } else if (kind == "nat") {
            take_nat(words);
        } else {
            reject(fmt::format("\"{}\" is none of: param core host also nat", kind));
        }
    }

    Topology finish() {
        if (!unclaimed_.empty()) {
            reject(fmt::format("there is no param {}", unclaimed_.begin()->first));
        }
        if (topology_.interfaces.empty()) reject("there is no host");
        return std::move(topology_);
    }

  private:
    void take_param(const Words& words) {
        for (std::size_t i = 1; i < words.size(); ++i) {
            const auto [key, value] = split_option(words[i]);
            if (!is_name(key)) reject(fmt::format("\"{}\" is no name", key));
            params_.try_emplace(std::string{key}, value);
            if (const auto found = unclaimed_.find(key); found != unclaimed_.end()) {
                unclaimed_.erase(found);
            }
        }
    }

    void substitute(std::string& word) const {
        const std::size_t dollar = word.find('$');
        if (dollar == std::string::npos) return;
        const auto found = params_.find(word.substr(dollar + 1));
        if (found == params_.end()) {
            reject(fmt::format("there is no param {}", word.substr(dollar + 1)));
        }
        word.replace(dollar, std::string::npos, found->second);
    }

    void take_core(const Words& words) {
        if (words.size() != 2 || !words[1].starts_with("hops=")) reject("expected: core hops=N");
        const std::string_view digits = std::string_view{words[1]}.substr(5);
        const bool is_sound = digits.size() == 1 && digits[0] >= '1' && digits[0] <= '9';
        if (!is_sound) reject("hops is a number from 1 to 9");
        topology_.core_hops = static_cast<std::uint8_t>(digits[0] - '0');
    }

    /// Reads "KIND NAME at PARENT"; the uplink, with the name checked.
    [[nodiscard]] Uplink placed(const Words& words) const {
        if (words.size() < 4 || words[2] != "at") {
            reject(fmt::format("expected: {} NAME at NODE ...", words[0]));
        }
        if (!is_name(words[1])) {
            reject(fmt::format("\"{}\" is no name: up to {} of a-z, 0-9 and _", words[1],
                               kNameLengthMax));
        }
        const std::string& parent = words[3];
        if (parent != kCoreName && nat_named(parent) == nullptr) {
            reject(fmt::format("there is no NAT {} above this line", parent));
        }
        return {.at = parent, .up = {}, .down = {}};
    }

    void take_interface(const Words& words) {
        InterfaceSpec interface{words.at(words.size() > 1 ? 1 : 0), 0, placed(words), {}};
        const auto of_host =
            std::ranges::count(topology_.interfaces, interface.host, &InterfaceSpec::host);
        const bool is_first = words[0] == "host";
        if (is_first) claim(interface.host);
        if (!is_first && of_host == 0) reject(fmt::format("there is no host {}", interface.host));
        interface.number = static_cast<std::size_t>(of_host);
        if (interface.number >= kInterfacesMax) reject("that is one interface too many");
        for (std::size_t i = 4; i < words.size(); ++i) {
            const Option option = split_option(words[i]);
            if (option.key == "ip") {
                interface.addresses = addresses_from(option.value);
            } else if (!set_link_option(interface.uplink, option)) {
                reject(fmt::format("a host has no option {}", option.key));
            }
        }
        if (interface.uplink.at == kCoreName && interface.addresses.empty()) {
            reject("a host at the core needs ip=");
        }
        topology_.interfaces.push_back(std::move(interface));
    }

    void take_nat(const Words& words) {
        NatSpec nat;
        nat.uplink = placed(words);
        nat.name = words[1];
        nat.firewall = lab::firewall_v6();
        claim(nat.name);
        for (std::size_t i = 4; i < words.size(); ++i) {
            const Option option = split_option(words[i]);
            if (!set_place(nat, option) && !set_link_option(nat.uplink, option) &&
                !set_nat_option(nat.profile, option)) {
                reject(fmt::format("a NAT has no option {}", option.key));
            }
        }
        check(nat);
        topology_.nats.push_back(std::move(nat));
    }

    static bool set_place(NatSpec& nat, Option option) {
        const auto& [key, value] = option;
        if (key == "wan") {
            nat.wan = addresses_from(value);
        } else if (key == "lan") {
            nat.lan = prefix_from(option, Family::kV4);
        } else if (key == "routed") {
            nat.routed = prefix_from(option, Family::kV4);
        } else if (key == "lan6") {
            nat.lan6 = prefix_from(option, Family::kV6);
        } else if (key == "firewall") {
            nat.firewall = profile_from(value);
        } else if (key == "isolate") {
            nat.isolates = value == "1";
        } else {
            return false;
        }
        return true;
    }

    static void check(const NatSpec& nat) {
        if (!nat.lan && !nat.routed && !nat.lan6) reject("a NAT needs lan=, routed= or lan6=");
        if (nat.firewall.translates) reject("the firewall of lan6 must not translate");
        const bool has_v4 = nat.lan || nat.routed;
        if (has_v4 && nat.profile.translates && !nat.lan) {
            reject("a NAT that translates needs lan=");
        }
        if (has_v4 && !nat.profile.translates && !nat.routed) {
            reject("without translation a NAT needs routed=");
        }
        if (nat.lan && nat.profile.translates && nat.wan.empty() && nat.uplink.at == kCoreName) {
            reject("a NAT at the core needs wan=");
        }
        for (const IpAddress& address : nat.wan) {
            if (!address.is_v4()) reject("wan= is of IPv4");
        }
    }

    void claim(const std::string& name) {
        if (name == kCoreName || !names_.insert(name).second) {
            reject(fmt::format("the name {} is taken", name));
        }
    }

    [[nodiscard]] const NatSpec* nat_named(std::string_view name) const {
        const auto found = std::ranges::find(topology_.nats, name, &NatSpec::name);
        return found == topology_.nats.end() ? nullptr : &*found;
    }

    Params params_;
    Params unclaimed_;  ///< overrides that no line has named yet
    std::set<std::string> names_;
    Topology topology_;
};

}  // namespace

Topology parse_topology(std::string_view text, const Params& overrides) {
    Parser parser{overrides};
    std::size_t number = 0;
    try {
        while (!text.empty()) {
            ++number;
            const std::size_t end = text.find('\n');
            parser.take_line(words_of(text.substr(0, end)));
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
        return parser.finish();
    } catch (const OptionError& error) {
        throw TopologyError(fmt::format("line {}: {}", number, error.what()));
    } catch (const std::invalid_argument& error) {
        throw TopologyError(fmt::format("line {}: {}", number, error.what()));
    }
}

}  // namespace pinhole::vnet
