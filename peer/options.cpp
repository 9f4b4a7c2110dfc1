#include "peer/options.hpp"

#include <algorithm>
#include <charconv>

#include <cxxopts.hpp>
#include <fmt/format.h>

#include "peer/chat_protocol.hpp"
#include "peer/text_sanitizer.hpp"
#include "shared/net/resolver.hpp"

namespace pinhole::peer {
namespace {

constexpr std::uint32_t kSecondsMax = 7 * 24 * 3600;
constexpr std::uint32_t kCountMax = 1'000'000;
constexpr std::uint32_t kPortMax = 65535;
/// Steps of 207 s in all (traversal/lifetime.hpp), and room for what comes before.
constexpr Duration kLifetimeTimeout = 300s;

void add_station_options(cxxopts::Options& options) {
    options.add_options()                                                                        //
        ("id", "my name; or PINHOLE_ID", cxxopts::value<std::string>(), "NAME")                  //
        ("via", "the rendezvous; or PINHOLE_VIA", cxxopts::value<std::string>(), "HOST[:PORT]")  //
        ("tcp-port", "where it takes TCP, if not there too", cxxopts::value<std::string>(),
         "PORT")  //
        ("psk-file", "the key of a closed group (peer id --new-psk)", cxxopts::value<std::string>(),
         "FILE")                                                  //
        ("no-port-mapping", "do not ask the gateway for a port")  //
        ("json", "events on stdout, one object a line")           //
        ("quiet", "only errors on stderr")                        //
        ("color", "auto, always or never", cxxopts::value<std::string>(), "WHEN");
}

void add_rare_station_options(cxxopts::Options& options) {
    options.add_options(kRareOptions)                              //
        ("low-ports", "try ports below 1024 against random NATs")  //
        ("no-spray", "never guess ports of an unpredictable NAT");
}

void add_words(cxxopts::Options& options) {
    options.add_options("words")("words", "", cxxopts::value<std::vector<std::string>>());
    options.parse_positional({"words"});
}

std::optional<std::string> text_of(const cxxopts::ParseResult& words, const std::string& name) {
    if (words.count(name) == 0) return std::nullopt;
    if (words.count(name) > 1) throw UsageError(fmt::format("--{} is given twice", name));
    return words[name].as<std::string>();
}

std::uint32_t number_of(const std::string& name, const std::string& text, std::uint32_t max) {
    std::uint32_t value = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc{} || read.ptr != end || value == 0 || value > max) {
        throw UsageError(fmt::format("--{} is a whole number from 1 to {}, not '{}'", name, max,
                                     sanitized(text)));
    }
    return value;
}

std::optional<Duration> timeout_of(const cxxopts::ParseResult& words) {
    const auto text = text_of(words, "timeout");
    if (!text) return std::nullopt;
    return std::chrono::seconds{number_of("timeout", *text, kSecondsMax)};
}

Id peer_of(const std::string& text) {
    if (const auto id = Id::parse(text)) return *id;
    throw UsageError(fmt::format("'{}' is no name: 1 to 32 of a-z 0-9 . _ -", sanitized(text)));
}

AcceptPolicy accept_of(const std::optional<std::string>& text) {
    if (!text || *text == "all") return AcceptPolicy::kAll;
    if (*text == "known") return AcceptPolicy::kKnown;
    if (*text == "none") return AcceptPolicy::kNone;
    throw UsageError(fmt::format("--accept is all, known or none, not '{}'", sanitized(*text)));
}

ColorMode color_of(const std::optional<std::string>& text) {
    if (!text || *text == "auto") return ColorMode::kAuto;
    if (*text == "always") return ColorMode::kAlways;
    if (*text == "never") return ColorMode::kNever;
    throw UsageError(fmt::format("--color is auto, always or never, not '{}'", sanitized(*text)));
}

StationOptions station_options(const cxxopts::ParseResult& words,
                               const net::Environment& environment) {
    StationOptions out;
    out.id = own_id(words, environment);
    const auto given = text_of(words, "via");
    const auto via = given ? given : environment("PINHOLE_VIA");
    if (!via || via->empty()) {
        throw UsageError("which rendezvous? Give --via HOST or set PINHOLE_VIA");
    }
    out.via = canonical_via(*via);
    if (const auto port = text_of(words, "tcp-port")) {
        out.tcp_port = static_cast<std::uint16_t>(number_of("tcp-port", *port, kPortMax));
    }
    if (const auto file = text_of(words, "psk-file")) out.psk_file = *file;
    out.maps_ports = words.count("no-port-mapping") == 0;
    out.low_ports = words.count("low-ports") > 0;
    out.sprays = words.count("no-spray") == 0;
    out.json = words.count("json") > 0;
    out.quiet = words.count("quiet") > 0;
    out.color = color_of(text_of(words, "color"));
    return out;
}

}  // namespace

