#include "peer/forward/spec.hpp"

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "shared/base/ascii.hpp"

namespace pinhole::peer {
namespace {

constexpr std::string_view kLocalhost = "localhost";
constexpr std::string_view kEverywhere = "*";
constexpr std::string_view kUdpSuffix = "/udp";

/// The parts between colons that are not inside brackets.
std::vector<std::string_view> parts_of(std::string_view text) {
    std::vector<std::string_view> out;
    bool is_in_brackets = false;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '[') is_in_brackets = true;
        if (text[at] == ']') is_in_brackets = false;
        if (text[at] != ':' || is_in_brackets) continue;
        out.push_back(text.substr(begin, at - begin));
        begin = at + 1;
    }
    out.push_back(text.substr(begin));
    return out;
}

std::optional<std::uint16_t> port_of(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0) return {};
    return port;
}

/// "localhost", "*" or an address without brackets; nothing for anything else.
std::optional<std::string> bind_of(std::string_view text) {
    if (text == kLocalhost || text == kEverywhere) return std::string{text};
    if (text.starts_with('[') && text.ends_with(']')) {
        text = text.substr(1, text.size() - 2);
        if (text.find(':') == std::string_view::npos) return {};
    }
    const auto ip = IpAddress::parse(text);
    return ip ? std::optional{ip->to_string()} : std::nullopt;
}

auto not_a_spec(std::string_view text, std::string_view why) {
    return failure(fmt::format(
        "'{}': {}; expected [bind:]port:host:hostport, /udp behind it for datagrams", text, why));
}

}  // namespace

std::string_view name_of(Transport transport) {
    switch (transport) {
        case Transport::kTcp: return "tcp";
        case Transport::kUdp: return "udp";
    }
    return "?";
}

std::string text_of(const net::HostPort& place) {
    const bool is_v6 = place.host.find(':') != std::string::npos;
    return is_v6 ? fmt::format("[{}]:{}", place.host, place.port)
                 : fmt::format("{}:{}", place.host, place.port);
}

std::string ForwardSpec::entrance() const {
    return text_of({.host = bind, .port = port});
}

std::string ForwardSpec::to_string() const {
    return fmt::format("{}:{}{}", entrance(), text_of(target),
                       transport == Transport::kUdp ? kUdpSuffix : "");
}

std::vector<Endpoint> ForwardSpec::endpoints() const {
    if (bind == kEverywhere) {
        return {{IpAddress::any(Family::kV4), port}, {IpAddress::any(Family::kV6), port}};
    }
    if (bind == kLocalhost) {
        return {{*IpAddress::parse("127.0.0.1"), port}, {*IpAddress::parse("::1"), port}};
    }
    const auto ip = IpAddress::parse(bind);
    if (!ip) return {};
    return {{*ip, port}};
}

Result<ForwardSpec, std::string> parse_forward_spec(std::string_view text) {
    ForwardSpec out;
    std::string_view rest = text;
    if (rest.ends_with(kUdpSuffix)) {
        out.transport = Transport::kUdp;
        rest.remove_suffix(kUdpSuffix.size());
    }
    auto parts = parts_of(rest);
    if (parts.size() == 3) parts.insert(parts.begin(), kLocalhost);
    if (parts.size() != 4) return not_a_spec(text, "too few or too many colons");
    const auto bind = bind_of(parts[0]);
    if (!bind) {
        return not_a_spec(text, "where to listen is an address of that machine, localhost or *");
    }
    const auto port = port_of(parts[1]);
    const auto target_port = port_of(parts[3]);
    if (!port || !target_port) return not_a_spec(text, "a port is a number from 1 to 65535");
    const auto target = net::HostPort::parse(fmt::format("{}:{}", parts[2], parts[3]), 0);
    if (!target) return failure(target.error().sentence);
    out.bind = *bind;
    out.port = *port;
    out.target = *target;
    out.target.host = in_small_letters(out.target.host);
    return out;
}

}  // namespace pinhole::peer
