// A session: a keyed association with one remote key, across rekeys, whatever paths it takes.
//
//     [established] --start_rekey--> [attempt under way] --message 2--> [established, new epoch]
//
// Owns the current epoch, and beside it, only while a rekey is under way or not long over: the
// previous epoch for stragglers, the next one while a rekey that the other side began waits for its
// proof, and our own attempt. It does not know paths or frames beyond `rekey`, and it does not
// judge liveness. Rekey messages travel sealed inside the session: no cookie, no mac1, no path
// choice.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "shared/base/bounded_vector.hpp"
#include "shared/session/epoch.hpp"
#include "shared/session/handshake.hpp"
#include "shared/wire/frame.hpp"

namespace pinhole::session {

/// The old keys open stragglers for this long after a rekey (WireGuard keeps them as long).
inline constexpr Duration kOldKeysLifetime = 10s;
/// The same message 1 is repeated at this interval, and the other side answers a new one at most as
/// often: each costs it as much as a handshake.
inline constexpr Duration kRekeyRepeat = 1s;
/// Unanswered for three times 5 s, a rekey has failed: the session asks for a new introduction. One
/// message 1 serves all the time. With another one every 5 s, a late copy of the one before would
/// replace the answer that the initiator already took.
inline constexpr Duration kRekeyPatience = 15s;
/// After a failure, another rekey begins after this.
inline constexpr Duration kRekeyPause = 5s;
/// Keys that the other side's rekey made wait so long for their proof, after the last copy of its
/// message 1: our answer's way back, and the time during which it proves them.
inline constexpr Duration kProofWait = 5s + kOldKeysLifetime;

/// When a session rekeys.
struct RekeyPolicy {
    /// Age of an epoch under which data was sent.
    Duration busy = 120s;
    /// Age of an idle epoch.
    Duration idle = 1h;
    /// Messages sealed or opened in one epoch: a server that seals many cannot begin itself.
    std::uint64_t messages = kRekeyAfterMessages;
    /// False on a server: the client begins.
    bool begins = true;
};

/// What all sessions of one process share. Must outlive them.
struct SessionContext {
    const crypto::KeyPair& keys;
    const crypto::Psk& psk;
    RekeyPolicy policy;
};

template <std::size_t WindowBits>
class Session {
  public:
    /// What `open` found.
    struct Opened {
        /// The frame, tag first, in the memory that it was to be opened into.
        MutableBytes frame;
        /// True for the first valid message under keys that the other side's rekey made.
        bool moved_to_next_epoch = false;
    };

    /// `context` must outlive the session.
    Session(Instant now, const SessionContext& context, const crypto::PublicKey& remote,
            const EpochKeys& keys);

    /// As `Epoch::seal` and `Epoch::seal_in_place`, under the current epoch.
    [[nodiscard]] bool seal(Bytes frame, MutableBytes datagram) {
        return current_.seal(frame, datagram);
    }
    [[nodiscard]] bool seal_in_place(MutableBytes datagram) {
        return current_.seal_in_place(datagram);
    }

    /// Opens a transport message that names one of our indexes into `out`, as `Epoch::open`.
    /// Drops: kUnknownSession, kReplay, kBadTag.
    [[nodiscard]] Parsed<Opened> open(Instant now, const wire::TransportHeader& header,
                                      Bytes datagram, MutableBytes out);
    /// The same where it stands.
    [[nodiscard]] Parsed<Opened> open_in_place(Instant now, const wire::TransportHeader& header,
                                               MutableBytes datagram) {
        return open(now, header, datagram, datagram.subspan(wire::kTransportHeaderSize));
    }

    /// Data went out: the epoch will be replaced at the busy age.
    void on_data_sent() { data_sent_ = true; }

    /// True when an attempt should begin now; the caller then calls `start_rekey`.
    [[nodiscard]] bool wants_rekey(Instant now) const;

    /// Begins an attempt under a fresh local index; it leaves through `poll_frame`.
    void start_rekey(Instant now, SessionIndex fresh, Random& random);

