#include "shared/traversal/selection.hpp"

#include <algorithm>

namespace pinhole::traversal {

namespace {

/// The RTT that counts. It may be negative: only differences matter.
Duration score(const Selection::Option& option) {
    const Duration bonus = option.path.remote.ip.is_v6() ? kIpv6Bonus : Duration{};
    return option.quality.rtt() - bonus;
}

bool is_preferred(const Selection::Option& a, const Selection::Option& b) {
    if (is_lan(a.path) != is_lan(b.path)) return is_lan(a.path);
    if (score(a) != score(b)) return score(a) < score(b);
    return a.path < b.path;
}

bool is_clearly_better(const Selection::Option& challenger, const Selection::Option& current) {
    if (challenger.quality.answers() < kSamplesToSwitch) return false;
    if (is_lan(challenger.path) != is_lan(current.path)) return is_lan(challenger.path);
    const Duration gain = score(current) - score(challenger);
    return gain >= kSwitchMargin && gain >= current.quality.rtt() / kSwitchFraction;
}

}  // namespace

void Quality::on_answer(Duration rtt, bool data_sized) {
    rtt_ = answers_ == 0 ? rtt : (7 * rtt_ + rtt) / 8;
    ++answers_;
    data_sized_ |= data_sized;
}

void Quality::on_failed(Instant now) {
    const bool again = failed_at_ && now - *failed_at_ < kFailureForgotten;
    bar_ = !again ? Duration{} : bar_ == Duration{} ? kFirstBar : std::min(2 * bar_, kLongestBar);
    failed_at_ = now;
    barred_until_ = now + bar_;
    answers_ = 0;
    data_sized_ = false;
}

bool is_lan(const Path& path) {
    return path.remote.ip.scope() == Scope::kPrivate;
}

bool Selection::consider(Instant now, std::span<const Option> options) {
    if (options.empty()) return false;
    const auto current = std::ranges::find_if(
        options, [&](const Option& option) { return option.path == selected_; });
    const auto best = std::ranges::min_element(options, is_preferred);
    if (!selected_) {
        selected_ = best->path;
        since_ = now;
        return true;
    }
    if (current == options.end() || now - since_ < kDwell) return false;
    for (const Option& option : options) {
        // Not only the best one: it may lack the samples that the second best has.
        if (option.path == selected_ || !is_clearly_better(option, *current)) continue;
        selected_ = option.path;
        since_ = now;
        return true;
    }
    return false;
}

}  // namespace pinhole::traversal
