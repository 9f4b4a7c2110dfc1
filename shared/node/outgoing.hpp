// A transport message under construction, with room in front for the relay's envelope.
//
//     | outer header 14 | relay tag 1 | handle 4 | inner header 14 | frame | tag 16 | outer tag 16
//     |
//                                                ^ a direct datagram begins here
//
// It stands in the transmit queue's own memory, at the end, and leaves from there: a frame is
// written or sealed straight into it, and for the relay the sealed message is sealed again around
// itself. Messages that go the direct way stand without a gap, so that they can form a run.
#pragma once

#include "shared/base/bytes.hpp"
#include "shared/base/datagram.hpp"
#include "shared/session/session.hpp"
#include "shared/wire/rendezvous_frame.hpp"
#include "shared/wire/transport.hpp"

namespace pinhole::node {

inline constexpr std::size_t kRelayFrameHeader = 1 + 4;

/// A transport message that arrived, and where its frame is opened to: at least as much room.
struct Opening {
    Bytes datagram;
    MutableBytes room;
};

class Outgoing {
  public:
    enum class Way : bool { kDirect, kRelay };

    /// The longest frame that goes direct; what is relayed must be shorter.
    static constexpr std::size_t kFrameMax = kUdpPayloadProbed - wire::kTransportOverhead;

    /// Lends itself room in `queue`, which must not be used otherwise until `leave`, for a frame of
    /// up to `frame_max` bytes: who asks for less than the most fills a run to its end.
    Outgoing(TransmitQueue& queue, Way way, std::size_t frame_max = kFrameMax)
        : queue_(queue),
          inner_offset_(way == Way::kRelay ? kInnerOffset : 0),
          frame_max_(frame_max),
          room_(queue.reserve(inner_offset_ + frame_max + wire::kTransportOverhead +
                              (way == Way::kRelay ? wire::kTagSize : 0))) {}

    /// Where the frame of a transport message goes.
    [[nodiscard]] MutableBytes frame_room() {
        return room_.subspan(inner_offset_ + wire::kTransportHeaderSize, frame_max_);
    }

    /// Seals `frame` as one transport message of `session`; it is the front of the room, or stands
    /// elsewhere. Empty when the session refuses to seal any more.
    template <class Session>
    [[nodiscard]] Bytes seal(Session& session, Bytes frame) {
        assert(!frame.empty());
        assert(frame.size() <= frame_max_);
        message_ = room_.subspan(inner_offset_, frame.size() + wire::kTransportOverhead);
        if (!session.seal(frame, message_)) message_ = {};
        return message_;
    }
    template <class Session>
    [[nodiscard]] Bytes seal(Session& session, std::size_t frame_size) {
        return seal(session, frame_room().first(frame_size));
    }

    /// A copy of a whole message in place of a sealed one.
    void set_message(Bytes message) {
        message_ = room_.subspan(inner_offset_, message.size());
        std::ranges::copy(message, message_.begin());
    }

    /// Wraps the message into a relay frame and seals that in the server's session; `kRelay` was
    /// said at the beginning. Destroys the message. Empty when the session refuses.
    template <class Session>
    [[nodiscard]] Bytes wrap(Session& server_session, RelayHandle handle) {
        assert(inner_offset_ == kInnerOffset);
        Writer{room_.subspan(wire::kTransportHeaderSize)}
            .u8(static_cast<std::uint8_t>(wire::FrameTag::kRelay))
            .u32(handle.value());
        message_ = room_.first(kInnerOffset + message_.size() + wire::kTagSize);
        inner_offset_ = 0;
        if (!server_session.seal_in_place(message_)) message_ = {};
        return message_;
    }

    /// The message leaves by `path`. False when there is none, or the queue is full.
    [[nodiscard]] bool leave(const Path& path) {
        // Behind the room that the relay would have needed nothing begins that can leave.
        assert(inner_offset_ == 0);
        return !message_.empty() && queue_.commit({.path = path, .bytes = message_});
    }

  private:
    static constexpr std::size_t kInnerOffset = wire::kTransportHeaderSize + kRelayFrameHeader;

    TransmitQueue& queue_;
    std::size_t inner_offset_;
    std::size_t frame_max_;
    MutableBytes room_;
    MutableBytes message_;
};

}  // namespace pinhole::node
