#include "shared/session/prologue.hpp"

#include "shared/wire/kind.hpp"

namespace pinhole::session {
namespace {

enum class PrologueKind : std::uint8_t { kPeer = 0, kServer = 1 };

Prologue handshake_prologue(PrologueKind kind, const PeerTerms& terms) {
    Prologue out;
    Writer writer{out.storage()};
    writer.bytes(as_bytes("pinhole handshake")).u8(wire::kVersion);
    writer.u8(static_cast<std::uint8_t>(kind)).bytes(terms.nonce);
    terms.initiator.write(writer);
    terms.responder.write(writer);
    out.resize(writer.size());
    return out;
}

}  // namespace

Prologue peer_prologue(const PeerTerms& terms) {
    return handshake_prologue(PrologueKind::kPeer, terms);
}

Prologue server_prologue() {
    return handshake_prologue(PrologueKind::kServer, {});
}

Prologue prologue_of_attempt(const Prologue& terms, SessionIndex initiator) {
    Prologue out;
    Writer writer{out.storage()};
    writer.bytes(terms.bytes()).u32(initiator.value());
    out.resize(writer.size());
    return out;
}

Prologue rekey_prologue(const FixedBytes<32>& handshake_hash) {
    Prologue out;
    Writer writer{out.storage()};
    writer.bytes(as_bytes("pinhole rekey")).bytes(handshake_hash);
    out.resize(writer.size());
    return out;
}

}  // namespace pinhole::session
