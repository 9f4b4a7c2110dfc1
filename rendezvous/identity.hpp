// Who the server is: its key, and what follows from it for all sessions.
#pragma once

#include "shared/crypto/mac.hpp"
#include "shared/session/session.hpp"

namespace pinhole::rendezvous {

class Identity {
  public:
    Identity(crypto::KeyPair keys, Incarnation incarnation)
        : keys_(std::move(keys)),
          gone_key_(crypto::GoneKey::derive(keys_.secret)),
          incarnation_(incarnation) {}
    Identity(const Identity&) = delete;
    Identity& operator=(const Identity&) = delete;

    [[nodiscard]] const crypto::PublicKey& public_key() const { return keys_.public_key; }
    [[nodiscard]] const crypto::GoneKey& gone_key() const { return gone_key_; }

    /// Server sessions never have a group's key, nor AES: two expanded keys would take more memory
    /// than all the rest of a session, for the sake of keepalives of a few bytes. Borrows from the
    /// identity.
    [[nodiscard]] session::LocalSide local_side() const {
        return {.keys = keys_, .psk = no_psk_, .features = 0, .incarnation = incarnation_};
    }
    /// What every session refers to for as long as it lives.
    [[nodiscard]] const session::SessionContext& context() const { return context_; }

  private:
    crypto::KeyPair keys_;
    crypto::Psk no_psk_;
    crypto::GoneKey gone_key_;
    Incarnation incarnation_;
    /// Clients begin rekeys, every 24 h or so.
    session::SessionContext context_{.keys = keys_, .psk = no_psk_, .policy = {.begins = false}};
};

}  // namespace pinhole::rendezvous
