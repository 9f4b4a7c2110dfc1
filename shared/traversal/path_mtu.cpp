#include "shared/traversal/path_mtu.hpp"

#include <algorithm>
#include <cassert>
#include <span>

namespace pinhole::traversal {
namespace {

/// IPv4 20 or IPv6 40, and UDP 8.
constexpr std::size_t kHeadersV4 = 28;
constexpr std::size_t kHeadersV6 = 48;
/// Bounds of the time after which a copy of a probe counts as missing. RFC 8899 5.1.1: PROBE_TIMER
/// is 1 s at least; a size in use that ceased to pass swallows data meanwhile, so it gets less.
constexpr Duration kMissingMin = 1s;
constexpr Duration kMissingMinInUse = 500ms;
constexpr Duration kMissingMax = 2s;
/// The pace of further copies on a path that answers nothing at all.
constexpr Duration kSilentInterval = 5s;

}  // namespace

void PathMtu::start(Family family) {
    stop();
    is_running_ = true;
    headers_ = family == Family::kV4 ? kHeadersV4 : kHeadersV6;
    passing_ = first_candidate();
}

void PathMtu::stop() {
    const unsigned black_holes = black_holes_;
    *this = PathMtu{};
    black_holes_ = black_holes;
}

void PathMtu::on_data_sent(Instant now, std::size_t payload) {
    if (!is_running_) return;
    if (payload > kUdpPayloadMax && !probe_) {
        ask_at_ = std::min(ask_at_, confirmed_at_ + kConfirmInterval);
    }
    if (is_searching() && now >= search_from_) bulk_ = std::min(bulk_ + payload, kBulkBytes);
}

void PathMtu::on_large_arrived(Instant now) {
    if (!is_running_ || payload() == kUdpPayloadMax) return;
    confirmed_at_ = now;
    ask_at_ = kNever;
    if (probe_ && !probe_->candidate) probe_.reset();
}

void PathMtu::on_too_big(Instant now) {
    if (!is_running_ || probe_ || this->payload() == kUdpPayloadMax) return;
    ask_at_ = std::min(ask_at_, std::max(now, confirmed_at_ + kHintInterval));
}

std::optional<std::size_t> PathMtu::take_probe(Instant now) {
    if (!is_running_) return std::nullopt;
    if (probe_ && now < probe_->due) return std::nullopt;
    if (probe_ && probe_->copies >= kProbesMax && probe_->has_small_passed) conclude_lost(now);
    if (probe_) return probe_->payload;
    if (ask_at_ <= now) {
        probe_ = Probe{.payload = payload()};
    } else if (is_searching() && bulk_ == kBulkBytes) {
        const std::size_t candidate = next_candidate();
        probe_ = Probe{.payload = payload_of(candidate), .candidate = candidate};
    } else {
        return std::nullopt;
    }
    ask_at_ = kNever;
    return probe_->payload;
}

void PathMtu::on_probe_sent(Instant now, const wire::ChallengeId& id, Duration rtt) {
    assert(probe_);
    probe_->ids[probe_->copies++ % kProbesMax] = id;
    const bool is_silent = probe_->copies > kProbesMax;
    const Duration least = probe_->candidate ? kMissingMin : kMissingMinInUse;
    probe_->due = now + (is_silent ? kSilentInterval : std::clamp(3 * rtt, least, kMissingMax));
}

void PathMtu::on_answer(Instant now, const wire::ChallengeId& id) {
    if (!probe_) return;
    const auto sent = std::span{probe_->ids}.first(std::min(probe_->copies, kProbesMax));
    if (std::ranges::find(sent, id) != sent.end()) {
        if (probe_->candidate) passing_ = *probe_->candidate + 1;
        confirmed_at_ = now;
        probe_.reset();
        return rest_if_found(now);
    }
    if (probe_->copies < 2 || probe_->has_small_passed) return;
    probe_->has_small_passed = true;
    if (probe_->copies <= kProbesMax) return;
    // The whole path was silent, and those copies say nothing: count anew.
    probe_->copies = 0;
    probe_->due = now;
}

Instant PathMtu::next_timeout() const {
    if (!is_running_) return kNever;
    if (probe_) return probe_->due;
    if (is_searching() && bulk_ == kBulkBytes) return search_from_;
    return ask_at_;
}

std::size_t PathMtu::payload() const {
    return passing_ == 0 ? kUdpPayloadMax : std::max(kUdpPayloadMax, payload_of(passing_ - 1));
}

std::size_t PathMtu::payload_of(std::size_t candidate) const {
    return candidate < kLinkMtus.size() ? kLinkMtus[candidate] - headers_ : kUdpPayloadProbed;
}

// What does not exceed the base passed before the path was selected.
std::size_t PathMtu::first_candidate() const {
    std::size_t first = 0;
    while (payload_of(first) <= kUdpPayloadMax) ++first;
    return first;
}

// Most paths carry what Ethernet does; after that the middle of what is left tells most, and above
// Ethernet there is only one.
std::size_t PathMtu::next_candidate() const {
    const bool is_first = failing_ == kCandidates && passing_ <= kEthernet;
    return is_first ? kEthernet : (passing_ + failing_) / 2;
}

void PathMtu::conclude_lost(Instant now) {
    if (probe_->candidate) {
        failing_ = *probe_->candidate;
        probe_.reset();
        return rest_if_found(now);
    }
    probe_.reset();
    ++black_holes_;
    passing_ = first_candidate();
    rest(now, kAfterBlackHole);
}

void PathMtu::rest_if_found(Instant now) {
    if (!is_searching()) rest(now, kRaiseInterval);
}

void PathMtu::rest(Instant now, Duration duration) {
    search_from_ = now + duration;
    failing_ = kCandidates;
    bulk_ = 0;
}

}  // namespace pinhole::traversal
