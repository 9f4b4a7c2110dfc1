// Handshakes that were answered: sessions waiting for their proof, and message 2 for late copies.
//
// Kept for 5 s by the initiator's ephemeral, so that every further copy of one message 1 gets the
// identical answer without another Diffie-Hellman, also after the session was proven. Bounded in
// all and for each subscriber; the newest is refused. After an outage everybody comes back at once,
// so what stays behind a proven session is little more than the answer.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "rendezvous/limits.hpp"
#include "shared/base/endpoint.hpp"
#include "shared/session/session.hpp"

namespace pinhole::rendezvous {

struct HalfOpenSession {
    Path path;
    Incarnation incarnation;
    ByteVector message_2;
    Instant answered;
    /// Taken out when it was proven.
    std::unique_ptr<session::ServerSession> session;
};

class HalfOpen {
  public:
    /// True when one more from `prefix`'s subscriber fits.
    [[nodiscard]] bool has_room(const IpAddress& address) const;

    /// Must have room, and no entry with this ephemeral.
    void add(const crypto::PublicKey& ephemeral, HalfOpenSession entry);

    /// The answer that this ephemeral got, or null. Valid until the next non-const call.
    [[nodiscard]] HalfOpenSession* find(const crypto::PublicKey& ephemeral);
    /// The unproven session of this index of ours, or null; as above.
    [[nodiscard]] HalfOpenSession* find(SessionIndex index);

    /// Takes the session out, because it was proven; the answer stays for late copies.
    [[nodiscard]] session::ServerSession take_session(HalfOpenSession& entry);

    /// Forgets one entry that is 5 s old; its index, if the session was never proven, is the
    /// caller's to release. Call until it returns false.
    [[nodiscard]] bool expire_one(Instant now, std::optional<SessionIndex>& unproven);

    [[nodiscard]] Instant next_timeout() const;
    [[nodiscard]] std::size_t size() const { return by_ephemeral_.size(); }

  private:
    /// Ephemerals are chosen by strangers: an ordered table cannot be made slow.
    using ByEphemeral = std::map<crypto::PublicKey, HalfOpenSession>;

    /// The session is not waited for any more.
    void forget_unproven(const HalfOpenSession& entry);

    ByEphemeral by_ephemeral_;
    /// Only while a session is unproven the index is its own: proven ones come and go.
    std::unordered_map<SessionIndex, HalfOpenSession*> unproven_;
    std::map<IpAddress, std::size_t> unproven_of_prefix_;
    /// In the order in which they expire, because all live equally long.
    std::deque<ByEphemeral::iterator> order_;
};

}  // namespace pinhole::rendezvous
