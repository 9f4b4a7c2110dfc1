// Server sessions out of thin air, for tests of what keeps them.
#pragma once

#include "shared/session/session.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::rendezvous::test {

class SessionSource {
  public:
    [[nodiscard]] session::ServerSession make(Instant now, SessionIndex local) {
        return {now, context_, crypto::PublicKey{random.bytes<32>()},
                session::EpochKeys{.keys = {.send = crypto::SecretBytes<32>::random(random),
                                            .receive = crypto::SecretBytes<32>::random(random),
                                            .handshake_hash = random.bytes<32>()},
                                   .indices = {.local = local, .remote = SessionIndex{1}}}};
    }

    pinhole::test::SeededRandom random{1};

  private:
    crypto::KeyPair keys_ = crypto::KeyPair::generate(random);
    crypto::Psk no_psk_;
    session::SessionContext context_{.keys = keys_, .psk = no_psk_, .policy = {.begins = false}};
};

}  // namespace pinhole::rendezvous::test
