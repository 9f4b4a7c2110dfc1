#include "tests/vnet/options.hpp"

#include <charconv>
#include <span>

#include "tests/lab/nat_profiles.hpp"

namespace pinhole::vnet {
namespace {

using lab::LinkQuality;
using lab::NatProfile;

[[noreturn]] void reject(std::string_view expected, std::string_view value) {
    throw OptionError(fmt::format("\"{}\" is not {}", value, expected));
}

template <class T>
struct Choice {
    std::string_view word;
    T value;
};

template <class T, std::size_t N>
T choose(const Choice<T> (&choices)[N], std::string_view word) {
    std::string expected = "one of";
    for (const Choice<T>& choice : choices) {
        if (choice.word == word) return choice.value;
        expected += fmt::format(" {}", choice.word);
    }
    reject(expected, word);
}

/// A number and the unit that follows it.
template <class T>
struct Quantity {
    T number{};
    std::string_view unit;
};

template <class T>
Quantity<T> quantity(std::string_view text, std::string_view expected) {
    Quantity<T> out;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), out.number);
    if (error != std::errc{}) reject(expected, text);
    out.unit = text.substr(static_cast<std::size_t>(rest - text.data()));
    return out;
}

Duration duration_from(std::string_view text) {
    constexpr std::string_view kExpected = "a duration such as 20ms";
    const auto [number, unit] = quantity<std::uint32_t>(text, kExpected);
    constexpr Choice<Duration> kUnits[] = {{"us", 1us}, {"ms", 1ms}, {"s", 1s}, {"min", 1min}};
    for (const auto& [word, one] : kUnits) {
        if (unit == word) return number * one;
    }
    if (number == 0 && unit.empty()) return Duration{0};
    reject(kExpected, text);
}

double probability_from(std::string_view text) {
    constexpr std::string_view kExpected = "a probability such as 0.02 or 2%";
    const auto [number, unit] = quantity<double>(text, kExpected);
    const double value = unit == "%" ? number / 100 : number;
    const bool is_sound = (unit.empty() || unit == "%") && value >= 0 && value <= 1;
    if (!is_sound) reject(kExpected, text);
    return value;
}

std::uint64_t rate_from(std::string_view text) {
    constexpr std::string_view kExpected = "a rate such as 5mbit";
    const auto [number, unit] = quantity<std::uint32_t>(text, kExpected);
    constexpr Choice<std::uint64_t> kUnits[] = {
        {"bit", 1}, {"kbit", 1'000}, {"mbit", 1'000'000}, {"gbit", 1'000'000'000}};
    for (const auto& [word, one] : kUnits) {
        if (unit == word) return number * one;
    }
    if (number == 0 && unit.empty()) return 0;
    reject(kExpected, text);
}

std::size_t size_from(std::string_view text) {
    const auto [number, unit] = quantity<std::uint32_t>(text, "a size such as 64k");
    if (unit == "k") return std::size_t{number} * 1024;
    if (!unit.empty()) reject("a size such as 64k", text);
    return number;
}

