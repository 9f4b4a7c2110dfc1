#include "peer/files/transfer_show.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "peer/files/transfer_json.hpp"

namespace pinhole::peer::files {
namespace {

constexpr Duration kEventTime = 1s;

}  // namespace

void TransferShow::begin(Instant now) {
    repaint_at_ = std::min(repaint_at_, now + kQuietTime);
    tell_at_ = std::min(tell_at_, now + kEventTime);
}

void TransferShow::handle_timeout(Instant now) {
    if (now < next_timeout()) return;
    const auto states = states_(now);
    const bool repaints = now >= repaint_at_;
    const bool tells = now >= tell_at_;
    if (states.empty()) repaint_at_ = tell_at_ = kNever;
    if (states.empty()) return;
    if (repaints) {
        repaint_at_ = now + kRepaintTime;
        // With several at once, the line is about each in turn.
        const auto seconds = static_cast<std::size_t>(now.time_since_epoch() / 2s);
        if (!has_prompt_) station_.screen().state(progress_words(states[seconds % states.size()]));
    }
    if (has_prompt_) say_quarters(states);
    if (!tells) return;
    tell_at_ = now + kEventTime;
    if (!station_.options().json) return;
    for (const TransferState& state : states) station_.screen().data(json::progress(state));
}

void TransferShow::say_quarters(const std::vector<TransferState>& states) {
    for (const TransferState& state : states) {
        if (!state.has_new_quarter) continue;
        station_.narrator().say(fmt::format("{}: {}", state.title, progress_words(state)));
    }
}

Instant TransferShow::next_timeout() const {
    return std::min(repaint_at_, tell_at_);
}

}  // namespace pinhole::peer::files
