#include "peer/station_options.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "peer/text_sanitizer.hpp"
#include "shared/net/resolver.hpp"

namespace pinhole::peer {
namespace {

Id peer_of(const std::string& text) {
    if (const auto id = Id::parse(text)) return *id;
    throw UsageError(fmt::format("'{}' is no name: 1 to 32 of a-z 0-9 . _ -", sanitized(text)));
}

ColorMode color_of(const std::string& word) {
    if (word == "always") return ColorMode::kAlways;
    return word == "never" ? ColorMode::kNever : ColorMode::kAuto;
}

}  // namespace

StationOptions station_options(const Settings& settings) {
    StationOptions out;
    out.id = own_id(settings);
    const auto via = settings.text("via");
    if (!via || via->empty()) {
        throw UsageError("which rendezvous? Give --via HOST or set PINHOLE_VIA");
    }
    out.via = canonical_via(*via);
    if (const auto port = settings.number("tcp-port")) {
        out.tcp_port = static_cast<std::uint16_t>(*port);
    }
    if (const auto file = settings.text("psk-file")) out.psk_file = *file;
    out.maps_ports = !settings.is_set("no-port-mapping");
    out.low_ports = settings.is_set("low-ports");
    out.sprays = !settings.is_set("no-spray");
    out.json = settings.is_set("json");
    out.quiet = settings.is_set("quiet");
    out.color = color_of(settings.text("color").value_or(""));
    return out;
}

Id own_id(const Settings& settings) {
    const auto id = settings.text("id");
    if (!id || id->empty()) throw UsageError("who are you? Give --id NAME or set PINHOLE_ID");
    return peer_of(*id);
}

std::optional<Duration> timeout_of(const Settings& settings) {
    const auto seconds = settings.number("timeout");
    if (!seconds) return std::nullopt;
    return std::chrono::seconds{*seconds};
}

Id other_peer(const std::string& word, const Id& self) {
    const Id peer = peer_of(word);
    if (peer == self) throw UsageError(fmt::format("{} is your own name", peer));
    return peer;
}

std::string canonical_via(const std::string& text) {
    const auto parsed = net::HostPort::parse(text, kDefaultPort);
    if (!parsed) throw UsageError(fmt::format("--via: {}", sanitized(parsed.error().sentence)));
    std::string host = parsed->host;
    std::ranges::transform(host, host.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    const bool is_v6 = host.find(':') != std::string::npos;
    return fmt::format(fmt::runtime(is_v6 ? "[{}]:{}" : "{}:{}"), host, parsed->port);
}

}  // namespace pinhole::peer
