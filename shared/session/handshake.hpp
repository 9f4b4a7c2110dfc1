// One handshake, from either side: our own attempt, and the answer to somebody else's.
//
// An attempt has one ephemeral, one sender index and one byte-identical Noise message 1 for its
// whole life; only the cookie behind it differs from path to path. Noise vouches for the indexes in
// both headers: message 1's is in the prologue, message 2's are mixed into the hash before it, so
// that a copy with another index does not open. Neither class knows about paths, time beyond its
// own lifetime, or who is to be trusted: the caller compares the remote static key with what was
// announced and pinned before it lets a `Responder` answer.
#pragma once

#include "shared/base/random.hpp"
#include "shared/crypto/mac.hpp"
#include "shared/session/epoch.hpp"
#include "shared/session/prologue.hpp"
#include "shared/wire/handshake.hpp"

namespace pinhole::session {

/// An attempt lives this long, and so does the responder's cached message 2.
inline constexpr Duration kAttemptLifetime = 5s;

using HandshakeBuffer = ByteBuffer<wire::kHandshakeSizeMax>;

/// What this side brings into a handshake. Borrowed for the length of the call.
struct LocalSide {
    const crypto::KeyPair& keys;
    /// Zeros when there is no group.
    const crypto::Psk& psk;
    /// Feature bits we offer (wire::Feature).
    std::uint32_t features = 0;
    Incarnation incarnation;
};

/// What the other side said inside the handshake; the ENet datagram is kept by value.
struct RemoteSide {
    /// What an initiator offered, or what a responder chose from our offer.
    std::uint32_t features = 0;
    Incarnation incarnation;
    ByteBuffer<wire::kHandshakeEnetMax> enet;
};

/// The cipher that follows from the features both sides chose.
[[nodiscard]] crypto::CipherSuite suite_for(std::uint32_t chosen_features);

struct AttemptTerms {
    crypto::PublicKey remote;
    Prologue prologue;
    /// Tag of the introduction nonce; zeros to a server.
    wire::NonceTag nonce_tag{};
    SessionIndex sender;
    /// ENet's CONNECT, or empty.
    Bytes enet{};
};

/// Our own attempt.
class Attempt {
  public:
    struct Finished {
        EpochKeys keys;
        RemoteSide remote;
    };

    /// Drops kBadKey when the remote key is of small order.
    [[nodiscard]] static Parsed<Attempt> start(Instant now, const LocalSide& local,
                                               const AttemptTerms& terms, Random& random);

    /// The whole initiation with this cookie behind it.
    [[nodiscard]] HandshakeBuffer initiation(const Cookie& cookie) const;

    /// Takes message 2. Drops: kBadMac, kBadTag, kBadKey, kBadLength, kRunt, kStale when it is
    /// finished, kBadField when the responder chose what we did not offer. After a drop for
    /// anything that an outsider can cause a genuine message 2 still works.
    [[nodiscard]] Parsed<Finished> handle_response(const wire::HandshakeResponse& message);

    [[nodiscard]] SessionIndex sender() const { return sender_; }
    [[nodiscard]] const crypto::PublicKey& remote() const { return remote_; }
    [[nodiscard]] Instant expires() const { return started_ + kAttemptLifetime; }

  private:
    Attempt(Instant now, const LocalSide& local, const AttemptTerms& terms,
            crypto::NoiseHandshake noise);

    crypto::NoiseHandshake noise_;
    crypto::PublicKey remote_;
    crypto::PublicKey local_;
    SessionIndex sender_;
    std::uint32_t offered_;
    Instant started_;
    /// The initiation up to and with mac1.
    HandshakeBuffer message_1_;
};

/// The cheap tests that stand before any Diffie-Hellman. Drops: kBadMac.
[[nodiscard]] Parsed<void> verify_mac1(const crypto::PublicKey& responder,
                                       const wire::HandshakeInitiation& message);

/// Somebody else's attempt, read and not yet answered.
class Responder {
  public:
    struct Answer {
        EpochKeys keys;
        /// The whole response datagram: cached, and repeated for every further copy of message 1.
        HandshakeBuffer message_2;
    };

    /// Runs the Diffie-Hellman of message 1; mac1 must have been verified.
    /// Drops: kBadTag, kBadKey, kBadLength, kRunt.
    [[nodiscard]] static Parsed<Responder> read(const LocalSide& local, const Prologue& prologue,
                                                const wire::HandshakeInitiation& message,
                                                Random& random);

    [[nodiscard]] const crypto::PublicKey& remote_static() const { return noise_.remote_static(); }
    [[nodiscard]] const RemoteSide& remote() const { return remote_; }

    /// Writes message 2, once. `enet` is ENet's VERIFY_CONNECT or empty. Drops: kBadKey.
    [[nodiscard]] Parsed<Answer> answer(const LocalSide& local, SessionIndex sender, Bytes enet);

  private:
    Responder(crypto::NoiseHandshake noise, SessionIndex initiator, RemoteSide remote)
        : noise_(std::move(noise)), initiator_(initiator), remote_(std::move(remote)) {}

    crypto::NoiseHandshake noise_;
    SessionIndex initiator_;
    RemoteSide remote_;
};

}  // namespace pinhole::session
