// The keys of one epoch: what one handshake or one rekey left behind, and what was sealed and
// opened under them.
//
// Owns both ciphers, the send counter and the replay window. A counter is never used twice: the
// epoch refuses to seal at `kSealLimit`.
#pragma once

#include <type_traits>

#include "shared/base/result.hpp"
#include "shared/base/tagged.hpp"
#include "shared/base/time.hpp"
#include "shared/crypto/cipher.hpp"
#include "shared/crypto/noise.hpp"
#include "shared/crypto/replay_window.hpp"
#include "shared/wire/transport.hpp"

namespace pinhole::session {

/// After this many messages an epoch asks for a rekey.
inline constexpr std::uint64_t kRekeyAfterMessages = 1ULL << 24U;
/// An epoch refuses to seal from here on. RFC 9001 B.1 allows AES-GCM 2^28 packets of at most 2^11
/// bytes under one key, so half as many of ours, which have up to 2^12; ChaCha20-Poly1305 tolerates
/// far more.
inline constexpr std::uint64_t kSealLimit = 1ULL << 27U;

/// The two names of an epoch: ours is what the other side writes into its datagrams.
struct EpochIndices {
    SessionIndex local;
    SessionIndex remote;
};

/// What a finished handshake hands over.
struct EpochKeys {
    crypto::TransportKeys keys;
    crypto::CipherSuite suite = crypto::CipherSuite::kChaCha20Poly1305;
    EpochIndices indices;
};

/// The keys that a complete handshake leaves for `suite`.
[[nodiscard]] EpochKeys make_epoch_keys(const crypto::NoiseHandshake& finished,
                                        crypto::CipherSuite suite, const EpochIndices& indices);

/// RFC 6479 window between peers: reordering across two paths stays inside it.
inline constexpr std::size_t kPeerWindowBits = 8128;
/// A server session carries little but keepalives.
inline constexpr std::size_t kServerWindowBits = 128;

template <std::size_t WindowBits>
class Epoch {
  public:
    /// `first_counter` is what the first message is sealed under: 0, unless a test wants to see
    /// the end of an epoch without sealing 2^27 messages.
    explicit Epoch(const EpochKeys& from, std::uint32_t first_counter = 0)
        : send_(from.suite, from.keys.send),
          receive_(from.suite, from.keys.receive),
          hash_(from.keys.handshake_hash),
          indices_(from.indices),
          next_counter_(first_counter) {}

    /// Makes a whole transport message of `frame` in `datagram`, which is `kTransportOverhead`
    /// bytes longer. The frame stands there already, behind 14 bytes of room, or elsewhere. False,
    /// and nothing changed, at `kSealLimit`.
    [[nodiscard]] bool seal(Bytes frame, MutableBytes datagram) {
        assert(datagram.size() >= wire::kTransportSizeMin);
        if (next_counter_ >= kSealLimit) return false;
        const std::uint64_t counter = next_counter_++;
        wire::encode_header({.receiver = indices_.remote, .counter = counter}, datagram);
        send_.seal(counter, datagram.first(wire::kTransportHeaderSize), frame,
                   datagram.subspan(wire::kTransportHeaderSize));
        return true;
    }

    /// The same where the frame stands: `datagram` holds 14 bytes of room, the frame, and 16 bytes
    /// of room.
    [[nodiscard]] bool seal_in_place(MutableBytes datagram) {
        assert(datagram.size() >= wire::kTransportSizeMin);
        return seal(datagram.subspan(wire::kTransportHeaderSize,
                                     datagram.size() - wire::kTransportOverhead),
                    datagram);
    }

    /// `datagram` is a whole transport message that named this epoch's local index. On success the
    /// frame inside it, which stands at the front of `out`: at least as long as the frame, and
    /// elsewhere or at the datagram's body.
    /// Drops: kReplay, kBadTag. Nothing mutates before the tag was verified.
    [[nodiscard]] Parsed<MutableBytes> open(const wire::TransportHeader& header, Bytes datagram,
                                            MutableBytes out) {
        if (!window_.would_accept(header.counter)) return dropped(Drop::kReplay);
        const Bytes body = datagram.subspan(wire::kTransportHeaderSize);
        const MutableBytes frame = out.first(body.size() - wire::kTagSize);
        if (!receive_.open(header.counter, datagram.first(wire::kTransportHeaderSize), body,
                           frame)) {
            return dropped(Drop::kBadTag);
        }
        window_.mark(header.counter);
        if (opened_ < kSealLimit) ++opened_;
        return frame;
    }

    /// The same where the frame stands, in the caller's memory.
    [[nodiscard]] Parsed<MutableBytes> open_in_place(const wire::TransportHeader& header,
                                                     MutableBytes datagram) {
        return open(header, datagram, datagram.subspan(wire::kTransportHeaderSize));
    }

    [[nodiscard]] const EpochIndices& indices() const { return indices_; }
    [[nodiscard]] const FixedBytes<32>& handshake_hash() const { return hash_; }
    [[nodiscard]] crypto::CipherSuite suite() const { return send_.suite(); }
    /// How many messages were sealed, and how many opened (counted up to `kSealLimit`).
    [[nodiscard]] std::uint64_t sealed() const { return next_counter_; }
    [[nodiscard]] std::uint64_t opened() const { return opened_; }

  private:
    using Key =
        std::conditional_t<WindowBits == kServerWindowBits, crypto::SmallCipher, crypto::Cipher>;

    Key send_;
    Key receive_;
    crypto::ReplayWindow<WindowBits> window_;
    FixedBytes<32> hash_;
    EpochIndices indices_;
    /// Both stay within `kSealLimit`; a server holds a million of these.
    std::uint32_t next_counter_;
    std::uint32_t opened_ = 0;
};

}  // namespace pinhole::session
