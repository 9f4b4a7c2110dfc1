// From words on the command line to plain structs.
//
// Flags win over the environment (PINHOLE_ID, PINHOLE_VIA). Refuses what makes no sense with a
// `UsageError`, before anything is opened or sent.
#pragma once

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "peer/screen.hpp"
#include "shared/base/time.hpp"
#include "shared/net/state_dir.hpp"
#include "shared/node/config.hpp"

// Declared only: cxxopts.hpp costs seconds of compile time, and two files need it.
namespace cxxopts {
class Options;
class ParseResult;
}  // namespace cxxopts

namespace pinhole::peer {

using node::AcceptPolicy;
using wire::Id;

/// The words make no sense; the text says which, in one line.
class UsageError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

inline constexpr std::uint16_t kDefaultPort = 3478;

/// What every verb needs that talks to others.
struct StationOptions {
    Id id;
    /// The rendezvous as `host:port`, in one form for each way to write it.
    std::string via;
    /// Where the rendezvous takes TCP, if not at the port of `via`.
    std::optional<std::uint16_t> tcp_port{};
    AcceptPolicy accept = AcceptPolicy::kAll;
    std::optional<std::filesystem::path> psk_file;
    /// Ask the gateway for a port where there is a NAT.
    bool maps_ports = true;
    /// Use ports below 1024, where even two unpredictable NATs may meet. Needs the right to.
    bool low_ports = false;
    /// Guess the ports of an unpredictable NAT, where nothing else can work.
    bool sprays = true;
    /// Measure how long idle flows live; takes minutes.
    bool measures_lifetime = false;
    bool json = false;
    bool quiet = false;
    ColorMode color = ColorMode::kAuto;
};

struct ChatOptions {
    StationOptions station;
    std::vector<Id> peers;
    /// One shot: send this to the one peer and end.
    std::optional<std::string> message;
    bool wait = false;
    /// Of a one shot; `Duration::max()` for no limit.
    Duration timeout = 30s;
};

struct PingOptions {
    StationOptions station;
    Id peer;
    /// Stop after so many; 0 for no end.
    std::uint32_t count = 0;
    bool until_direct = false;
    bool wait = false;
    Duration timeout = 30s;
};

struct DoctorOptions {
    StationOptions station;
    /// Nobody: only this network is looked at.
    std::optional<Id> peer;
    bool lifetime = false;
    bool wait = false;
    Duration timeout = 30s;
};

/// The group of options that only the help of a verb shows, not that of the whole tool.
inline constexpr const char* kRareOptions = "rare";

/// Words are options, then the names of peers.
void add_chat_options(cxxopts::Options& options);
void add_ping_options(cxxopts::Options& options);
void add_doctor_options(cxxopts::Options& options);
/// Only --id and --new-psk.
void add_id_options(cxxopts::Options& options);
void add_no_options(cxxopts::Options& options);

/// All throw UsageError.
[[nodiscard]] ChatOptions chat_options(const cxxopts::ParseResult& words,
                                       const net::Environment& environment);
[[nodiscard]] PingOptions ping_options(const cxxopts::ParseResult& words,
                                       const net::Environment& environment);
[[nodiscard]] DoctorOptions doctor_options(const cxxopts::ParseResult& words,
                                           const net::Environment& environment);
[[nodiscard]] Id own_id(const cxxopts::ParseResult& words, const net::Environment& environment);
/// The file to write a group's key to, if one is asked for.
[[nodiscard]] std::optional<std::string> new_psk_file(const cxxopts::ParseResult& words);
/// `host:port` with the default port filled in and brackets around IPv6.
[[nodiscard]] std::string canonical_via(const std::string& text);
/// The words that are no options.
[[nodiscard]] std::vector<std::string> plain_words(const cxxopts::ParseResult& words);

}  // namespace pinhole::peer
