#include "peer/send_options.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "peer/files/entry_name.hpp"
#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {

namespace {

/// `-` is standard input: alone, and with a name.
std::optional<std::string> input_name_of(const Settings& settings,
                                         const std::vector<std::string>& files) {
    const auto name = settings.text("name");
    if (std::ranges::find(files, "-") == files.end()) {
        if (settings.is_on_command_line("name")) throw UsageError("--name belongs to FILE -");
        return std::nullopt;
    }
    if (files.size() > 1) throw UsageError("standard input, FILE -, goes alone");
    if (!name) throw UsageError("what is it to be called? FILE - needs --name NAME");
    if (const auto fault = files::fault_of_component(*name)) {
        throw UsageError(
            fmt::format("--name '{}': {}", sanitized(*name), files::sentence_of(*fault)));
    }
    return name;
}

}  // namespace

SendOptions send_options(const Settings& settings) {
    SendOptions out;
    out.station = station_options(settings);
    out.station.accept = AcceptPolicy::kNone;
    out.files = settings.words();
    if (out.files.size() < 2) throw UsageError("send takes files and then the PEER who gets them");
    out.peer = other_peer(out.files.back(), out.station.id);
    out.files.pop_back();
    out.input_name = input_name_of(settings, out.files);
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
