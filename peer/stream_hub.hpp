// The streams with all peers, and who serves them.
//
// A service opens streams and takes those that others open (`serve`); a stream is a pair of ordered
// byte flows with credit and half-close (stream_protocol.hpp). Streams of one connection have their
// turns in a circle, so none starves; what a connection does not take stays with the service.
// A stream lives as long as its connection: when that ends, each is told `on_lost`, and what was
// under way is lost; who must survive that (files) opens a new one and resumes.
//
// Functions of a service run inside the loop, one at a time, and may call the hub.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string_view>

#include "peer/stream_protocol.hpp"
#include "shared/wire/id.hpp"

namespace pinhole::peer {

using wire::Id;

struct StreamName {
    Id peer;
    StreamNumber number;

    friend auto operator<=>(const StreamName&, const StreamName&) = default;
};

/// Why a stream is over before its time.
enum class StreamEnd : std::uint8_t {
    kConnection,  ///< the connection to the peer is over
    kCancelled,   ///< the other side gave it up
    kFailed,      ///< reading or writing failed at the other side
    kViolation,   ///< the other side broke the protocol, or says that we did
};

class StreamService {
  public:
    virtual ~StreamService() = default;

    /// The peer opened a stream of our kind. Call `accept` or `refuse`, now or later; `argument` is
    /// borrowed for the call.
    virtual void on_opened(const StreamName& stream, Bytes argument) = 0;
    /// The other side took the stream that we opened.
    virtual void on_accepted(const StreamName& /*stream*/) {}
    /// It did not. The stream is gone. `text` is the other side's words: sanitise them.
    virtual void on_refused(const StreamName& /*stream*/, Refusal /*reason*/,
                            std::string_view /*text*/) {}
    /// `bytes` are borrowed for the call. Call `consume` once they are out of memory.
    virtual void on_data(const StreamName& stream, Bytes bytes) = 0;
    /// `write` took less than it was given, and now takes more.
    virtual void on_room(const StreamName& stream) = 0;
    /// The other side writes no more.
    virtual void on_finished(const StreamName& /*stream*/) {}
    /// All that we wrote up to `finish` was consumed there.
    virtual void on_done(const StreamName& /*stream*/) {}
    /// Both ways ended in order: finished and done. The stream is gone.
    virtual void on_closed(const StreamName& stream) = 0;
    /// It ended out of order. The stream is gone.
    virtual void on_lost(const StreamName& stream, StreamEnd why) = 0;
    /// Datagrams of a stream that stands; any may be missing.
    virtual void on_datagram(const StreamName& /*stream*/, Bytes /*bytes*/) {}
};

/// What the hub needs of the connections. The functions are called from within the hub's own.
struct StreamCarrier {
    /// False when the connection does not take it now; `StreamHub::on_room` follows.
    std::function<bool(const Id& peer, std::uint8_t channel, Bytes message)> send;
    /// What is sent now leaves soon. If not, `StreamHub::on_room` follows.
    std::function<bool(const Id& peer)> has_room;
};

/// Streams of one connection that its peer opened; more are refused.
inline constexpr std::size_t kStreamsMax = 1024;
/// What the readers of one connection may leave unread in all; each stream has its share.
inline constexpr std::size_t kUnreadBytesMax = std::size_t{32} << 20U;

class StreamConnection;

class StreamHub {
  public:
    explicit StreamHub(StreamCarrier carrier);
    ~StreamHub();
    StreamHub(const StreamHub&) = delete;
    StreamHub& operator=(const StreamHub&) = delete;

    /// Streams of this kind that others open go to `service`, which must outlive the hub's use.
    /// Without one they are refused.
    void serve(ServiceKind kind, StreamService& service);

    /// Opens a stream to a connected peer for `service`. Nothing may be written before
    /// `on_accepted`.
    [[nodiscard]] StreamName open(const Id& peer, ServiceKind kind, Bytes argument,
                                  StreamService& service);
    void accept(const StreamName& stream);
    void refuse(const StreamName& stream, Refusal reason, std::string_view text);

    /// Takes a prefix of `bytes` and says how long it is; 0 for a stream that is gone. If it is not
    /// all, `on_room` follows.
    [[nodiscard]] std::size_t write(const StreamName& stream, Bytes bytes);
    /// We write no more. What `write` took written still arrives; `on_done` follows.
    void finish(const StreamName& stream);
    /// So many bytes of `on_data` are out of memory: the other side may send as many again.
    void consume(const StreamName& stream, std::size_t bytes);
    /// Gives the stream up, in both directions. The service hears nothing more of it.
    void reset(const StreamName& stream, ResetReason reason);
    /// May be lost, never waits. At most `kStreamDatagramMax` bytes. False, and counted, when it is
    /// dropped at once: the connection takes none now, or the stream does not stand.
    bool send_datagram(const StreamName& stream, Bytes bytes);

    // What the owner of the connections tells:
    void on_connected(const Id& peer);
    void on_closed(const Id& peer);
    /// A message came in on one of the two channels.
    void on_message(const Id& peer, std::uint8_t channel, Bytes message);
    /// The connection takes more messages.
    void on_room(const Id& peer);

    /// Streams that exist now, with all peers.
    [[nodiscard]] std::size_t size() const;
    /// Datagrams that `send_datagram` dropped, with all peers and since the beginning.
    [[nodiscard]] std::uint64_t datagrams_dropped() const { return datagrams_dropped_; }

  private:
    [[nodiscard]] StreamConnection* find(const Id& peer) const;

    StreamCarrier carrier_;
    std::map<ServiceKind, StreamService*> services_;
    std::map<Id, std::unique_ptr<StreamConnection>> connections_;
    std::uint64_t datagrams_dropped_ = 0;
};

}  // namespace pinhole::peer