    /// A rekey frame arrived. `fresh` is an index for the epoch it may make. True when `fresh` was
    /// used; else it is the caller's again. Drops as `NoiseHandshake`; kBadKey also when it comes
    /// from another static key; kUnexpected when we wait for nothing like it, or our own stands;
    /// kLimit when they come more often than every `kRekeyRepeat`.
    [[nodiscard]] Parsed<bool> handle_rekey(Instant now, const wire::Rekey& frame,
                                            SessionIndex fresh, Random& random);

    /// Writes the next frame of the session's own that wants to be sealed and sent (rekey
    /// messages, and the keepalive that proves new keys), or 0.
    [[nodiscard]] std::size_t poll_frame(MutableBytes out);

    /// An index of ours that no longer leads anywhere: the caller releases it. Drain after every
    /// call.
    [[nodiscard]] std::optional<SessionIndex> take_retired_index();

    /// True once after a rekey went unanswered for `kRekeyPatience`.
    [[nodiscard]] bool take_rekey_failed() {
        return change_ && std::exchange(change_->failed, false);
    }

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    [[nodiscard]] const crypto::PublicKey& remote() const { return remote_; }
    [[nodiscard]] const EpochIndices& indices() const { return current_.indices(); }
    [[nodiscard]] crypto::CipherSuite suite() const { return current_.suite(); }
    /// How many epochs came before this one.
    [[nodiscard]] std::uint32_t epoch_number() const { return epoch_number_; }

    /// Every index of ours that leads here, for the caller to release with the session.
    [[nodiscard]] BoundedVector<SessionIndex, 4> all_indices() const;

  private:
    struct OwnRekey {
        crypto::NoiseHandshake noise;
        SessionIndex index;
        Instant started;
        Instant repeat_at;
        HandshakeBuffer message_1;
    };
    struct RemoteRekey {
        Epoch<WindowBits> epoch;
        crypto::PublicKey ephemeral;
        Instant until;
        HandshakeBuffer message_2;
    };
    struct Straggling {
        Epoch<WindowBits> epoch;
        Instant until;
    };

    /// What there is beside the current epoch around a rekey: nothing most of the time, and a
    /// server holds a million sessions.
    struct Change {
        std::unique_ptr<Straggling> previous;
        std::unique_ptr<RemoteRekey> next;
        std::unique_ptr<OwnRekey> own;
        BoundedVector<SessionIndex, 4> retired;
        /// No own rekey before this, and no answer to a new one of the other side before that.
        Instant retry_at{};
        Instant answer_at{};
        /// When to prove the new keys again; never once the other side used them.
        Instant prove_at = kNever;
        bool send_message_1 = false;
        bool send_message_2 = false;
        bool send_proof = false;
        bool failed = false;

        /// True when nothing of it matters any more.
        [[nodiscard]] bool is_over(Instant now) const;
    };

    Parsed<bool> handle_message_1(Instant now, const wire::Rekey& frame, SessionIndex fresh,
                                  Random& random);
    Parsed<bool> handle_message_2(Instant now, const wire::Rekey& frame);
    void move_to(Instant now, Epoch<WindowBits> next);
    [[nodiscard]] Change& change();
    void retire(SessionIndex index);
    void drop_own_rekey();
    [[nodiscard]] Instant rekey_due() const;

    const SessionContext* context_;
    crypto::PublicKey remote_;
    Epoch<WindowBits> current_;
    std::unique_ptr<Change> change_;
    Instant epoch_started_;
    std::uint32_t epoch_number_ = 0;
    bool data_sent_ = false;
};

using PeerSession = Session<kPeerWindowBits>;
using ServerSession = Session<kServerWindowBits>;

// A million of them, with all that surrounds each, are to fit into 400 MiB.
static_assert(sizeof(ServerSession) <= 224);

extern template class Session<kPeerWindowBits>;
extern template class Session<kServerWindowBits>;

}  // namespace pinhole::session
