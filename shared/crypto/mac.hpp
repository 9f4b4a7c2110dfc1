// Short authenticators made with BLAKE2b: mac1, the nonce tag, the opener's MAC, the gone token.
//
// Each use has its own BLAKE2b personalisation (RFC 7693 calls these parameters; libsodium takes
// them), so no output of one can pass for another. Digests are 32 bytes, of which the first ones
// are kept.
#pragma once

#include <cstdint>

#include "shared/base/bytes.hpp"
#include "shared/base/tagged.hpp"
#include "shared/crypto/keys.hpp"
#include "shared/crypto/sodium.hpp"

namespace pinhole::crypto {

using Mac16 = FixedBytes<16>;

/// What an initiation carries so that a peer can tell an announced one from noise.
using NonceTag = FixedBytes<8>;

/// The key of mac1 on messages to `responder`: whoever knows whom he talks to can make it, so it
/// turns away scanners, and costs the responder one hash. Personal "pinhole mac1 key".
[[nodiscard]] FixedBytes<32> mac1_key(const PublicKey& responder);

/// BLAKE2b keyed with `key` (16 to 64 bytes). Personal "pinhole mac16". Compare with
/// `equal_in_constant_time`.
[[nodiscard]] Mac16 mac16(Bytes key, Bytes data);

/// The public name of an introduction nonce. Personal "pinhole nonce".
[[nodiscard]] NonceTag nonce_tag(const IntroductionNonce& nonce);

/// The MAC in the opener that `sender` sends: keyed with the nonce, over the role. Personal
/// "pinhole opener".
[[nodiscard]] Mac16 opener_mac(const IntroductionNonce& nonce, Role sender);

/// The server's secret from which its gone tokens come; survives a restart because it derives from
/// the static key. Personal "pinhole gone key".
struct GoneKey {
    SecretBytes<32> secret;

    [[nodiscard]] static GoneKey derive(const SecretKey& static_secret);
};

/// The stateless reset of one session (RFC 9000 10.3): told sealed in `registered`, shown in the
/// open when the session is unknown. Personal "pinhole gone".
[[nodiscard]] Mac16 gone_token(const GoneKey& key, SessionIndex index);

}  // namespace pinhole::crypto
