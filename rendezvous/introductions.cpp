#include "rendezvous/introductions.hpp"

#include <algorithm>

namespace pinhole::rendezvous {
namespace {

/// The head start of the farther side: the whole difference of the round trips. Half of it would do
/// if the way there took as long as the way back; nobody can tell, and a datagram that arrives
/// before the other side has opened can spoil the punch for good, while the relay carries data
/// meanwhile.
Duration fires_in(Duration own_rtt, Duration other_rtt) {
    if (own_rtt == Duration{0} || other_rtt == Duration{0}) return Duration{0};
    return std::clamp(other_rtt - own_rtt, Duration{0}, kFireInMax);
}

}  // namespace

Parsed<void> Introductions::handle_connect(Instant now, Client& asker, const wire::Connect& frame) {
    if (frame.nonce == IntroductionNonce{}) return dropped(Drop::kBadField);
    if (Introduction* known = find(frame.nonce)) {
        if (known->asker != asker.name || known->target != frame.target) {
            return dropped(Drop::kUnexpected);
        }
        Client* answerer = answerer_of(asker, frame);
        const ClientId online = answerer == nullptr ? kNobody : answerer->name;
        if (known->answerer == online || known->ended_absent()) {
            return repeat_answer(now, *known, frame);
        }
        if (known->is_undecided()) {
            // Came, went or came back while the asker waits: it must not see that by another wait.
            known->keep_alive(now);
            turn_to(now, *known, answerer);
            return {};
        }
        // The one asked for came back as another process: what was under way is void.
        introductions_.erase(frame.nonce);
    }
    if (!parts_.budgets.introductions.try_take(now, asker.session.remote().bytes()) ||
        introductions_.size() >= kIntroductionsMax) {
        send_error(asker, frame.nonce, wire::ErrorCode::kLimit);
        return dropped(Drop::kLimit);
    }
    begin(now, asker, frame);
    return {};
}

Client* Introductions::answerer_of(const Client& asker, const wire::Connect& frame) {
    const Binding* target = parts_.registry.find(frame.target);
    if (target == nullptr || target->online == asker.name) return nullptr;
    return parts_.clients.find(target->online);
}

Parsed<void> Introductions::repeat_answer(Instant now, Introduction& known,
                                          const wire::Connect& frame) {
    known.keep_alive(now);
    known.asker_claims.add(now, parts_.jar, frame.candidates);
    switch (known.stage) {
        case Introduction::Stage::kAsking:
        case Introduction::Stage::kAbsent: return {};
        case Introduction::Stage::kOffered:
        case Introduction::Stage::kSettled:
            known.answerer_claims.forget_told();
            send_introduced(now, known);
            send_untold(known);
            return {};
        case Introduction::Stage::kFailed:
            if (Client* asker = parts_.clients.find(known.asker)) {
                send_error(*asker, known.nonce, known.failure);
            }
            return {};
    }
    return {};
}

void Introductions::begin(Instant now, Client& asker, const wire::Connect& frame) {
    Introduction& made = introductions_[frame.nonce];
    made.nonce = frame.nonce;
    made.asker = asker.name;
    made.target = frame.target;
    made.resume = frame.resume;
    made.created = now;
    made.absent_at = now + kAbsenceDelay;
    made.keep_alive(now);
    made.handshake.assign(frame.handshake);
    made.asker_claims.observe(asker.path);
    made.asker_claims.add(now, parts_.jar, frame.candidates);
    turn_to(now, made, answerer_of(asker, frame));
}

void Introductions::turn_to(Instant now, Introduction& of, Client* answerer) {
    of.stage = Introduction::Stage::kAbsent;
    of.answerer = answerer == nullptr ? kNobody : answerer->name;
    of.answerer_claims = {};
    of.asked = false;
    of.refused = false;
    of.repeat_at = kNever;
    of.copies = of.questions = of.answers = 0;
    if (answerer == nullptr) return arm(of);
    of.answerer_claims.observe(answerer->path);

    // A pair that talks already has asked before.
    const bool is_live = parts_.relay.handle_of(of.asker, of.answerer).has_value();
    of.asked = answerer->accept == wire::AcceptMode::kAsk && !is_live;
    if (!of.asked) return offer(now, of);
    of.stage = Introduction::Stage::kAsking;
    send_question(now, of);
    arm(of);
}

void Introductions::offer(Instant now, Introduction& of) {
    Client* asker = parts_.clients.find(of.asker);
    Client* answerer = parts_.clients.find(of.answerer);
    if (asker == nullptr || answerer == nullptr) return;
    of.stage = Introduction::Stage::kOffered;
    of.absent_at = kNever;
    of.handle = parts_.relay.permit(now, {of.asker, of.answerer});
    of.offered_at = now;
    of.copies = 0;
    of.asker_fires_in = fires_in(asker->rtt(), answerer->rtt());
    of.answerer_fires_in = fires_in(answerer->rtt(), asker->rtt());
    send_introduced(now, of);
    send_introduction(now, of);
    arm(of);
    parts_.metrics.happened.add(Happening::kIntroductionMade);
    parts_.metrics.happened.add(Happening::kCandidateWithheld,
                                of.asker_claims.withheld_from(of.answerer_claims));
    parts_.events.push_back(PeersIntroduced{.asker = asker->id(), .answerer = answerer->id()});
}

Parsed<void> Introductions::handle_accept(Instant now, Client& answerer,
                                          const wire::Accept& frame) {
    Introduction* of = find(frame.nonce);
    if (of == nullptr || of->answerer != answerer.name) return dropped(Drop::kUnexpected);
    if (of->refused) return dropped(Drop::kStale);
    if (of->stage == Introduction::Stage::kFailed && of->asked) return accept_late(now, *of);
    of->keep_alive(now);
    ++of->answers;
    // Who is asked first may think; else the answer comes at once. A repeated question tells no
    // round trip (Karn).
    if (!of->asked && of->copies == 1) answerer.note_rtt(now - of->copy_sent);
    of->answerer_claims.add(now, parts_.jar, frame.candidates);
    if (of->stage == Introduction::Stage::kAsking) {
        offer(now, *of);
        return {};
    }
    if (of->answers > of->questions) {
        of->stage = Introduction::Stage::kSettled;
        of->repeat_at = kNever;
        of->copies = 0;
    }
    send_untold(*of);
    return {};
}

Parsed<void> Introductions::accept_late(Instant now, const Introduction& of) {
    if (parts_.clients.find(of.asker) == nullptr) return dropped(Drop::kStale);
    // The asker was told that there is nobody. It may ask again, and is known then.
    static_cast<void>(parts_.relay.permit(now, {of.asker, of.answerer}));
    return {};
}

Parsed<void> Introductions::handle_refuse(Instant now, Client& answerer,
                                          const wire::Refuse& frame) {
    Introduction* of = find(frame.nonce);
    if (of == nullptr || of->answerer != answerer.name) return dropped(Drop::kUnexpected);
    if (of->stage == Introduction::Stage::kFailed || of->refused) return dropped(Drop::kStale);
    of->refused = true;
    parts_.metrics.happened.add(Happening::kIntroductionRefused);
    if (of->stage == Introduction::Stage::kAsking) {
        of->stage = Introduction::Stage::kAbsent;
        of->repeat_at = kNever;
        return {};  // the asker hears of it at its time, as it hears of an absence
    }
    of->keep_alive(now);
    // An offer that is taken back takes its relay permission along.
    parts_.relay.forget(of->asker, of->answerer);
    fail(*of, wire::ErrorCode::kUnknownPeer);
    return {};
}

Parsed<void> Introductions::handle_trickle(Instant now, Client& sender,
                                           const wire::Trickle& frame) {
    Introduction* of = find(frame.nonce);
    if (of == nullptr || (of->asker != sender.name && of->answerer != sender.name)) {
        return dropped(Drop::kUnexpected);
    }
    if (of->stage == Introduction::Stage::kFailed) return dropped(Drop::kStale);
    if (of->trickles_left == 0) return dropped(Drop::kLimit);
    --of->trickles_left;
    const bool is_from_asker = of->asker == sender.name;
    if (is_from_asker || !of->is_undecided()) of->keep_alive(now);
    Claims& claims = is_from_asker ? of->asker_claims : of->answerer_claims;
    claims.add(now, parts_.jar, frame.candidates);
    claims.forget_told(frame.candidates);
    // Before the answer nothing goes to the other side; the offer will carry it.
    if (!of->is_undecided()) send_untold(*of);
    return {};
}

void Introductions::fail(Introduction& of, wire::ErrorCode why) {
    of.stage = Introduction::Stage::kFailed;
    of.failure = why;
    of.repeat_at = kNever;
    of.absent_at = kNever;
    if (Client* asker = parts_.clients.find(of.asker)) send_error(*asker, of.nonce, why);
}

void Introductions::handle_timeout(Instant now) {
    while (const auto due = deadlines_.take(now)) {
        const auto found = introductions_.find(due->name);
        if (found == introductions_.end() || found->second.alarm.at != due->at) continue;
        found->second.alarm = {};
        on_alarm(now, found->second);
    }
}

void Introductions::on_alarm(Instant now, Introduction& of) {
    if (now >= of.expires) {
        const IntroductionNonce nonce = of.nonce;  // the key must outlive the value
        introductions_.erase(nonce);
        return;
    }
    if (now >= of.absent_at) {
        if (of.stage == Introduction::Stage::kAsking) {
            parts_.metrics.happened.add(Happening::kIntroductionUnanswered);
        }
        fail(of, wire::ErrorCode::kUnknownPeer);
    } else if (now >= of.repeat_at) {
        if (of.stage == Introduction::Stage::kAsking) {
            repeat_question(now, of);
        } else {
            repeat_offer(now, of);
        }
    }
    arm(of);
}

void Introductions::repeat_question(Instant now, Introduction& of) {
    of.repeat_at = kNever;
    if (of.copies <= kIntroductionRepeats) send_question(now, of);
}

void Introductions::repeat_offer(Instant now, Introduction& of) {
    const Client* answerer = parts_.clients.find(of.answerer);
    if (answerer != nullptr && of.copies <= kIntroductionRepeats) {
        of.asker_claims.forget_told();
        send_introduction(now, of);
        return;
    }
    of.repeat_at = kNever;
    parts_.metrics.happened.add(Happening::kIntroductionUnanswered);
    // Who was asked first and accepted is reachable, whatever became of the copies since.
    if (!of.asked) fail(of, wire::ErrorCode::kUnreachable);
}

Introduction* Introductions::find(const IntroductionNonce& nonce) {
    const auto found = introductions_.find(nonce);
    return found == introductions_.end() ? nullptr : &found->second;
}

}  // namespace pinhole::rendezvous
