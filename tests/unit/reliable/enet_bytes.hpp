// ENet datagrams written by hand, as a hostile peer writes them.
#pragma once

#include "shared/base/cursor.hpp"

namespace pinhole::reliable::test {

enum Command : std::uint8_t {
    kConnect = 2,
    kPing = 5,
    kSendReliable = 6,
    kSendUnreliable = 7,
    kSendFragment = 8,
    kSendUnreliableFragment = 12,
};
inline constexpr std::uint8_t kAcknowledge = 0x80;

/// Builds one datagram of at most 4096 bytes.
class Forgery {
  public:
    /// `peer_word`: the peer id with its session bits, as in a genuine datagram.
    explicit Forgery(std::uint16_t peer_word) {
        rest().u16(static_cast<std::uint16_t>(peer_word | 0x8000U)).u16(0);
        size_ = 4;
    }

    Forgery& raw(std::uint8_t command, std::uint8_t channel, std::uint16_t sequence) {
        return add([&](Writer& out) { out.u8(command).u8(channel).u16(sequence); });
    }

    Forgery& reliable(std::uint8_t channel, std::uint16_t sequence, Bytes payload) {
        raw(kSendReliable | kAcknowledge, channel, sequence);
        return add([&](Writer& out) {
            out.u16(static_cast<std::uint16_t>(payload.size())).bytes(payload);
        });
    }

    Forgery& unreliable(std::uint8_t channel, std::uint16_t reliable_sequence,
                        std::uint16_t sequence, Bytes payload) {
        raw(kSendUnreliable, channel, reliable_sequence);
        return add([&](Writer& out) {
            out.u16(sequence).u16(static_cast<std::uint16_t>(payload.size())).bytes(payload);
        });
    }

    struct Fragment {
        std::uint16_t start = 0;
        std::uint32_t count = 0;
        std::uint32_t number = 0;
        std::uint32_t total = 0;
        std::uint32_t offset = 0;
    };

    Forgery& fragment(std::uint8_t channel, const Fragment& part, Bytes payload) {
        raw(kSendFragment | kAcknowledge, channel, part.start);
        return add([&](Writer& out) {
            out.u16(part.start).u16(static_cast<std::uint16_t>(payload.size()));
            out.u32(part.count).u32(part.number).u32(part.total).u32(part.offset).bytes(payload);
        });
    }

    [[nodiscard]] Bytes bytes() const { return Bytes{storage_}.first(size_); }

  private:
    [[nodiscard]] Writer rest() { return Writer{MutableBytes{storage_}.subspan(size_)}; }

    template <class Write>
    Forgery& add(Write write) {
        Writer writer = rest();
        write(writer);
        size_ += writer.size();
        return *this;
    }

    FixedBytes<4096> storage_{};
    std::size_t size_ = 0;
};

}  // namespace pinhole::reliable::test
