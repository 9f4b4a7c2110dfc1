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
    const Binding* target = parts_.registry.find(frame.target);
    const ClientId online = target == nullptr ? kNobody : target->online;
    if (Introduction* known = find(frame.nonce)) {
        if (known->asker != asker.name || known->target != frame.target) {
            return dropped(Drop::kUnexpected);
        }
        if (known->answerer == online) return repeat_answer(now, *known, frame);
        // The one asked for came back as another process: what was under way is void.
        introductions_.erase(frame.nonce);
    }
    if (!parts_.budgets.introductions.try_take(now, asker.session.remote().bytes()) ||
        introductions_.size() >= kIntroductionsMax) {
        send_error(asker, frame.nonce, wire::ErrorCode::kLimit);
        return dropped(Drop::kLimit);
    }
    Client* answerer = parts_.clients.find(online);
    if (answerer == nullptr || answerer->name == asker.name) {
        send_error(asker, frame.nonce, wire::ErrorCode::kUnknownPeer);
        return {};
    }
    begin(now, asker, *answerer, frame);
    return {};
}

Parsed<void> Introductions::repeat_answer(Instant now, Introduction& known,
                                          const wire::Connect& frame) {
    known.keep_alive(now);
    known.asker_claims.add(now, parts_.jar, frame.candidates);
    switch (known.stage) {
        case Introduction::Stage::kAsking: return {};
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

void Introductions::begin(Instant now, Client& asker, Client& answerer,
                          const wire::Connect& frame) {
    Introduction& made = introductions_[frame.nonce];
    made.nonce = frame.nonce;
    made.asker = asker.name;
    made.answerer = answerer.name;
    made.target = answerer.id;
    made.resume = frame.resume;
    made.created = now;
    made.keep_alive(now);
    made.handshake.assign(frame.handshake);
    made.asker_claims.observe(asker.path.remote);
    made.asker_claims.add(now, parts_.jar, frame.candidates);
    made.answerer_claims.observe(answerer.path.remote);

    // A pair that talks already has asked before.
    const bool is_live = parts_.relay.handle_of(asker.name, answerer.name).has_value();
    made.asked = answerer.accept == wire::AcceptMode::kAsk && !is_live;
    if (made.asked) {
        made.stage = Introduction::Stage::kAsking;
        send_question(now, made);
        arm(made);
    } else {
        offer(now, made);
    }
}

void Introductions::offer(Instant now, Introduction& of) {
    Client* asker = parts_.clients.find(of.asker);
    Client* answerer = parts_.clients.find(of.answerer);
    if (asker == nullptr || answerer == nullptr) return;
    of.stage = Introduction::Stage::kOffered;
    of.handle = parts_.relay.permit(now, {of.asker, of.answerer});
    of.offered_at = now;
    of.copies = 0;
    of.asker_fires_in = fires_in(asker->rtt, answerer->rtt);
    of.answerer_fires_in = fires_in(answerer->rtt, asker->rtt);
    send_introduced(now, of);
    send_introduction(now, of);
    arm(of);
    parts_.metrics.happened.add(Happening::kIntroductionMade);
    parts_.metrics.happened.add(Happening::kCandidateWithheld,
                                of.asker_claims.withheld_from(of.answerer_claims));
    parts_.events.push_back(PeersIntroduced{.asker = asker->id, .answerer = answerer->id});
}

Parsed<void> Introductions::handle_accept(Instant now, Client& answerer,
                                          const wire::Accept& frame) {
    Introduction* of = find(frame.nonce);
    if (of == nullptr || of->answerer != answerer.name) return dropped(Drop::kUnexpected);
    if (of->stage == Introduction::Stage::kFailed && of->asked) return dropped(Drop::kStale);
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

Parsed<void> Introductions::handle_refuse(Instant now, Client& answerer,
                                          const wire::Refuse& frame) {
    Introduction* of = find(frame.nonce);
    if (of == nullptr || of->answerer != answerer.name) return dropped(Drop::kUnexpected);
    if (of->stage == Introduction::Stage::kFailed) return dropped(Drop::kStale);
    of->keep_alive(now);
    parts_.metrics.happened.add(Happening::kIntroductionRefused);
    // An offer that is taken back takes its relay permission along.
    if (of->stage != Introduction::Stage::kAsking) parts_.relay.forget(of->asker, of->answerer);
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
    of->keep_alive(now);
    Claims& claims = of->asker == sender.name ? of->asker_claims : of->answerer_claims;
    claims.add(now, parts_.jar, frame.candidates);
    claims.forget_told(frame.candidates);
    // Before the answer nothing goes to the other side; the offer will carry it.
    if (of->stage != Introduction::Stage::kAsking) send_untold(*of);
    return {};
}

void Introductions::fail(Introduction& of, wire::ErrorCode why) {
    of.stage = Introduction::Stage::kFailed;
    of.failure = why;
    of.repeat_at = kNever;
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
    if (now >= of.repeat_at) repeat_or_give_up(now, of);
    arm(of);
}

void Introductions::repeat_or_give_up(Instant now, Introduction& of) {
    const bool is_asking = of.stage == Introduction::Stage::kAsking;
    const Client* answerer = parts_.clients.find(of.answerer);
    if (answerer != nullptr && of.copies <= kIntroductionRepeats) {
        if (is_asking) {
            send_question(now, of);
        } else {
            of.asker_claims.forget_told();
            send_introduction(now, of);
        }
        return;
    }
    of.repeat_at = kNever;
    parts_.metrics.happened.add(Happening::kIntroductionUnanswered);
    // Who was asked first and accepted is reachable, whatever became of the copies since; and who
    // was asked first and kept silent must look like nobody.
    if (is_asking) {
        fail(of, wire::ErrorCode::kUnknownPeer);
    } else if (!of.asked) {
        fail(of, wire::ErrorCode::kUnreachable);
    }
}

Introduction* Introductions::find(const IntroductionNonce& nonce) {
    const auto found = introductions_.find(nonce);
    return found == introductions_.end() ? nullptr : &found->second;
}

}  // namespace pinhole::rendezvous
