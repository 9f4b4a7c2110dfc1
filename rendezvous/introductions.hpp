// Brings two registered clients together: `connect`, `accept`, `refuse`, `trickle`, `resume`.
//
// Idempotent by (pair, nonce): a repeated `connect` gets the same answer and makes nothing new.
// When both sides ask for each other at the same time there are two introductions with two nonces
// and one relay handle; which handshake stands is settled between the peers (glare rule).
//
// A stranger cannot tell a refusal, or a silence, from an unknown or an offline id: each is one
// `error(unknown peer)` at `kAbsenceDelay` after the first `connect`, repeats draw nothing before
// and the same error each afterwards. An acceptance that comes later changes nothing about that
// answer, but the pair counts as introduced: the asker's next `connect` with a new nonce is not
// asked about again, so that a callee of any distance is reached at the second try.
#pragma once

#include <deque>
#include <map>

#include "rendezvous/budgets.hpp"
#include "rendezvous/clients.hpp"
#include "rendezvous/event.hpp"
#include "rendezvous/introduction.hpp"
#include "rendezvous/outbox.hpp"
#include "rendezvous/registry.hpp"
#include "rendezvous/relay.hpp"

namespace pinhole::rendezvous {

/// What introductions work with. All of it must outlive them.
struct IntroductionParts {
    crypto::CookieJar& jar;
    Budgets& budgets;
    const Registry& registry;
    Clients& clients;
    Relay& relay;
    Outbox& outbox;
    Metrics& metrics;
    std::deque<Event>& events;
};

class Introductions {
  public:
    explicit Introductions(const IntroductionParts& parts) : parts_(parts) {}

    /// Frames of a registered client. Drops: kUnexpected, kStale, kBadField.
    Parsed<void> handle_connect(Instant now, Client& asker, const wire::Connect& frame);
    Parsed<void> handle_accept(Instant now, Client& answerer, const wire::Accept& frame);
    Parsed<void> handle_refuse(Instant now, Client& answerer, const wire::Refuse& frame);
    Parsed<void> handle_trickle(Instant now, Client& sender, const wire::Trickle& frame);

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const { return deadlines_.next(); }

    [[nodiscard]] std::size_t size() const { return introductions_.size(); }

  private:
    [[nodiscard]] Introduction* find(const IntroductionNonce& nonce);
    Parsed<void> repeat_answer(Instant now, Introduction& known, const wire::Connect& frame);
    /// Who is to be asked for `frame`: nobody for an unknown or offline id, and for one's own.
    [[nodiscard]] Client* answerer_of(const Client& asker, const wire::Connect& frame);
    void begin(Instant now, Client& asker, const wire::Connect& frame);
    /// Asks, or introduces, whoever is online under the id now. `answerer` may be null.
    void turn_to(Instant now, Introduction& of, Client* answerer);
    void offer(Instant now, Introduction& of);
    void fail(Introduction& of, wire::ErrorCode why);
    void on_alarm(Instant now, Introduction& of);
    void repeat_question(Instant now, Introduction& of);
    void repeat_offer(Instant now, Introduction& of);
    Parsed<void> accept_late(Instant now, const Introduction& of);

    void send_question(Instant now, Introduction& of);
    void send_introduced(Instant now, Introduction& of);
    void send_introduction(Instant now, Introduction& of);
    void send_error(Client& asker, const IntroductionNonce& nonce, wire::ErrorCode code);
    /// Tells both sides what has become passable since the last message.
    void send_untold(Introduction& of);
    void arm(Introduction& of) { deadlines_.arm(of.nonce, of.alarm, of.next_timeout()); }

    IntroductionParts parts_;
    /// Nonces are chosen by strangers: an ordered table cannot be made slow.
    std::map<IntroductionNonce, Introduction> introductions_;
    DeadlineQueue<IntroductionNonce> deadlines_;
};

}  // namespace pinhole::rendezvous