/// RFC 791: every link passes 68 bytes.
std::size_t mtu_from(std::string_view text) {
    const std::size_t mtu = size_from(text);
    if (mtu != 0 && (mtu < 68 || mtu > 65'535)) reject("an MTU from 68 to 65535, or 0", text);
    return mtu;
}

template <class T>
T count_from(std::string_view text) {
    const auto [number, unit] = quantity<T>(text, "a number");
    if (!unit.empty()) reject("a number", text);
    return number;
}

bool switch_from(std::string_view text) {
    constexpr Choice<bool> kChoices[] = {{"0", false}, {"1", true}};
    return choose(kChoices, text);
}

lab::PortRange ports_from(std::string_view text) {
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) reject("a range such as 20000-20999", text);
    const lab::PortRange range{count_from<std::uint16_t>(text.substr(0, dash)),
                               count_from<std::uint16_t>(text.substr(dash + 1))};
    if (range.first == 0 || range.first > range.last) reject("a range of ports", text);
    return range;
}

constexpr Choice<bool> kOnOff[] = {{"on", true}, {"off", false}};

bool set_quality(LinkQuality& link, Option option) {
    const auto& [key, value] = option;
    if (key == "delay") {
        link.delay = duration_from(value);
    } else if (key == "jitter") {
        link.jitter = duration_from(value);
    } else if (key == "loss") {
        link.loss = probability_from(value);
    } else if (key == "dup") {
        link.duplication = probability_from(value);
    } else if (key == "reorder") {
        link.reordering = probability_from(value);
    } else if (key == "reorder_by") {
        link.reorder_by = duration_from(value);
    } else if (key == "rate") {
        link.rate = rate_from(value);
    } else if (key == "queue") {
        link.queue_bytes = size_from(value);
    } else if (key == "mtu") {
        link.mtu = mtu_from(value);
    } else if (key == "icmp") {
        link.reports_too_big = choose(kOnOff, value);
    } else if (key == "keep_order") {
        link.keeps_order = switch_from(value);
    } else {
        return false;
    }
    return true;
}

constexpr auto kEi = lab::Behavior::kEndpointIndependent;
constexpr auto kAd = lab::Behavior::kAddressDependent;
constexpr auto kApd = lab::Behavior::kAddressAndPortDependent;
constexpr Choice<lab::Behavior> kMappings[] = {{"EIM", kEi}, {"ADM", kAd}, {"APDM", kApd}};
constexpr Choice<lab::Behavior> kFilters[] = {{"EIF", kEi}, {"ADF", kAd}, {"APDF", kApd}};
constexpr Choice<lab::Allocation> kAllocations[] = {{"preserve", lab::Allocation::kPreserving},
                                                    {"seq", lab::Allocation::kSequential},
                                                    {"random", lab::Allocation::kRandom}};
constexpr Choice<lab::Hairpinning> kHairpins[] = {{"0", lab::Hairpinning::kNone},
                                                  {"1", lab::Hairpinning::kExternalSource},
                                                  {"filtered", lab::Hairpinning::kFiltered},
                                                  {"int", lab::Hairpinning::kInternalSource}};
constexpr Choice<lab::Pooling> kPoolings[] = {{"paired", lab::Pooling::kPaired},
                                              {"arbitrary", lab::Pooling::kArbitrary}};
constexpr Choice<lab::Fragments> kFragments[] = {{"pass", lab::Fragments::kPass},
                                                 {"first", lab::Fragments::kFirstOnly},
                                                 {"drop", lab::Fragments::kDrop}};
constexpr Choice<bool> kUdp[] = {{"pass", false}, {"block", true}};

bool set_behavior(NatProfile& nat, Option option) {
    const auto& [key, value] = option;
    if (key == "profile") {
        nat = profile_from(value);
    } else if (key == "map") {
        nat.mapping = choose(kMappings, value);
    } else if (key == "filter") {
        nat.filtering = choose(kFilters, value);
    } else if (key == "alloc") {
        nat.allocation = choose(kAllocations, value);
    } else if (key == "step") {
        nat.sequential_step = count_from<std::int16_t>(value);
    } else if (key == "ports") {
        nat.ports = ports_from(value);
    } else if (key == "block") {
        nat.port_block = count_from<std::uint16_t>(value);
    } else if (key == "hairpin") {
        nat.hairpinning = choose(kHairpins, value);
    } else if (key == "pooling") {
        nat.pooling = choose(kPoolings, value);
    } else {
        return false;
    }
    return true;
}

bool set_memory_or_quirk(NatProfile& nat, Option option) {
    const auto& [key, value] = option;
    if (key == "timeout") {
        nat.mapping_lifetime = nat.first_reply_lifetime = duration_from(value);
    } else if (key == "timeout1") {
        nat.first_reply_lifetime = duration_from(value);
    } else if (key == "refresh_in") {
        nat.refresh_inbound = switch_from(value);
    } else if (key == "per_host") {
        nat.mappings_per_host_max = count_from<std::uint32_t>(value);
    } else if (key == "overload") {
        nat.port_overloading = switch_from(value);
    } else if (key == "race") {
        nat.first_packet_race = switch_from(value);
    } else if (key == "reject") {
        nat.rejects = switch_from(value);
    } else if (key == "fragments") {
        nat.fragments = choose(kFragments, value);
    } else if (key == "udp") {
        nat.blocks_udp = choose(kUdp, value);
    } else {
        return false;
    }
    return true;
}

}  // namespace

Option split_option(std::string_view word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == word.size()) {
        reject("an option such as delay=20ms", word);
    }
    return {word.substr(0, equals), word.substr(equals + 1)};
}

bool set_link_option(Uplink& link, Option option) {
    if (option.key.starts_with("up.")) {
        return set_quality(link.up, {option.key.substr(3), option.value});
    }
    if (option.key.starts_with("dn.")) {
        return set_quality(link.down, {option.key.substr(3), option.value});
    }
    return set_quality(link.up, option) && set_quality(link.down, option);
}

bool set_nat_option(NatProfile& profile, Option option) {
    return set_behavior(profile, option) || set_memory_or_quirk(profile, option);
}

NatProfile profile_from(std::string_view name) {
    if (name == "none") return lab::open_profile();
    if (name == "apdm_random") return lab::profile_named("apdm_apdf_r");
    std::string known = "a profile: none apdm_random";
    for (const lab::NamedProfile& candidate : lab::all_profiles()) {
        if (candidate.name == name) return candidate.profile;
        known += fmt::format(" {}", candidate.name);
    }
    reject(known, name);
}

}  // namespace pinhole::vnet
