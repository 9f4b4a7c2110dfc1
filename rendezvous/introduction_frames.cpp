// What introductions send: the frames of `Introductions`, apart from the rules that lead to them.
#include "rendezvous/introductions.hpp"

namespace pinhole::rendezvous {
namespace {

std::uint32_t remaining_us(Instant now, Instant since, Duration whole) {
    const Duration rest = std::max(Duration{0}, whole - (now - since));
    return static_cast<std::uint32_t>(rest.count());
}

/// A copy went out: the next one, or giving up, follows. The last copy gets twice the round trip,
/// because a client behind a satellite is slow and not gone.
void note_copy(Instant now, const Client& answerer, Introduction& of) {
    ++of.copies;
    of.copy_sent = now;
    const bool was_last = of.copies > kIntroductionRepeats;
    of.repeat_at =
        now + (was_last ? std::max(kIntroductionRepeat, 2 * answerer.rtt()) : kIntroductionRepeat);
}

/// What `own` should do differently against `other`. Who maps each destination anew but lets
/// everybody in stays silent: if it spoke, its mapping towards the other side would be one that
/// nobody was told of, while the other side, filtering by port, waits for the one it was told.
wire::Technique technique_of(const Client& own, const Client& other) {
    const bool listens = wire::is_dependent(own.mapping) && wire::is_independent(own.filtering) &&
                         wire::is_independent(other.mapping) &&
                         !wire::ignores_ports(other.filtering);
    return listens ? wire::Technique::kListen : wire::Technique::kNone;
}

}  // namespace

void Introductions::send_question(Instant now, Introduction& of) {
    Client* asker = parts_.clients.find(of.asker);
    Client* answerer = parts_.clients.find(of.answerer);
    if (asker == nullptr || answerer == nullptr) return;
    ++of.questions;
    note_copy(now, *answerer, of);
    parts_.outbox.send(*answerer, wire::Introduction{.role = Role::kAnswerer,
                                                     .nonce = of.nonce,
                                                     .resume = of.resume,
                                                     .answer_first = true,
                                                     .id = asker->id(),
                                                     .key = asker->session.remote().raw});
}

void Introductions::send_introduced(Instant now, Introduction& of) {
    Client* asker = parts_.clients.find(of.asker);
    const Client* answerer = parts_.clients.find(of.answerer);
    if (asker == nullptr || answerer == nullptr) return;
    parts_.outbox.send(*asker,
                       wire::Introduction{
                           .role = Role::kAsker,
                           .nonce = of.nonce,
                           .resume = of.resume,
                           .id = answerer->id(),
                           .key = answerer->session.remote().raw,
                           .handle = of.handle,
                           .technique = technique_of(*asker, *answerer),
                           .fire_in_us = remaining_us(now, of.offered_at, of.asker_fires_in),
                           .candidates = of.answerer_claims.take_untold(of.asker_claims),
                       });
}

void Introductions::send_introduction(Instant now, Introduction& of) {
    const Client* asker = parts_.clients.find(of.asker);
    Client* answerer = parts_.clients.find(of.answerer);
    if (asker == nullptr || answerer == nullptr) return;
    note_copy(now, *answerer, of);
    parts_.outbox.send(*answerer,
                       wire::Introduction{
                           .role = Role::kAnswerer,
                           .nonce = of.nonce,
                           .resume = of.resume,
                           .id = asker->id(),
                           .key = asker->session.remote().raw,
                           .handle = of.handle,
                           .technique = technique_of(*answerer, *asker),
                           .fire_in_us = remaining_us(now, of.offered_at, of.answerer_fires_in),
                           .candidates = of.asker_claims.take_untold(of.answerer_claims),
                           .handshake = of.handshake.bytes(),
                       });
}

void Introductions::send_error(Client& asker, const IntroductionNonce& nonce,
                               wire::ErrorCode code) {
    parts_.outbox.send(asker, wire::Error{.code = code, .request = 0, .nonce = nonce});
}

void Introductions::send_untold(Introduction& of) {
    Client* asker = parts_.clients.find(of.asker);
    Client* answerer = parts_.clients.find(of.answerer);
    if (asker == nullptr || answerer == nullptr) return;
    // A new proof of one side may make candidates of the other passable: both are looked at.
    const wire::CandidateList to_asker = of.answerer_claims.take_untold(of.asker_claims);
    if (!to_asker.empty()) {
        parts_.outbox.send(*asker, wire::Trickle{.nonce = of.nonce, .candidates = to_asker});
    }
    const wire::CandidateList to_answerer = of.asker_claims.take_untold(of.answerer_claims);
    if (!to_answerer.empty()) {
        parts_.outbox.send(*answerer, wire::Trickle{.nonce = of.nonce, .candidates = to_answerer});
    }
}

}  // namespace pinhole::rendezvous
