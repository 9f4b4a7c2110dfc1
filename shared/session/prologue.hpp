// The prologue of a handshake: everything both sides must already agree upon (Noise 6).
//
//     | "pinhole handshake" (17) | version (1) | kind (1) | introduction nonce (16) |
//     | initiator's id (1 + n) | responder's id (1 + n) |
//     | initiator's index (4) |
//     kind: 0 = between peers, 1 = with a server (nonce and ids are then zeros and empty)
//     The index is message 1's own and is appended by `prologue_of_attempt`.
//
// A rekey inside a live session has another one: | "pinhole rekey" (13) | handshake hash (32) |.
#pragma once

#include "shared/base/bytes.hpp"
#include "shared/base/tagged.hpp"
#include "shared/wire/id.hpp"

namespace pinhole::session {

using Prologue = ByteBuffer<17 + 2 + 16 + 2 * (1 + wire::Id::kSizeMax) + 4>;

/// Whom an introduction joins. The asker initiates unless a glare turns that round, so the ids are
/// those of the handshake's roles.
struct PeerTerms {
    IntroductionNonce nonce{};
    wire::Id initiator;
    wire::Id responder;
};

[[nodiscard]] Prologue peer_prologue(const PeerTerms& terms);
[[nodiscard]] Prologue server_prologue();
/// One attempt under these terms. Without the index in it, whoever sees message 1 could race a copy
/// that sends the answer elsewhere: mac1 is made with a public key.
[[nodiscard]] Prologue prologue_of_attempt(const Prologue& terms, SessionIndex initiator);
[[nodiscard]] Prologue rekey_prologue(const FixedBytes<32>& handshake_hash);

}  // namespace pinhole::session
