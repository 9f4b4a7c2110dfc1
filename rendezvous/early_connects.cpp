#include "rendezvous/early_connects.hpp"

#include <algorithm>

namespace pinhole::rendezvous {

bool EarlyConnects::keep(Instant now, SessionIndex session, const wire::Connect& frame) {
    while (!kept_.empty() && now >= kept_.front().until) kept_.pop_front();
    std::size_t of_session = 0;
    for (const Kept& kept : kept_) {
        if (kept.session != session) continue;
        if (kept.frame.nonce == frame.nonce) return true;
        ++of_session;
    }
    if (of_session >= kEarlyConnectsPerSession || kept_.size() >= kEarlyConnectsMax) return false;
    kept_.push_back({.session = session,
                     .until = now + kRegisterGrace,
                     .frame = frame,
                     .handshake = session::HandshakeBuffer{frame.handshake}});
    kept_.back().frame.handshake = {};
    return true;
}

}  // namespace pinhole::rendezvous