void add_chat_options(cxxopts::Options& options) {
    add_station_options(options);
    options.add_options()  //
        ("accept", "whose calls to take: all, known or none", cxxopts::value<std::string>(),
         "WHOSE")  //
        ("message", "send one text to one peer, wait for its receipt, end",
         cxxopts::value<std::string>(), "TEXT")  //
        ("timeout", "give up a --message after this (30)", cxxopts::value<std::string>(),
         "SECONDS")  //
        ("wait", "wait for an offline peer; stay after the end of input");
    add_rare_station_options(options);
    add_words(options);
}

void add_ping_options(cxxopts::Options& options) {
    add_station_options(options);
    options.add_options()                                                                 //
        ("count", "stop after so many", cxxopts::value<std::string>(), "N")               //
        ("until-direct", "stop when the path is direct; exit 5 if it stays a relay")      //
        ("timeout", "give up after this (30)", cxxopts::value<std::string>(), "SECONDS")  //
        ("wait", "wait for an offline peer");
    add_rare_station_options(options);
    add_words(options);
}

void add_doctor_options(cxxopts::Options& options) {
    add_station_options(options);
    options.add_options()                                                                 //
        ("lifetime", "measure how long idle flows live; takes minutes")                   //
        ("timeout", "give up after this (30)", cxxopts::value<std::string>(), "SECONDS")  //
        ("wait", "wait for an offline peer");
    add_rare_station_options(options);
    add_words(options);
}

void add_id_options(cxxopts::Options& options) {
    options.add_options()                                                        //
        ("id", "my name; or PINHOLE_ID", cxxopts::value<std::string>(), "NAME")  //
        ("new-psk", "write a fresh key for a closed group", cxxopts::value<std::string>(), "FILE");
    add_words(options);
}

void add_no_options(cxxopts::Options& options) {
    add_words(options);
}

std::vector<std::string> plain_words(const cxxopts::ParseResult& words) {
    if (words.count("words") == 0) return {};
    return words["words"].as<std::vector<std::string>>();
}

Id own_id(const cxxopts::ParseResult& words, const net::Environment& environment) {
    const auto given = text_of(words, "id");
    const auto id = given ? given : environment("PINHOLE_ID");
    if (!id || id->empty()) throw UsageError("who are you? Give --id NAME or set PINHOLE_ID");
    return peer_of(*id);
}

std::optional<std::string> new_psk_file(const cxxopts::ParseResult& words) {
    return text_of(words, "new-psk");
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

ChatOptions chat_options(const cxxopts::ParseResult& words, const net::Environment& environment) {
    ChatOptions out;
    out.station = station_options(words, environment);
    out.station.accept = accept_of(text_of(words, "accept"));
    for (const std::string& word : plain_words(words)) {
        const Id peer = peer_of(word);
        if (peer == out.station.id) throw UsageError(fmt::format("{} is your own name", peer));
        if (std::ranges::find(out.peers, peer) == out.peers.end()) out.peers.push_back(peer);
    }
    out.message = text_of(words, "message");
    if (out.message && out.peers.size() != 1) {
        throw UsageError("--message goes to exactly one PEER");
    }
    if (out.message && out.message->size() > kTextBytesMax) {
        throw UsageError(fmt::format("--message is longer than {} bytes", kTextBytesMax));
    }
    out.wait = words.count("wait") > 0;
    const auto timeout = timeout_of(words);
    if (timeout && !out.message) throw UsageError("--timeout belongs to --message");
    out.timeout = timeout ? *timeout : out.wait ? Duration::max() : out.timeout;
    return out;
}

DoctorOptions doctor_options(const cxxopts::ParseResult& words,
                             const net::Environment& environment) {
    DoctorOptions out;
    out.station = station_options(words, environment);
    out.station.accept = AcceptPolicy::kNone;
    const auto names = plain_words(words);
    if (names.size() > 1) throw UsageError("doctor takes one PEER at most");
    if (!names.empty()) out.peer = peer_of(names.front());
    if (out.peer == out.station.id) throw UsageError(fmt::format("{} is your own name", *out.peer));
    out.lifetime = words.count("lifetime") > 0;
    out.station.measures_lifetime = out.lifetime;
    out.wait = words.count("wait") > 0;
    if (out.wait && !out.peer) throw UsageError("--wait waits for a PEER");
    out.timeout = timeout_of(words).value_or(out.lifetime ? kLifetimeTimeout : out.timeout);
    return out;
}

PingOptions ping_options(const cxxopts::ParseResult& words, const net::Environment& environment) {
    PingOptions out;
    out.station = station_options(words, environment);
    out.station.accept = AcceptPolicy::kNone;
    const auto names = plain_words(words);
    if (names.size() != 1) throw UsageError("ping takes exactly one PEER");
    out.peer = peer_of(names.front());
    if (out.peer == out.station.id) throw UsageError(fmt::format("{} is your own name", out.peer));
    if (const auto count = text_of(words, "count")) {
        out.count = number_of("count", *count, kCountMax);
    }
    out.until_direct = words.count("until-direct") > 0;
    out.wait = words.count("wait") > 0;
    const auto timeout = timeout_of(words);
    const bool is_limited = out.until_direct || !out.wait;
    out.timeout = timeout ? *timeout : is_limited ? out.timeout : Duration::max();
    return out;
}

}  // namespace pinhole::peer
