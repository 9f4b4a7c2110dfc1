#include "peer/chat_options.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "peer/chat_protocol.hpp"
#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {

AcceptPolicy accept_of(const Settings& settings) {
    const auto word = settings.text("accept");
    if (word == "known") return AcceptPolicy::kKnown;
    return word == "none" ? AcceptPolicy::kNone : AcceptPolicy::kAll;
}

ChatOptions chat_options(const Settings& settings) {
    ChatOptions out;
    out.station = station_options(settings);
    out.station.accept = accept_of(settings);
    for (const std::string& word : settings.words()) {
        const Id peer = other_peer(word, out.station.id);
        if (std::ranges::find(out.peers, peer) == out.peers.end()) out.peers.push_back(peer);
    }
    if (const auto room = settings.text("room")) {
        out.room = Id::parse(*room);
        if (!out.room) {
            throw UsageError(fmt::format("'{}' is no name of a room: 1 to 32 of a-z 0-9 . _ -",
                                         sanitized(*room)));
        }
    }
    out.message = settings.text("message");
    if (out.message && !out.room && out.peers.size() != 1) {
        throw UsageError("--message goes to exactly one PEER, or to a --room");
    }
    if (out.message && out.message->size() > kTextBytesMax) {
        throw UsageError(fmt::format("--message is longer than {} bytes", kTextBytesMax));
    }
    if (const auto into = settings.text("into")) out.into = *into;
    if (out.into && out.into->empty()) throw UsageError("--into has no DIR");
    out.wait = settings.is_set("wait");
    if (settings.is_on_command_line("timeout") && !out.message) {
        throw UsageError("--timeout belongs to --message");
    }
    const auto timeout = timeout_of(settings);
    out.timeout = timeout ? *timeout : out.wait ? Duration::max() : out.timeout;
    return out;
}

}  // namespace pinhole::peer
