#include "peer/forward/desk.hpp"

#include <fmt/format.h>

#include "peer/forward/forward_json.hpp"
#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {
namespace {

/// Different things that are said once; whoever can cause more of them has said enough.
constexpr std::size_t kSaidMax = 1000;

}  // namespace

void Desk::opened(const Carried& what) {
    if (place_.json) place_.screen.data(json::forward_opened(what));
}

void Desk::closed(const Carried& what, const Totals& totals) {
    if (place_.json) place_.screen.data(json::forward_closed(what, totals));
    if (totals.dropped > 0) {
        place_.narrator.say(
            fmt::format("{} datagrams for {} were dropped: too many at once, or too long",
                        totals.dropped, what.target));
    }
}

void Desk::refused(const Carried& what, std::string_view text) {
    if (place_.json) place_.screen.data(json::forward_refused(what, text));
    say_once(what.is_ours ? fmt::format("{} does not connect to {}: {}", what.peer, what.target,
                                        sanitized(text))
                          : fmt::format("not connected to {} for {}: {}", sanitized(what.target),
                                        what.peer, sanitized(text)));
}

void Desk::listening(const Id& peer, const ForwardSpec& spec, bool is_here) {
    if (place_.json) {
        place_.screen.data(json::forward_listening(peer, spec, is_here));
    }
    place_.narrator.say(is_here ? fmt::format("{} {} goes to {} at {}", name_of(spec.transport),
                                              spec.entrance(), text_of(spec.target), peer)
                                : fmt::format("{} {} at {} comes to {}", name_of(spec.transport),
                                              spec.entrance(), peer, text_of(spec.target)));
}

void Desk::say_once(const std::string& words) {
    if (said_.size() >= kSaidMax || !said_.insert(words).second) return;
    place_.narrator.warn(words);
}

}  // namespace pinhole::peer
