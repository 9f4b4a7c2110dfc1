// ENet as a deterministic object: reliable and unreliable messages over virtual addresses.
//
// One `EnetHost` per process end. It owns an ENet host that runs on our own platform layer
// (enet_platform.hpp): plaintext ENet datagrams come in through `handle_datagram` and leave through
// `poll_transmit`; who seals, opens and routes them is the caller's business. ENet never learns a
// path, reads no clock and times nobody out: the session's liveness alone declares a peer dead,
// and then the caller says `reset`.
//
// Connect from one side only. A CONNECT from an address that already has a peer is ignored, so two
// ends that both connect wait for each other for good; the caller's glare rule picks the side.
//
// It refuses: messages over `packet_bytes_max`, more than `waiting_bytes_max` unacknowledged bytes
// per peer, and from a hostile peer everything that would make memory grow beyond those bounds.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <variant>

#include "shared/base/bytes.hpp"
#include "shared/base/counters.hpp"
#include "shared/base/random.hpp"
#include "shared/base/result.hpp"
#include "shared/base/tagged.hpp"
#include "shared/base/time.hpp"

namespace pinhole::reliable {

/// The limits of one host, fixed at construction.
struct EnetOptions {
    /// Connections at a time, pending ones included: 1 to 4095 (ENet's peer ids have 12 bits).
    std::size_t peers = 64;
    /// Channels of a connection; the smaller number of both ends counts. 1 to 255.
    std::uint8_t channels = 16;
    /// The largest message, in bytes, in both directions.
    std::size_t packet_bytes_max = std::size_t{1} << 20U;
    /// Per peer and direction: bytes handed to `send` and not yet acknowledged, and bytes of
    /// received messages that wait for an earlier one.
    std::size_t waiting_bytes_max = std::size_t{8} << 20U;
    /// The largest ENet datagram before `set_datagram_size`: what is left of 1232 bytes inside two
    /// seals and a relay header.
    std::size_t mtu = 1160;
    /// Bytes of reliable messages in flight to one peer at most. What the socket buffers of the
    /// other end hold: more than that in a burst is lost there.
    std::size_t window_max = std::size_t{2} << 20U;
};

/// Room in front of a datagram that leaves: for the tag of the frame that will carry it.
inline constexpr std::size_t kEnetHeadroom = 1;

/// An ENet datagram that wants to leave, plaintext. Borrowed: valid until the next non-const call.
struct EnetTransmit {
    VirtualAddress to;
    Bytes bytes;
    /// The same behind `kEnetHeadroom` bytes that may be written.
    MutableBytes with_headroom;
};

/// The connection stands in both directions. `outgoing`: it began with our `connect`.
struct EnetConnected {
    VirtualAddress peer;
    bool outgoing = false;
};

/// A whole message. `bytes` are borrowed and valid until the next `poll_event`.
struct EnetMessage {
    VirtualAddress peer;
    std::uint8_t channel = 0;
    Bytes bytes;
};

/// A message, and what keeps its bytes where they are.
struct OwnedMessage {
    using Memory = std::unique_ptr<void, void (*)(void*)>;
    Bytes bytes{};
    Memory memory{nullptr, [](void*) {}};
};

/// The connection, or our attempt at one, is over: the other end disconnected or refused, or our
/// `disconnect` is done. Never raised by `reset`.
struct EnetClosed {
    VirtualAddress peer;
};

/// After messages had to wait, or were refused with `kQueueFull`: few do now.
struct EnetRoom {
    VirtualAddress peer;
};

using EnetEvent = std::variant<EnetConnected, EnetMessage, EnetClosed, EnetRoom>;

/// So many bytes may wait for the window to open before `has_room` says no. What is sent after them
/// waits behind them within its channel, and they keep a fast path busy until there is room again.
inline constexpr std::size_t kRoomBytes = 64 * 1024;

enum class SendError : std::uint8_t {
    kNotConnected,   ///< no connection to this address, or it is being closed
    kTooLarge,       ///< longer than `packet_bytes_max`
    kQueueFull,      ///< too much is unacknowledged: try again after an acknowledgement
    kNoSuchChannel,  ///< not below the number of channels that both ends agreed on
};

enum class Delivery : std::uint8_t {
    kReliable,    ///< arrives once and in order within its channel, as long as the session lives
    kUnreliable,  ///< arrives at most once, never after a later one of its channel
};

/// How reliable messages to one peer fared since the connection began.
struct Statistics {
    /// Bytes of message that were acknowledged, and that were given up for lost and sent again.
    std::uint64_t bytes_delivered = 0;
    std::uint64_t bytes_lost = 0;
    /// Smoothed, from their acknowledgements or from the path's checks; nothing before the first.
    std::optional<Duration> round_trip_time;
};

/// This program's ENet is not the one we were compiled against, or does not run on our platform
/// layer: it would open a plaintext socket of its own. The text says what to do about it.
class EnetUnusable : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class EnetEngine;

class EnetHost {
  public:
    /// Draws the seed of ENet's connection ids from `random`, which is not kept.
    /// Throws `EnetUnusable`, and `std::runtime_error` beyond 65536 hosts at a time.
    EnetHost(const EnetOptions& options, Random& random);
    ~EnetHost();
    EnetHost(const EnetHost&) = delete;
    EnetHost& operator=(const EnetHost&) = delete;

