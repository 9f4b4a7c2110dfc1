#include "peer/doctor_options.hpp"

namespace pinhole::peer {
namespace {

/// Steps of 207 s in all (traversal/lifetime.hpp), and room for what comes before.
constexpr Duration kLifetimeTimeout = 300s;

}  // namespace

DoctorOptions doctor_options(const Settings& settings) {
    DoctorOptions out;
    out.station = station_options(settings);
    out.station.accept = AcceptPolicy::kNone;
    const auto& names = settings.words();
    if (names.size() > 1) throw UsageError("doctor takes one PEER at most");
    if (!names.empty()) out.peer = other_peer(names.front(), out.station.id);
    out.lifetime = settings.is_set("lifetime");
    out.station.measures_lifetime = out.lifetime;
    out.wait = settings.is_set("wait") && out.peer;
    if (settings.is_on_command_line("wait") && settings.is_set("wait") && !out.peer) {
        throw UsageError("--wait waits for a PEER");
    }
    out.timeout = timeout_of(settings).value_or(out.lifetime ? kLifetimeTimeout : out.timeout);
    return out;
}

}  // namespace pinhole::peer
