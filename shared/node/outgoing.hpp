// A transport message under construction, with room in front for the relay's envelope.
//
//     | outer header 14 | relay tag 1 | handle 4 | inner header 14 | frame | tag 16 | outer tag 16
//     |
//                                                ^ a direct datagram begins here
//
// The frame is written once and sealed where it stands; for the relay the sealed message is sealed
// again around itself. No byte is copied until the datagram joins the transmit queue.
#pragma once

#include "shared/base/bytes.hpp"
#include "shared/base/datagram.hpp"
#include "shared/session/session.hpp"
#include "shared/wire/rendezvous_frame.hpp"
#include "shared/wire/transport.hpp"

namespace pinhole::node {

inline constexpr std::size_t kRelayFrameHeader = 1 + 4;

class Outgoing {
  public:
    /// Where the frame of a transport message goes.
    [[nodiscard]] MutableBytes frame_room() {
        return MutableBytes{storage_}.subspan(kInnerOffset + wire::kTransportHeaderSize, kFrameMax);
    }

    /// Seals the first `frame_size` bytes of the room as one transport message of `session`.
    /// Empty when the session refuses to seal any more.
    template <class Session>
    [[nodiscard]] Bytes seal(Session& session, std::size_t frame_size) {
        assert(frame_size > 0 && frame_size <= kFrameMax);
        inner_size_ = frame_size + wire::kTransportOverhead;
        const MutableBytes inner = MutableBytes{storage_}.subspan(kInnerOffset, inner_size_);
        if (!session.seal_in_place(inner)) return {};
        return inner;
    }

    /// A whole message of kind 6 or 7 in place of a sealed one.
    void set_message(Bytes message) {
        inner_size_ = message.size();
        Writer{MutableBytes{storage_}.subspan(kInnerOffset)}.bytes(message);
    }

    /// Wraps the message into a relay frame and seals that in the server's session. Destroys the
    /// message. Empty when the session refuses.
    template <class Session>
    [[nodiscard]] Bytes wrap(Session& server_session, RelayHandle handle) {
        const std::size_t outer_size = kInnerOffset + inner_size_ + wire::kTagSize;
        Writer{MutableBytes{storage_}.subspan(wire::kTransportHeaderSize)}
            .u8(static_cast<std::uint8_t>(wire::FrameTag::kRelay))
            .u32(handle.value());
        const MutableBytes outer = MutableBytes{storage_}.first(outer_size);
        if (!server_session.seal_in_place(outer)) return {};
        return outer;
    }

  private:
    static constexpr std::size_t kInnerOffset = wire::kTransportHeaderSize + kRelayFrameHeader;
    /// The largest frame whose relayed form still fits `kUdpPayloadMax`, and more for a frame that
    /// only ever goes direct (a padded challenge).
    static constexpr std::size_t kFrameMax = kUdpPayloadMax - wire::kTransportOverhead;

    std::array<std::byte, kInnerOffset + kUdpPayloadMax + wire::kTagSize> storage_;
    std::size_t inner_size_ = 0;
};

}  // namespace pinhole::node
