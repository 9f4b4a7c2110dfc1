// A `connect` that comes before its session is registered: it overtook the `register` that was sent
// with it, or that one waits for the store. Refused, it would come again a repetition later, which
// is a round trip or more; kept, it is answered together with the registration.
//
// Only sessions that proved themselves get here, so nothing is kept for an address that nobody
// answers at. Refuses more than a few for one session and more than its bound in all.
#pragma once

#include <deque>

#include "rendezvous/limits.hpp"
#include "shared/session/handshake.hpp"
#include "shared/wire/rendezvous_frame.hpp"

namespace pinhole::rendezvous {

class EarlyConnects {
  public:
    /// Keeps a copy for `kRegisterGrace`; a repetition of one that is kept is that one. False when
    /// there is no room: the client will repeat it.
    [[nodiscard]] bool keep(Instant now, SessionIndex session, const wire::Connect& frame);

    /// Calls `use(frame)` for each that this session sent, in their order, and forgets them.
    template <class Use>
    void take(Instant now, SessionIndex session, Use use) {
        if (kept_.empty()) return;
        std::deque<Kept> taken;
        std::erase_if(kept_, [&](const Kept& kept) {
            const bool is_meant = kept.session == session;
            if (is_meant && now < kept.until) taken.push_back(kept);
            return is_meant;
        });
        for (Kept& kept : taken) {
            kept.frame.handshake = kept.handshake.bytes();
            use(kept.frame);
        }
    }

    [[nodiscard]] std::size_t size() const { return kept_.size(); }

  private:
    struct Kept {
        SessionIndex session;
        Instant until;
        wire::Connect frame;
        /// What `frame.handshake` borrows.
        session::HandshakeBuffer handshake;
    };

    /// In the order in which they came, which is that of `until`.
    std::deque<Kept> kept_;
};

}  // namespace pinhole::rendezvous
