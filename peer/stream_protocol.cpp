#include "peer/stream_protocol.hpp"

#include <cassert>

#include "shared/base/cursor.hpp"

namespace pinhole::peer {
namespace {

enum class Kind : std::uint8_t {
    kOpen = 1,
    kAccept = 2,
    kRefuse = 3,
    kData = 4,
    kCredit = 5,
    kFinish = 6,
    kDone = 7,
    kReset = 8,
    kDatagram = 9,
};

constexpr std::size_t kHeader = 5;
/// What precedes the longest variable part, with room to spare.
constexpr std::size_t kFixedMax = 10;
constexpr std::uint32_t kReceiverOpened = std::uint32_t{1} << 31U;

// The sender's "the receiver opened it" is the receiver's "we opened it".
StreamNumber read_stream(Reader& reader) {
    const std::uint32_t raw = reader.u32();
    return {.is_ours = (raw & kReceiverOpened) != 0, .number = raw & ~kReceiverOpened};
}

Parsed<StreamFrame> whole(const Reader& reader, StreamFrame frame) {
    if (!reader.ok() || reader.remaining() != 0) return dropped(Drop::kBadLength);
    return frame;
}

Parsed<StreamFrame> parse_open(Reader& reader, StreamNumber stream) {
    const auto service = static_cast<ServiceKind>(reader.u8());
    const std::uint32_t credit = reader.u32();
    const Bytes argument = reader.take_rest();
    if (!reader.ok() || argument.size() > kStreamArgumentMax) return dropped(Drop::kBadLength);
    // Only its opener can say `open`, and only with a number of its own.
    if (stream.is_ours || credit > kCreditMax) return dropped(Drop::kBadField);
    return StreamOpen{stream, service, credit, argument};
}

Parsed<StreamFrame> parse_refuse(Reader& reader, StreamNumber stream) {
    const auto reason = static_cast<Refusal>(reader.u8());
    const std::string_view text = as_text(reader.take_rest());
    if (!reader.ok() || text.size() > kRefusalTextMax) return dropped(Drop::kBadLength);
    if (!stream.is_ours) return dropped(Drop::kBadField);
    return StreamRefuse{stream, reason, text};
}

Parsed<StreamFrame> parse_accept(Reader& reader, StreamNumber stream) {
    const std::uint32_t credit = reader.u32();
    if (!stream.is_ours || credit > kCreditMax) return dropped(Drop::kBadField);
    return whole(reader, StreamAccept{stream, credit});
}

Parsed<StreamFrame> parse_credit(Reader& reader, StreamNumber stream) {
    const std::uint32_t bytes = reader.u32();
    if (bytes > kCreditMax) return dropped(Drop::kBadField);
    return whole(reader, StreamCredit{stream, bytes});
}

template <class Frame>
Parsed<StreamFrame> parse_bytes(Reader& reader, StreamNumber stream, std::size_t least,
                                std::size_t most) {
    const Bytes bytes = reader.take_rest();
    if (bytes.size() < least || bytes.size() > most) return dropped(Drop::kBadLength);
    return Frame{stream, bytes};
}

struct FrameWriter {
    Writer& out;

    void header(Kind kind, StreamNumber stream) const {
        assert(stream.number != 0);
        out.u8(static_cast<std::uint8_t>(kind));
        out.u32(stream.number | (stream.is_ours ? 0 : kReceiverOpened));
    }
    void operator()(const StreamOpen& open) const {
        assert(open.argument.size() <= kStreamArgumentMax);
        header(Kind::kOpen, open.stream);
        out.u8(static_cast<std::uint8_t>(open.service)).u32(open.credit).bytes(open.argument);
    }
    void operator()(const StreamAccept& accept) const {
        header(Kind::kAccept, accept.stream);
        out.u32(accept.credit);
    }
    void operator()(const StreamRefuse& refuse) const {
        assert(refuse.text.size() <= kRefusalTextMax);
        header(Kind::kRefuse, refuse.stream);
        out.u8(static_cast<std::uint8_t>(refuse.reason)).bytes(as_bytes(refuse.text));
    }
    void operator()(const StreamData& data) const {
        assert(!data.bytes.empty() && data.bytes.size() <= kStreamPieceMax);
        header(Kind::kData, data.stream);
        out.bytes(data.bytes);
    }
    void operator()(const StreamCredit& credit) const {
        header(Kind::kCredit, credit.stream);
        out.u32(credit.bytes);
    }
    void operator()(const StreamFinish& finish) const { header(Kind::kFinish, finish.stream); }
    void operator()(const StreamDone& done) const { header(Kind::kDone, done.stream); }
    void operator()(const StreamReset& reset) const {
        header(Kind::kReset, reset.stream);
        out.u8(static_cast<std::uint8_t>(reset.reason));
    }
    void operator()(const StreamDatagram& datagram) const {
        assert(datagram.bytes.size() <= kStreamDatagramMax);
        header(Kind::kDatagram, datagram.stream);
        out.bytes(datagram.bytes);
    }
};

std::size_t variable_size(const StreamFrame& frame) {
    if (const auto* open = std::get_if<StreamOpen>(&frame)) return open->argument.size();
    if (const auto* refuse = std::get_if<StreamRefuse>(&frame)) return refuse->text.size();
    if (const auto* data = std::get_if<StreamData>(&frame)) return data->bytes.size();
    if (const auto* datagram = std::get_if<StreamDatagram>(&frame)) return datagram->bytes.size();
    return 0;
}

}  // namespace

Parsed<StreamFrame> parse_stream_frame(Bytes message) {
    if (message.size() < kHeader) return dropped(Drop::kRunt);
    Reader reader{message};
    const auto kind = static_cast<Kind>(reader.u8());
    const StreamNumber stream = read_stream(reader);
    if (stream.number == 0) return dropped(Drop::kBadField);
    switch (kind) {
        case Kind::kOpen: return parse_open(reader, stream);
        case Kind::kAccept: return parse_accept(reader, stream);
        case Kind::kRefuse: return parse_refuse(reader, stream);
        case Kind::kData: return parse_bytes<StreamData>(reader, stream, 1, kStreamPieceMax);
        case Kind::kCredit: return parse_credit(reader, stream);
        case Kind::kFinish: return whole(reader, StreamFinish{stream});
        case Kind::kDone: return whole(reader, StreamDone{stream});
        case Kind::kReset: {
            const auto reason = static_cast<ResetReason>(reader.u8());
            return whole(reader, StreamReset{stream, reason});
        }
        case Kind::kDatagram:
            return parse_bytes<StreamDatagram>(reader, stream, 0, kStreamDatagramMax);
    }
    return dropped(Drop::kUnknownFrame);
}

ByteVector encode(const StreamFrame& frame) {
    ByteVector out(kFixedMax + variable_size(frame));
    Writer writer{out};
    std::visit(FrameWriter{writer}, frame);
    out.resize(writer.size());
    return out;
}

}  // namespace pinhole::peer
