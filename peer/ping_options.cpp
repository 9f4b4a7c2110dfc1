#include "peer/ping_options.hpp"

namespace pinhole::peer {

PingOptions ping_options(const Settings& settings) {
    PingOptions out;
    out.station = station_options(settings);
    out.station.accept = AcceptPolicy::kNone;
    if (settings.words().size() != 1) throw UsageError("ping takes exactly one PEER");
    out.peer = other_peer(settings.words().front(), out.station.id);
    out.count = settings.number("count").value_or(0);
    out.until_direct = settings.is_set("until-direct");
    out.wait = settings.is_set("wait");
    const auto timeout = timeout_of(settings);
    const bool is_limited = out.until_direct || !out.wait;
    out.timeout = timeout ? *timeout : is_limited ? out.timeout : Duration::max();
    return out;
}

}  // namespace pinhole::peer
