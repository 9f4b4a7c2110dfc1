// What `doctor` takes: flags, then the name of a peer or nothing.
#pragma once

#include "peer/station_options.hpp"

namespace pinhole::peer {

inline constexpr auto kDoctorFlags =
    joined(kStationFlags,
           std::array{
               Flag{.name = "lifetime", .help = "measure how long idle flows live; takes minutes"},
               kTimeoutFlag,
               kWaitFlag,
           });

struct DoctorOptions {
    StationOptions station;
    /// Nobody: only this network is looked at.
    std::optional<Id> peer;
    bool lifetime = false;
    bool wait = false;
    Duration timeout = 30s;
};

/// Throws UsageError.
[[nodiscard]] DoctorOptions doctor_options(const Settings& settings);

}  // namespace pinhole::peer