    /// An opened, authenticated ENet datagram of the peer `from`; works before a connection exists.
    /// Anything may stand in it. `plaintext` is borrowed for the call. What comes of it shows in
    /// the next poll, so that all that arrived at a time is answered at once.
    void handle_datagram(Instant now, VirtualAddress from, Bytes plaintext);
    void handle_timeout(Instant now);
    /// Drain after every mutation. Messages sent since the last drain share datagrams, also with
    /// the acknowledgements of what arrived since then. Large amounts come in bursts: when one has
    /// ended and `has_more`, the next poll begins another.
    [[nodiscard]] std::optional<EnetTransmit> poll_transmit();
    [[nodiscard]] bool has_more() const;
    [[nodiscard]] std::optional<EnetEvent> poll_event();
    /// Right after `poll_event` yielded a message: the message for keeps.
    [[nodiscard]] OwnedMessage take_message();
    /// When `handle_timeout` has work: `kNever` while nothing is unacknowledged.
    [[nodiscard]] Instant next_timeout() const;

    /// Starts a connection; its CONNECT is what `poll_transmit` yields next. `round_trip_time` is
    /// what the path's checks measured: a lost CONNECT is repeated after about 1.5 times that.
    /// False when the address has a peer already or all peer slots are taken.
    [[nodiscard]] bool connect(Instant now, VirtualAddress to, Duration round_trip_time);

    /// The path changed and this is its round-trip time. What is in flight is repeated no later
    /// than it tells. Nothing happens for an unknown address.
    void set_round_trip_time(VirtualAddress peer, Duration round_trip_time);

    /// How large ENet datagrams to this peer are from now on, until it is forgotten. Messages that
    /// were queued before keep their fragments, so after a reduction larger datagrams go on leaving
    /// until those are acknowledged. Nothing happens for an unknown address.
    void set_datagram_size(VirtualAddress peer, std::size_t size);

    /// The largest datagram to this peer that a fragment filled and that, as acknowledgements say,
    /// arrived since the last call; 0 when there is none.
    [[nodiscard]] std::size_t take_largest_arrived(VirtualAddress peer);

    /// Queues a copy of `message`.
    [[nodiscard]] Result<void, SendError> send(Instant now, VirtualAddress to, std::uint8_t channel,
                                               Bytes message, Delivery delivery);

    /// Closes gracefully: after all queued data was acknowledged. `EnetClosed` follows, at the
    /// latest a few seconds after the farewell left; while data is unacknowledged it waits.
    /// Messages of the other end that arrive after this call are lost.
    void disconnect(Instant now, VirtualAddress peer);

    /// Forgets the peer at once and says nothing on the wire; its queued events vanish with it.
    void reset(VirtualAddress peer);

    /// A path works again after a blackout: repeats all that is unacknowledged at once instead of
    /// when the doubled retransmission timers end.
    void on_path_restored(Instant now, VirtualAddress peer, Duration round_trip_time);

    [[nodiscard]] bool is_connected(VirtualAddress peer) const;
    /// A connection exists or is being made or closed.
    [[nodiscard]] bool has_peer(VirtualAddress peer) const;
    [[nodiscard]] std::size_t peer_count() const;
    /// Bytes handed to `send` that wait or are in flight. A message counts in full until its last
    /// fragment is acknowledged.
    [[nodiscard]] std::size_t bytes_unacknowledged(VirtualAddress peer) const;
    /// A message that is sent now leaves soon. If not, `EnetRoom` follows. False without a
    /// connection, and then nothing follows.
    [[nodiscard]] bool has_room(VirtualAddress peer) const;
    /// Zeros for an unknown address.
    [[nodiscard]] Statistics statistics(VirtualAddress peer) const;
    /// What ENet believes of the path; zero for an unknown address.
    [[nodiscard]] Duration round_trip_time(VirtualAddress peer) const;

    /// Datagrams that ENet was not shown, by reason; `kLimit` also counts shortened ones.
    [[nodiscard]] const DropCounters& drops() const;

    /// The number that ENet holds as its socket. The start-up check proved it one of our slots.
    [[nodiscard]] int socket_number() const;

  private:
    std::unique_ptr<EnetEngine> engine_;
};

}  // namespace pinhole::reliable
