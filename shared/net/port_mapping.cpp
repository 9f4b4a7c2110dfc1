#include "shared/net/port_mapping.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace pinhole::net {
namespace {

PortUnmapped::Reason reason_of(MappingRefusal refusal) {
    switch (refusal) {
        case MappingRefusal::kNoAnswer: return PortUnmapped::Reason::kNoGateway;
        case MappingRefusal::kRefused: return PortUnmapped::Reason::kRefused;
        case MappingRefusal::kTooShort: return PortUnmapped::Reason::kTooShort;
        case MappingRefusal::kNoPublicAddress: break;
    }
    return PortUnmapped::Reason::kDoubleNat;
}

}  // namespace

PortMapping::PortMapping(SocketId socket, std::vector<Way> ways, Owner owner)
    : socket_(socket), ways_(std::move(ways)), owner_(std::move(owner)) {}

void PortMapping::ask(Instant now, std::uint16_t local_port) {
    local_port_ = local_port;
    was_mapped_ = false;
    remap_pause_ = kRemapPauseMin;
    begin(now);
}

void PortMapping::begin(Instant now) {
    cancel();
    attempts_.assign(ways_.size(), Attempt{});
    asked_at_ = now;
    external_.reset();
    state_ = State::kAsking;
    const auto gateway = owner_.find_gateway();
    if (!gateway) return conclude(now);
    gateway_ = *gateway;
    start_due_ways(now);
}

void PortMapping::start_due_ways(Instant now) {
    bool all_failed = true;
    for (std::size_t way = 0; way < ways_.size() && state_ == State::kAsking; ++way) {
        const bool is_due = all_failed || now >= asked_at_ + ways_[way].head_start;
        if (attempts_[way].progress == Progress::kWaiting && is_due) start(way);
        all_failed = all_failed && attempts_[way].progress == Progress::kFailed;
    }
    if (all_failed && state_ == State::kAsking) conclude(now);
}

void PortMapping::start(std::size_t way) {
    attempts_[way].progress = Progress::kAsked;
    ways_[way].client->ask(wish(owner_.lifetime), answer_to(way));
}

MappingDone PortMapping::answer_to(std::size_t way) {
    return [this, way](Instant now, const MappingOutcome& outcome) {
        on_answer(now, way, outcome);
        owner_.on_answered();
    };
}

void PortMapping::on_answer(Instant now, std::size_t way, const MappingOutcome& outcome) {
    if (state_ == State::kMapped) return on_renewal(now, outcome);
    if (state_ != State::kAsking) return;
    if (!outcome) return on_failure(now, way, outcome.error());
    const bool is_public = outcome->external.ip.scope() == Scope::kPublic;
    if (is_public && !is_too_short(*outcome)) return on_grant(now, way, *outcome);
    give_back(way, *outcome);
    if (is_public) return on_failure(now, way, {MappingRefusal::kTooShort, {}});
    on_failure(now, way, {MappingRefusal::kNoPublicAddress, outcome->external});
}

void PortMapping::on_grant(Instant now, std::size_t way, const MappingGrant& grant) {
    for (std::size_t other = 0; other < ways_.size(); ++other) {
        if (other != way) ways_[other].client->cancel();
    }
    state_ = State::kMapped;
    current_ = way;
    was_mapped_ = true;
    remap_pause_ = kRemapPauseMin;
    take(now, grant);
}

void PortMapping::give_back(std::size_t way, const MappingGrant& grant) {
    // It is of no use; a gateway's table is not to be filled with such.
    MappingWish removal = wish(Duration{0});
    removal.external = grant.external;
    ways_[way].client->ask(removal, [](Instant, const MappingOutcome&) {});
}

void PortMapping::on_failure(Instant now, std::size_t way, const MappingFailure& failure) {
    attempts_[way] = {Progress::kFailed, failure};
    start_due_ways(now);
}

void PortMapping::conclude(Instant now) {
    state_ = State::kIdle;
    if (was_mapped_) {
        // It was told already that the mapping is lost; go on trying.
        remap_at_ = now + remap_pause_;
        remap_pause_ = std::min(remap_pause_ * 2, kRemapPauseMax);
        return;
    }
    MappingFailure worst;
    for (const Attempt& attempt : attempts_) {
        if (attempt.failure.why > worst.why) worst.why = attempt.failure.why;
        if (attempt.failure.found) worst.found = attempt.failure.found;
    }
    owner_.report(
        PortUnmapped{.socket = socket_, .reason = reason_of(worst.why), .found = worst.found});
}

void PortMapping::take(Instant now, const MappingGrant& grant) {
    expires_ = now + grant.lifetime;
    renew_at_ = now + grant.lifetime / 2;
    gateway_restarted_ |= grant.gateway_restarted;
    if (external_ == grant.external) return;
    external_ = grant.external;
    owner_.report(PortMapped{.socket = socket_,
                             .external = grant.external,
                             .via = ways_[current_].protocol,
                             .lifetime = grant.lifetime});
}

void PortMapping::renew(Instant now) {
    if (state_ != State::kMapped) return;
    renew_at_ = now;
    handle_timeout(now);
}

void PortMapping::send_renewal() {
    renew_at_ = kNever;
    ways_[current_].client->ask(wish(owner_.lifetime), answer_to(current_));
}

void PortMapping::on_renewal(Instant now, const MappingOutcome& outcome) {
    const bool is_good = outcome && outcome->external.ip.scope() == Scope::kPublic;
    if (is_good && !is_too_short(*outcome)) return take(now, *outcome);
    const bool is_silent = !outcome && outcome.error().why == MappingRefusal::kNoAnswer;
    if (!is_silent || now >= expires_) return lose(now);
    renew_at_ = std::min(now + std::max((expires_ - now) / 2, kRenewalPauseMin), expires_);
}

void PortMapping::lose(Instant now) {
    owner_.report(PortUnmapped{.socket = socket_, .reason = PortUnmapped::Reason::kLost});
    begin(now);
}

void PortMapping::remove(std::function<void()> done) {
    const bool is_mapped = state_ == State::kMapped;
    const MappingWish removal = wish(Duration{0});
    cancel();
    if (!is_mapped) return done();
    state_ = State::kRemoving;
    ways_[current_].client->ask(removal,
                                [this, done = std::move(done)](Instant, const MappingOutcome&) {
                                    state_ = State::kIdle;
                                    done();
                                });
}

void PortMapping::cancel() {
    for (const Way& way : ways_) way.client->cancel();
    state_ = State::kIdle;
    for (Instant* timer : {&renew_at_, &remap_at_, &expires_}) *timer = kNever;
}

void PortMapping::handle_timeout(Instant now) {
    if (state_ == State::kAsking) return start_due_ways(now);
    if (state_ == State::kMapped && now >= renew_at_) {
        if (now >= expires_) return lose(now);
        send_renewal();
    }
    if (state_ == State::kIdle && now >= remap_at_) begin(now);
}

Instant PortMapping::next_timeout() const {
    if (state_ == State::kMapped) return renew_at_;
    if (state_ == State::kIdle) return remap_at_;
    Instant next = kNever;
    if (state_ != State::kAsking) return next;
    for (std::size_t way = 0; way < ways_.size(); ++way) {
        if (attempts_[way].progress != Progress::kWaiting) continue;
        next = std::min(next, asked_at_ + ways_[way].head_start);
    }
    return next;
}

MappingWish PortMapping::wish(Duration lifetime) const {
    return {.gateway = gateway_,
            .internal_port = local_port_,
            .lifetime = lifetime,
            .external = external_};
}

}  // namespace pinhole::net
