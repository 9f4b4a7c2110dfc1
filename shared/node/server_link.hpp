// The handshake and the session with the rendezvous server, below everything that is said in it.
//
// Owns our attempt, the session, its rekeys, and the path that its datagrams take. A new attempt
// runs beside the old session, which goes on until the new one stands.
#pragma once

#include <optional>

#include "shared/base/counters.hpp"
#include "shared/base/datagram.hpp"
#include "shared/node/backoff.hpp"
#include "shared/node/index_owner.hpp"
#include "shared/node/outgoing.hpp"
#include "shared/session/session.hpp"

namespace pinhole::node {

/// Server sessions rekey daily, spread by a fifth.
inline constexpr Duration kServerRekeyAge = 24h;

class ServerLink {
  public:
    /// What the link shares with its node; all must outlive it.
    struct Shared {
        const crypto::KeyPair& keys;
        IndexTable& indices;
        TransmitQueue& out;
        DropCounters& drops;
        Random& random;
    };
    /// An opened frame and whether the server means it for us: borrowed from where it was opened.
    using Opened = Parsed<wire::ServerFrame>;

    ServerLink(const Shared& shared, Incarnation incarnation);

    /// Starts an attempt at `key` over `path`; an older one is dropped. False when there is no room
    /// for it or the key is useless.
    bool begin(Instant now, const crypto::PublicKey& key, const Path& path, const Cookie& cookie);
    void drop_attempt();
    void drop_session();

    /// True when message 2 made the session that is now the current one.
    [[nodiscard]] bool handle_response(Instant now, const Path& path,
                                       const wire::HandshakeResponse& in);
    void handle_retry(const Path& path, const wire::Retry& in);
    /// Opens a transport message and reads its frame.
    [[nodiscard]] Opened open(Instant now, const wire::TransportHeader& header, const Opening& in);
    void handle_rekey(Instant now, const wire::Rekey& frame);

    /// Seals one frame to the server. False when there is no session.
    template <class Frame>
    bool send(const Frame& frame) {
        return send_on(path_, frame);
    }
    /// The same on another path: the answer to a challenge goes back the way it came.
    template <class Frame>
    bool send_on(const Path& path, const Frame& frame) {
        if (!session_) return false;
        Outgoing outgoing{shared_.out, Outgoing::Way::kDirect};
        const std::size_t size = wire::encode(frame, outgoing.frame_room());
        // Refused or not, `leave` knows.
        static_cast<void>(outgoing.seal(*session_, size));
        return leave(path, outgoing);
    }
    /// Sends the message in `outgoing` through the server. Destroys it. False without a session.
    bool relay(RelayHandle handle, Outgoing& outgoing);
    /// The session goes on over `path`.
    void move_to(const Path& path) { path_ = path; }
    bool push(const Path& path, Bytes datagram);
    bool leave(const Path& path, Outgoing& outgoing);

    /// Retransmits, rekeys, and gives up an attempt that grew too old: `take_attempt_expired`.
    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;
    [[nodiscard]] bool take_attempt_expired() { return std::exchange(attempt_expired_, false); }
    [[nodiscard]] bool take_rekey_failed() { return session_ && session_->take_rekey_failed(); }

    [[nodiscard]] bool has_attempt() const { return attempt_.has_value(); }
    [[nodiscard]] bool has_session() const { return session_.has_value(); }
    /// The index that we write into our datagrams. There must be a session.
    [[nodiscard]] SessionIndex remote_index() const { return session_->indices().remote; }
    /// Whom the session or, without one, the attempt is with.
    [[nodiscard]] const crypto::PublicKey& key() const { return key_; }
    [[nodiscard]] const Path& path() const { return path_; }

  private:
    [[nodiscard]] session::LocalSide local_side() const;
    void send_initiation();
    void poll_session(Instant now);

    Shared shared_;
    Incarnation incarnation_;
    crypto::Psk no_psk_{};
    session::SessionContext context_;
    crypto::PublicKey key_{};
    std::optional<session::Attempt> attempt_;
    Path attempt_path_{};
    Cookie cookie_{};
    Backoff initiation_{50ms, 1s};
    int retries_taken_ = 0;
    bool attempt_expired_ = false;
    std::optional<session::ServerSession> session_;
    Path path_{};
};

}  // namespace pinhole::node
