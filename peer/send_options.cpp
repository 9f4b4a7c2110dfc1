#include "peer/send_options.hpp"

namespace pinhole::peer {

SendOptions send_options(const Settings& settings) {
    SendOptions out;
    out.station = station_options(settings);
    out.station.accept = AcceptPolicy::kNone;
    out.files = settings.words();
    if (out.files.size() < 2) throw UsageError("send takes files and then the PEER who gets them");
    out.peer = other_peer(out.files.back(), out.station.id);
    out.files.pop_back();
    out.wait = settings.is_set("wait");
    if (const auto timeout = timeout_of(settings)) {
        out.timeout = out.timeout_when_lost = *timeout;
        out.limits_taking = true;
    } else if (out.wait) {
        out.timeout = out.timeout_when_lost = Duration::max();
    }
    return out;
}

}  // namespace pinhole::peer
