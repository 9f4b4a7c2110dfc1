#include "peer/station_options.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "peer/text_sanitizer.hpp"
#include "shared/base/ascii.hpp"
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

void add_pin(StationOptions& options, const std::string& text) {
    if (const auto key = crypto::PublicKey::parse(text, crypto::kServerKeyPrefix)) {
        options.server_pin = *key;
        return;
    }
    const std::size_t equals = text.find('=');
    const auto key = equals == std::string::npos
                         ? std::nullopt
                         : crypto::PublicKey::parse(std::string_view{text}.substr(equals + 1));
    if (!key) {
        throw UsageError(
            fmt::format("--pin is PEER=pk:... or rv:..., each with 52 letters and digits, not '{}'",
                        sanitized(text)));
    }
    options.pins.insert_or_assign(peer_of(text.substr(0, equals)), *key);
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
    for (const std::string& pin : settings.texts("pin")) add_pin(out, pin);
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
    const std::string host = in_small_letters(parsed->host);
    const bool is_v6 = host.find(':') != std::string::npos;
    return fmt::format(fmt::runtime(is_v6 ? "[{}]:{}" : "{}:{}"), host, parsed->port);
}

}  // namespace pinhole::peer
