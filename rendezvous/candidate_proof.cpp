#include "rendezvous/candidate_proof.hpp"

#include <algorithm>

namespace pinhole::rendezvous {
namespace {

/// The order in which a list is filled: proven, mapped, IPv6, private.
int rank_of(const wire::Candidate& candidate, bool proven) {
    if (candidate.endpoint.ip.scope() == Scope::kPrivate) return 3;
    if (proven) return 0;
    return candidate.endpoint.ip.is_v6() ? 2 : 1;
}

}  // namespace

void Claims::observe(const Endpoint& endpoint) {
    observed_ = endpoint;
    prove(endpoint.ip);
    insert({.candidate = {.type = wire::CandidateType::kServerReflexive, .endpoint = endpoint},
            .proven = true});
}

void Claims::add(Instant now, crypto::CookieJar& jar, const wire::CandidateList& list) {
    for (const wire::Candidate& candidate : list) {
        const bool proven =
            candidate.proof && jar.is_valid(now, candidate.endpoint, *candidate.proof);
        if (proven) prove(candidate.endpoint.ip);
        insert({.candidate = {.type = candidate.type, .endpoint = candidate.endpoint},
                .proven = proven});
    }
}

void Claims::insert(const Claim& claim) {
    for (Claim& known : claims_) {
        if (known.candidate.endpoint != claim.candidate.endpoint) continue;
        known.proven = known.proven || claim.proven;
        return;
    }
    // Full means ignored: the bound is the claimer's own business.
    static_cast<void>(claims_.push_back(claim));
}

void Claims::prove(const IpAddress& ip) {
    if (!is_proven(ip)) static_cast<void>(proven_.push_back(ip));
}

bool Claims::is_proven(const IpAddress& ip) const {
    return std::ranges::find(proven_, ip) != proven_.end();
}

bool Claims::shares_address_with(const Claims& other) const {
    if (stream_from_ && other.is_at(subscriber_prefix(*stream_from_))) return true;
    return std::ranges::any_of(
        proven_, [&](const IpAddress& ours) { return other.is_at(subscriber_prefix(ours)); });
}

bool Claims::is_at(const IpAddress& prefix) const {
    if (stream_from_ && subscriber_prefix(*stream_from_) == prefix) return true;
    return std::ranges::any_of(
        proven_, [&](const IpAddress& ip) { return subscriber_prefix(ip) == prefix; });
}

bool Claims::is_seen_as(Scope scope) const {
    return observed_ && observed_->ip.scope() == scope;
}

bool Claims::passes(const Claim& claim, const Claims& receiver) const {
    const IpAddress& ip = claim.candidate.endpoint.ip;
    switch (ip.scope()) {
        case Scope::kPublic: return claim.proven || is_proven(ip);
        case Scope::kPrivate:
            if (shares_address_with(receiver)) return true;
            return is_proven(ip) && receiver.is_seen_as(Scope::kPrivate);
        case Scope::kLoopback:
            // Never on anybody's word. What the server's own session path says is no claim: both
            // peers then run on the server's machine.
            return observed_ == claim.candidate.endpoint && receiver.is_seen_as(Scope::kLoopback);
        case Scope::kLinkLocal:
        case Scope::kUnusable: return false;
    }
    return false;
}

wire::CandidateList Claims::take_untold(const Claims& receiver) {
    wire::CandidateList out;
    for (int rank = 0; rank <= 3; ++rank) {
        for (Claim& claim : claims_) {
            if (claim.told || rank_of(claim.candidate, claim.proven) != rank) continue;
            if (!passes(claim, receiver) || !out.push_back(claim.candidate)) continue;
            claim.told = true;
        }
    }
    return out;
}

void Claims::forget_told() {
    for (Claim& claim : claims_) claim.told = false;
}

void Claims::forget_told(const wire::CandidateList& list) {
    for (const wire::Candidate& candidate : list) {
        for (Claim& claim : claims_) {
            if (claim.candidate.endpoint == candidate.endpoint) claim.told = false;
        }
    }
}

std::size_t Claims::withheld_from(const Claims& receiver) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        claims_, [&](const Claim& claim) { return !passes(claim, receiver); }));
}

}  // namespace pinhole::rendezvous
