// From a stranger's initiation to a session that waits for its proof. Cheap tests come first:
//
//     length -> cookie, except on a stream (else retry) -> mac1 -> known ephemeral (the cached
//     answer) -> quotas -> queue queue  -> Diffie-Hellman -> message 2            (`work`, a few in
//     each loop turn)
//
// Nothing is stored and nothing costly is computed for an address without a valid cookie.
#pragma once

#include <deque>

#include "rendezvous/budgets.hpp"
#include "rendezvous/clients.hpp"
#include "rendezvous/half_open.hpp"
#include "rendezvous/identity.hpp"
#include "rendezvous/outbox.hpp"
#include "shared/crypto/cookie.hpp"

namespace pinhole::rendezvous {

/// What admission works with. All of it must outlive the admission.
struct AdmissionParts {
    const Identity& identity;
    Random& random;
    crypto::CookieJar& jar;
    Budgets& budgets;
    Clients& clients;
    Outbox& outbox;
    Metrics& metrics;
};

class Admission {
  public:
    explicit Admission(const AdmissionParts& parts) : parts_(parts) {}

    /// A datagram of the initiation's kind.
    Parsed<void> handle_initiation(Instant now, const Datagram& in);

    /// A transport message that names a half-open session: opened in place, it is the proof.
    struct Proof {
        session::ServerSession session;
        Path path;
        Incarnation incarnation;
        /// From the first message 2 to the proof. Clients repeat their message 1 sooner than that,
        /// so copies tell nothing; a lost first one makes this too long by the time to the next.
        Duration rtt{0};
        MutableBytes frame;
    };
    [[nodiscard]] Parsed<Proof> prove(Instant now, const wire::TransportHeader& header,
                                      MutableBytes datagram);

    /// Answers up to `kInitiationsPerTurn` of those that wait, and forgets what expired.
    void handle_timeout(Instant now);
    /// At once while initiations wait.
    [[nodiscard]] Instant next_timeout() const;

    [[nodiscard]] std::size_t half_open() const { return half_open_.size(); }

  private:
    struct Waiting {
        Path path;
        crypto::PublicKey ephemeral;
        session::HandshakeBuffer datagram;
    };

    Parsed<void> answer(Instant now, const Waiting& waiting);
    [[nodiscard]] bool is_waiting(const crypto::PublicKey& ephemeral) const;
    void send_retry(Instant now, const Datagram& in, SessionIndex initiator);

    AdmissionParts parts_;
    HalfOpen half_open_;
    std::deque<Waiting> waiting_;
    Instant waiting_since_ = kNever;
};

}  // namespace pinhole::rendezvous
