// What every verb takes that talks to others: flags, and the struct that they become.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "peer/screen.hpp"
#include "peer/settings.hpp"
#include "shared/base/time.hpp"
#include "shared/node/config.hpp"

namespace pinhole::peer {

using node::AcceptPolicy;
using wire::Id;

inline constexpr std::uint16_t kDefaultPort = 3478;
inline constexpr std::uint32_t kSecondsMax = 7 * 24 * 3600;

inline constexpr std::array<std::string_view, 3> kColorWords{"auto", "always", "never"};

inline constexpr Flag kIdFlag{
    .name = "id", .argument = "NAME", .help = "my name; or PINHOLE_ID", .kind = FlagKind::kText};

inline constexpr Flag kJsonFlag{.name = "json", .help = "events on stdout, one object a line"};

inline constexpr std::array kStationFlags{
    kIdFlag,
    Flag{.name = "via",
         .argument = "HOST[:PORT]",
         .help = "the rendezvous; or PINHOLE_VIA",
         .kind = FlagKind::kText},
    Flag{.name = "tcp-port",
         .argument = "PORT",
         .help = "where the rendezvous takes TCP, if not there too",
         .kind = FlagKind::kNumber,
         .max = 65535},
    Flag{.name = "psk-file",
         .argument = "FILE",
         .help = "the key of a closed group (peer id --new-psk)",
         .kind = FlagKind::kFile},
    Flag{.name = "pin",
         .argument = "KEY",
         .help = "PEER=pk:... or the rendezvous's rv:...; nobody else",
         .kind = FlagKind::kText,
         .is_repeatable = true},
    Flag{.name = "no-port-mapping", .help = "do not ask the gateway for a port"},
    kJsonFlag,
    Flag{.name = "quiet", .help = "only errors on stderr"},
    Flag{.name = "color",
         .argument = "WHEN",
         .help = "auto, always or never",
         .kind = FlagKind::kChoice,
         .choices = kColorWords,
         .initial = "auto"},
    Flag{.name = "low-ports", .help = "try ports below 1024 against random NATs", .is_rare = true},
    Flag{.name = "no-spray", .help = "never guess ports of an unpredictable NAT", .is_rare = true},
};

inline constexpr Flag kTimeoutFlag{.name = "timeout",
                                   .argument = "SECONDS",
                                   .help = "give up after this (30)",
                                   .kind = FlagKind::kNumber,
                                   .max = kSecondsMax};
inline constexpr Flag kWaitFlag{.name = "wait", .help = "wait for an offline peer"};

struct StationOptions {
    Id id;
    /// The rendezvous as `host:port`, in one form for each way to write it.
    std::string via;
    /// Where the rendezvous takes TCP, if not at the port of `via`.
    std::optional<std::uint16_t> tcp_port{};
    AcceptPolicy accept = AcceptPolicy::kAll;
    std::optional<std::filesystem::path> psk_file;
    /// Keys that the user gave: whoever has another one is refused.
    std::optional<crypto::PublicKey> server_pin{};
    std::map<Id, crypto::PublicKey> pins{};
    /// Ask the gateway for a port where there is a NAT.
    bool maps_ports = true;
    /// Use ports below 1024, where even two unpredictable NATs may meet. Needs the right to.
    bool low_ports = false;
    /// Guess the ports of an unpredictable NAT, where nothing else can work.
    bool sprays = true;
    /// Measure how long idle flows live; takes minutes.
    bool measures_lifetime = false;
    bool json = false;
    /// Standard output is the verb's own: events go to standard error.
    bool owns_stdout = false;
    bool quiet = false;
    ColorMode color = ColorMode::kAuto;
};

/// From settings that have `kStationFlags`. Throws UsageError.
[[nodiscard]] StationOptions station_options(const Settings& settings);
/// From settings that have `kIdFlag`. Throws UsageError.
[[nodiscard]] Id own_id(const Settings& settings);
/// From settings that have `kTimeoutFlag`; nothing when none is given.
[[nodiscard]] std::optional<Duration> timeout_of(const Settings& settings);
/// A word as the name of somebody else than `self`. Throws UsageError.
[[nodiscard]] Id other_peer(const std::string& word, const Id& self);
/// `host:port` with the default port filled in and brackets around IPv6. Throws UsageError.
[[nodiscard]] std::string canonical_via(const std::string& text);

}  // namespace pinhole::peer
