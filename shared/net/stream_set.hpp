// The TCP streams of one driver by `SocketId`, and the ports on which it takes new ones.
//
//     | length (2, big-endian) | message (1..2048) | length (2) | message ...
//
// A stream moves whole messages; what is in them is the core's business. It is a stand-in for UDP
// and behaves like it: what does not fit into the write queue is dropped and counted, and the core
// never waits. Refuses what exceeds the bounds below, and ends a connection whose framing is wrong
// or on which nothing arrives for long. No network input can make it throw.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include "shared/base/counters.hpp"
#include "shared/base/datagram.hpp"
#include "shared/base/io.hpp"
#include "shared/net/deadline_timer.hpp"
#include "shared/net/unique_fd.hpp"

namespace pinhole::net {

/// Connections at a time, in all and for one subscriber (a /32 of IPv4, a /64 of IPv6): a stranger
/// must not use up the descriptors, and an office behind one address still fits.
inline constexpr std::size_t kStreamsMax = 4096;
inline constexpr std::size_t kStreamsPerSubscriber = 64;
/// Bytes that wait for a slow reader, headers included: two seconds of a relayed pair.
inline constexpr std::size_t kStreamQueueMax = 256 * 1024;
/// Clients say something every 20 s, and the server forgets one that is silent for 90 s.
inline constexpr Duration kStreamIdleMax = 120s;
/// Bytes read in one turn of the loop, and connections accepted; then the others have theirs.
inline constexpr std::size_t kStreamReadMax = 16 * 1024;
inline constexpr std::size_t kAcceptsPerTurn = 32;

/// Why a message or a connection went nowhere.
enum class StreamDrop : std::uint8_t {
    kQueueFull,      ///< a message: the queue has no room for it
    kNotOpen,        ///< a message: there is no such stream, or not yet
    kBadLength,      ///< a message of ours is empty or too long
    kBadFraming,     ///< a connection: the other side announced a length that cannot be
    kTooMany,        ///< a connection: one of the bounds is reached
    kIdle,           ///< a connection: nothing arrived for `kStreamIdleMax`
    kNoDescriptors,  ///< accepting paused: the system has no descriptor left
    kCount
};

/// The counter name of a reason, in snake_case.
[[nodiscard]] constexpr std::string_view name_of(StreamDrop reason) {
    switch (reason) {
        case StreamDrop::kQueueFull: return "queue_full";
        case StreamDrop::kNotOpen: return "not_open";
        case StreamDrop::kBadLength: return "bad_length";
        case StreamDrop::kBadFraming: return "bad_framing";
        case StreamDrop::kTooMany: return "too_many";
        case StreamDrop::kIdle: return "idle";
        case StreamDrop::kNoDescriptors: return "no_descriptors";
        case StreamDrop::kCount: break;
    }
    return "?";
}

struct StreamTotals {
    Traffic received;
    Traffic sent;
    Counters<StreamDrop> drops;
};

class StreamSet {
  public:
    struct Callbacks {
        /// The stream has messages, or its end, to `receive`; it waits no further until `rearm`.
        std::function<void(SocketId)> on_readable;
        /// `take_news` has something that no call of ours caused.
        std::function<void()> on_news;
    };
    /// The callbacks run inside the loop. Must not be destroyed between two turns of a loop that
    /// keeps running.
    StreamSet(asio::io_context& io, Callbacks callbacks);
    ~StreamSet();
    StreamSet(const StreamSet&) = delete;
    StreamSet& operator=(const StreamSet&) = delete;

    /// Takes connections at `local`. Returns where, with the port that was chosen for port 0.
    /// Throws std::system_error. IPv6 listeners take IPv6 alone.
    Endpoint listen(const Endpoint& local);
    /// The same at a socket that listens already; see `shared/net/activation.hpp`.
    Endpoint listen(UniqueFd listening);

    /// Begins to connect. The result comes by `take_news`.
    void open(const OpenStream& request);
    /// Ends a stream, after what was queued if the system takes it at once. Nothing for an unknown
    /// one, and no news.
    void close(SocketId id);
    /// Closes all streams and listeners, so that `io_context::run` can return.
    void close_all();

    /// One read: the messages that it completed, borrowed until the next call. Empty when there is
    /// none, and when the stream ended, which is news then.
    [[nodiscard]] std::span<const Bytes> receive(SocketId id);
    /// Waits for the next readability of `id`; nothing if it was closed in the meantime.
    void rearm(SocketId id);
    /// Where `id` leads. It must be open.
    [[nodiscard]] const Endpoint& remote(SocketId id) const;
    [[nodiscard]] bool contains(SocketId id) const { return streams_.contains(id); }

    /// What happened since the last call: `StreamOpened` and `StreamClosed`, oldest first.
    [[nodiscard]] std::vector<IoEvent> take_news();

    /// Queues `transmit`, each segment as a message; it leaves with `flush`.
    void send(const Transmit& transmit);
    void flush();

    [[nodiscard]] StreamTotals totals() const { return totals_; }
    [[nodiscard]] std::size_t size() const { return streams_.size(); }

  private:
    using Socket = asio::ip::tcp::socket;
    using Acceptor = asio::ip::tcp::acceptor;
    struct Stream {
        Socket socket;
        Endpoint remote;
        bool is_open = false;
        Instant last_heard;
        /// The beginning of a message whose rest has not come.
        ByteVector partial{};
        ByteVector queue{};
        /// How much of `queue` the system took already.
        std::size_t queue_taken = 0;
        bool is_writing = false;
        bool is_dirty = false;
    };
    /// Room for the rest of one message and one read.
    using ReadArena = std::array<std::byte, 2 + kStreamMessageMax + kStreamReadMax>;

    [[nodiscard]] Stream* find(SocketId id);
    Stream* add(SocketId id, Socket socket, const Endpoint& remote);
    void finish(SocketId id, std::optional<StreamDrop> why = std::nullopt);
    void announce(SocketId id, Stream& stream, bool is_accepted);
    void on_connected(SocketId id, const asio::error_code& error);
    Endpoint take(Acceptor acceptor);
    void wait_for_callers(std::size_t listener);
    void accept_some(std::size_t listener);
    void admit(Socket socket);
    [[nodiscard]] std::span<const Bytes> split(SocketId id, Stream& stream, std::size_t size);
    void enqueue(SocketId id, Bytes message);
    void write_some(SocketId id, Stream& stream);
    void on_sweep();

    asio::io_context& io_;
    Callbacks callbacks_;
    std::map<SocketId, Stream> streams_;
    std::map<IpAddress, std::size_t> of_subscriber_;
    std::vector<Acceptor> listeners_;
    /// Listeners that wait until a descriptor is free again.
    std::vector<std::size_t> paused_;
    DeadlineTimer sweep_;
    std::unique_ptr<ReadArena> arena_;
    std::vector<Bytes> messages_;
    std::vector<SocketId> dirty_;
    std::vector<IoEvent> news_;
    std::uint32_t next_accepted_ = 0;
    bool is_news_posted_ = false;
    StreamTotals totals_;
};

}  // namespace pinhole::net
