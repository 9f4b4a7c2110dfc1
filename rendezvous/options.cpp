#include "rendezvous/options.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include <cxxopts.hpp>
#include <fmt/format.h>

namespace pinhole::rendezvous {
namespace {

/// What `--tcp` alone stands for.
constexpr const char* kWithoutAddress = "default";
constexpr std::array<std::string_view, 5> kLogLevels{"debug", "info", "warn", "error", "off"};

UsageError usage_error(const std::string& what) {
    return {.what = "rendezvous: " + without_controls(what), .hint = "try: rendezvous --help"};
}

cxxopts::Options make_parser() {
    cxxopts::Options parser("rendezvous");
    cxxopts::OptionAdder add = parser.add_options();
    add("bind", "", cxxopts::value<std::vector<std::string>>());
    add("state-dir", "", cxxopts::value<std::string>());
    add("log-level", "", cxxopts::value<std::string>());
    add("stun", "");
    add("tcp", "", cxxopts::value<std::vector<std::string>>()->implicit_value(kWithoutAddress));
    add("help", "");
    add("version", "");
    add("words", "", cxxopts::value<std::vector<std::string>>());
    parser.parse_positional({"words"});
    return parser;
}

/// Reads `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`.
std::optional<Endpoint> parse_bind(const std::string& text) {
    if (const auto endpoint = Endpoint::parse(text)) return endpoint;
    const bool in_brackets = text.size() > 2 && text.front() == '[' && text.back() == ']';
    const auto ip = IpAddress::parse(in_brackets ? text.substr(1, text.size() - 2) : text);
    if (!ip) return std::nullopt;
    return Endpoint{.ip = *ip, .port = kDefaultPort};
}

Result<std::vector<Endpoint>, UsageError> read_binds(const cxxopts::ParseResult& parsed) {
    std::vector<Endpoint> out;
    if (parsed.count("bind") == 0) return out;
    for (const std::string& text : parsed["bind"].as<std::vector<std::string>>()) {
        const auto bind = parse_bind(text);
        if (!bind) {
            return failure(usage_error(fmt::format(
                "--bind {}: not an address of this machine, such as 192.0.2.1 or [::]:3478",
                text)));
        }
        if (bind->port == std::numeric_limits<std::uint16_t>::max()) {
            return failure(usage_error(
                fmt::format("--bind {}: the next port is needed too, so 65534 is the last", text)));
        }
        out.push_back(*bind);
    }
    return out;
}

Result<void, UsageError> read_tcp(const cxxopts::ParseResult& parsed, Options& options) {
    options.takes_tcp = parsed.count("tcp") != 0;
    if (!options.takes_tcp) return {};
    for (const std::string& text : parsed["tcp"].as<std::vector<std::string>>()) {
        if (text == kWithoutAddress) continue;
        const auto bind = parse_bind(text);
        if (!bind) {
            return failure(usage_error(fmt::format(
                "--tcp {}: not an address of this machine, such as 192.0.2.1 or [::]:443", text)));
        }
        options.tcp_binds.push_back(*bind);
    }
    return {};
}

Result<void, UsageError> read_words(const cxxopts::ParseResult& parsed, Options& options) {
    if (parsed.count("words") == 0) return {};
    const auto words = parsed["words"].as<std::vector<std::string>>();
    if (words.front() != "release") {
        return failure(
            usage_error(fmt::format("unknown word '{}'; there is: release ID", words.front())));
    }
    if (words.size() != 2) return failure(usage_error("release takes one ID"));
    const auto id = wire::Id::parse(words[1]);
    if (!id) {
        return failure(usage_error(
            fmt::format("'{}' is no id: 1 to 32 of a-z, 0-9, dot, dash, underscore", words[1])));
    }
    options.action = Action::kRelease;
    options.released = *id;
    return {};
}

Result<Options, UsageError> read(const cxxopts::ParseResult& parsed) {
    Options options;
    if (parsed.count("help") != 0) {
        options.action = Action::kHelp;
        return options;
    }
    if (parsed.count("version") != 0) {
        options.action = Action::kVersion;
        return options;
    }
    auto binds = read_binds(parsed);
    if (!binds) return failure(binds.error());
    options.binds = *std::move(binds);
    if (const auto tcp = read_tcp(parsed, options); !tcp) return failure(tcp.error());
    if (const auto words = read_words(parsed, options); !words) return failure(words.error());
    if (parsed.count("state-dir") != 0) {
        options.state_directory = parsed["state-dir"].as<std::string>();
    }
    if (parsed.count("log-level") != 0) {
        options.log_level = parsed["log-level"].as<std::string>();
        if (std::ranges::find(kLogLevels, options.log_level) == kLogLevels.end()) {
            return failure(usage_error(fmt::format(
                "--log-level {}: choose from debug, info, warn, error, off", options.log_level)));
        }
    }
    options.answers_stun = parsed.count("stun") != 0;
    return options;
}

/// `--tcp ADDRESS` as `--tcp=ADDRESS`: the parser takes an optional value in that form alone.
std::vector<std::string> with_joined_tcp(int argc, const char* const* argv) {
    std::vector<std::string> out;
    for (int i = 0; i < argc; ++i) {
        const bool has_address = i > 0 && out.back() == "--tcp" && parse_bind(argv[i]);
        if (has_address) {
            out.back() += fmt::format("={}", argv[i]);
        } else {
            out.emplace_back(argv[i]);
        }
    }
    return out;
}

}  // namespace

Result<Options, UsageError> parse_options(int argc, const char* const* argv) {
    try {
        const std::vector<std::string> words = with_joined_tcp(argc, argv);
        std::vector<const char*> raw;
        for (const std::string& word : words) raw.push_back(word.c_str());
        return read(make_parser().parse(static_cast<int>(raw.size()), raw.data()));
    } catch (const cxxopts::exceptions::exception& error) {
        return failure(usage_error(error.what()));
    }
}

std::string without_controls(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto octet = static_cast<unsigned char>(text[i]);
        const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
        // U+0080 to U+009F in UTF-8; alone, the second octet is one of those in older encodings.
        const bool is_c1 = octet == 0xC2 && next >= 0x80 && next < 0xA0;
        if (is_c1) ++i;
        const bool is_c0 = (octet < 0x20 && octet != '\n') || octet == 0x7F;
        out += is_c0 || is_c1 ? '?' : text[i];
    }
    return out;
}

std::string help_text() {
    return R"(rendezvous --bind 203.0.113.7

Tells peers behind NATs where they find each other. Listens on UDP, keeps its key and
the owners of ids in its state directory, and prints what to run on each machine.

usage:
  rendezvous [options]          serve until SIGTERM or Ctrl-C
  rendezvous release ID         take an id from the key that owns it, also while serving

options:
  --bind ADDRESS[:PORT]         listen here and on the next port; may be repeated
                                (default: 0.0.0.0:3478 and [::]:3478)
  --state-dir DIR               key and database (default: $STATE_DIRECTORY, else
                                $XDG_STATE_HOME/pinhole/rendezvous)
  --log-level LEVEL             debug, info, warn, error or off (default: info)
  --tcp [ADDRESS[:PORT]]        take TCP, too, for peers whose networks block UDP; may be repeated
  --stun                        answer STUN clients, too (RFC 8489)
  --help, --version

examples:
  rendezvous                                        every address, ports 3478 and 3479
  rendezvous --bind 192.0.2.1:5000 --bind [::]:5000
  rendezvous release alice                          alice's new machine may register again
)";
}

}  // namespace pinhole::rendezvous
