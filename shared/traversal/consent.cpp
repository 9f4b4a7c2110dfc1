#include "shared/traversal/consent.hpp"

namespace pinhole::traversal {

Duration Consent::suspicion(Duration rtt) {
    return std::clamp(3 * rtt, kSuspicionMin, kSuspicionMax);
}

void Consent::on_challenge_sent(Instant now) {
    challenged_ = sent_ = now;
    if (unanswered_since_) return;
    unanswered_since_ = now;
    broke_silence_ = heard_ && now - *heard_ > kDeadAfter;
}

void Consent::on_answered(Instant now) {
    heard_ = now;
    unanswered_since_.reset();
    is_doubted_ = false;
}

void Consent::on_keepalive_sent(Instant now, Random& random) {
    sent_ = now;
    drawn_ = static_cast<int>(random.below(1001));
}

bool Consent::is_trusted(Instant now, Duration rtt) const {
    if (is_doubted_ || !heard_ || now - *heard_ > kDeadAfter) return false;
    return !unanswered_since_ || now - *unanswered_since_ < suspicion(rtt);
}

bool Consent::has_consent(Instant now) const {
    return heard_ && now - *heard_ < kConsentLifetime;
}

Instant Consent::dead_at() const {
    return unanswered_since_ ? *unanswered_since_ + kDeadAfter : kNever;
}

Instant Consent::next_challenge(Duration rtt) const {
    if (!challenged_) return Instant{};
    if (unanswered_since_) {
        const bool is_hopeless = *challenged_ - *unanswered_since_ > 2 * kDeadAfter;
        return *challenged_ + (is_hopeless ? kDeadInterval : suspicion(rtt));
    }
    if (is_doubted_) return *challenged_ + kSuspicionMin;
    const Instant quiet = std::max(heard_.value_or(*challenged_), *challenged_) + kQuietInterval;
    if (owes_challenge()) return std::min(quiet, *challenged_ + kChallengeInterval);
    return quiet;
}

Instant Consent::next_spare_challenge(Duration rtt, Duration interval) const {
    if (!challenged_) return Instant{};
    return *challenged_ + (unanswered_since_ ? suspicion(rtt) : interval);
}

Instant Consent::next_keepalive(const Pace& pace) const {
    if (!sent_) return kNever;
    return *sent_ + pace.shortest + (pace.longest - pace.shortest) * drawn_ / 1000;
}

bool Consent::is_busy_beside(const Consent& other) const {
    return data_ && (!other.challenged_ || *data_ > *other.challenged_ - kBusyFor);
}

Duration Consent::unanswered_for(Instant now) const {
    return unanswered_since_ ? now - *unanswered_since_ : Duration{};
}

}  // namespace pinhole::traversal
