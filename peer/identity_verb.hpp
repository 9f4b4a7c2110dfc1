// The verb `id`: who am I?
#pragma once

#include "peer/exit_code.hpp"
#include "peer/station_options.hpp"

namespace pinhole::peer {

inline constexpr std::array kIdentityFlags{
    kIdFlag,
    Flag{.name = "new-psk",
         .argument = "FILE",
         .help = "write a fresh key for a closed group",
         .kind = FlagKind::kFile},
    Flag{.name = "qr", .help = "show the name and key as a QR code, too"},
};

/// Shows the name and its key, which is made when there is none, with --qr also as a code; with
/// --new-psk writes a group's key instead. Throws UsageError and what key files throw.
[[nodiscard]] ExitCode run_id(const Settings& settings, const net::Environment& environment);

}  // namespace pinhole::peer
