#include "peer/pipe_options.hpp"

namespace pinhole::peer {

PipeOptions pipe_options(const Settings& settings) {
    PipeOptions out;
    out.station = station_options(settings);
    out.station.accept = accept_of(settings);
    out.station.owns_stdout = true;
    if (settings.words().size() > 1) throw UsageError("pipe takes one PEER at most");
    if (!settings.words().empty()) {
        out.peer = other_peer(settings.words().front(), out.station.id);
    }
    const bool only_sends = settings.is_set("send-only");
    const bool only_receives = settings.is_set("recv-only");
    const bool ends_with_input = settings.is_set("close-on-eof");
    if (only_sends && only_receives) {
        throw UsageError("--send-only and --recv-only leave nothing to do");
    }
    if (only_receives && ends_with_input) {
        throw UsageError("--close-on-eof needs an input, and --recv-only reads none");
    }
    out.ways = {.sends = !only_receives,
                .receives = !only_sends,
                .ends_with_input = ends_with_input || only_sends};
    out.wait = settings.is_set("wait");
    const auto timeout = timeout_of(settings);
    // Who names nobody waits for a call, and so does who says --wait.
    const bool is_limited = out.peer && !out.wait;
    out.timeout = timeout ? *timeout : is_limited ? out.timeout : Duration::max();
    return out;
}

}  // namespace pinhole::peer
