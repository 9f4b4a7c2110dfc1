// The one way out: everything that the server sends passes here.
//
// Holds the rule that makes the server useless to an attacker: an address that is not validated
// gets at most one datagram for each that came from it, and never a longer one. `reply` is the
// only function that sends to such an address, it works only while a datagram is being handled,
// and once; `send` needs a client, whose path was validated.
#pragma once

#include "rendezvous/client.hpp"
#include "rendezvous/limits.hpp"
#include "rendezvous/metrics.hpp"
#include "rendezvous/streams.hpp"
#include "shared/base/datagram.hpp"

namespace pinhole::rendezvous {

class Outbox {
  public:
    /// Both must outlive the outbox.
    Outbox(Metrics& metrics, const Streams& streams)
        : metrics_(metrics), streams_(streams), queue_(kOutboxMax) {}

    /// From now on, until `end_datagram`, one `reply` to `in` is allowed.
    void begin_datagram(const Datagram& in);
    void end_datagram() { allowance_ = 0; }

    /// Answers the datagram under way, towards its source, through `socket` (that one's, or
    /// another one of the server's). False, and nothing sent, when the answer would be longer than
    /// the datagram or is the second one.
    bool reply(SocketId socket, Bytes message) {
        return reply({.socket = socket, .remote = source_.remote}, message);
    }
    /// The same towards another endpoint of the source's address, which proved itself by a cookie.
    bool reply(const Path& path, Bytes message);

    /// The one exception, which the operator switched on: a STUN answer of at most
    /// `wire::kStunResponseSizeMax` bytes may be up to 2.2 times its request.
    bool reply_stun(Bytes message);

    /// Sends to an address that proved itself by a cookie or a session.
    void send_validated(const Path& path, Bytes message);

    /// Seals a frame and sends it to the client's validated path.
    template <class Frame>
    void send(Client& client, const Frame& frame) {
        const std::size_t size = wire::encode(frame, frame_room());
        if (seal(client, size)) send_validated(client.path, scratch_.bytes());
    }
    /// Seals a frame and answers the datagram under way with it: how a challenge reaches a source
    /// that is not validated. False as `reply`.
    template <class Frame>
    bool reply_sealed(Client& client, const Frame& frame) {
        const std::size_t size = wire::encode(frame, frame_room());
        return seal(client, size) && reply(source_.socket, scratch_.bytes());
    }

    /// Sends what the session itself has to say (rekey messages).
    void send_session_frames(Client& client);

    [[nodiscard]] std::optional<Transmit> poll_transmit() { return queue_.pop(); }
    [[nodiscard]] std::size_t size() const { return queue_.size(); }

  private:
    [[nodiscard]] MutableBytes frame_room();
    /// Turns the frame of `size` bytes in the scratch into a transport message.
    [[nodiscard]] bool seal(Client& client, std::size_t size);
    bool push(const Path& path, Bytes message);

    Metrics& metrics_;
    const Streams& streams_;
    TransmitQueue queue_;
    Path source_{};
    /// How long the one reply to the datagram under way may be; 0 when it was given.
    std::size_t allowance_ = 0;
    ByteBuffer<kDatagramMax> scratch_;
};

}  // namespace pinhole::rendezvous
