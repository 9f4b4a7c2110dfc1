#include "peer/chat_protocol.hpp"

#include "shared/base/cursor.hpp"

namespace pinhole::peer {
namespace {

enum class Kind : std::uint8_t { kHello = 1, kAck = 2, kBye = 3, kEcho = 4, kEchoReply = 5 };

constexpr std::uint8_t kTakesTexts = 1;
constexpr std::size_t kTextNameSize = 8;

TextName read_name(Reader& reader) {
    const std::uint32_t run = reader.u32();
    return {.run = run, .number = reader.u32()};
}

Parsed<Control> parse_hello(Reader& reader) {
    const std::uint8_t version = reader.u8();
    const std::uint8_t flags = reader.u8();
    if (!reader.ok()) return dropped(Drop::kRunt);
    if (version == 0) return dropped(Drop::kBadField);
    // What follows, and the other flags, belong to later versions.
    return Hello{.version = version, .takes_texts = (flags & kTakesTexts) != 0};
}

Parsed<Control> parse_ack(Reader& reader) {
    const TextName name = read_name(reader);
    if (!reader.ok() || reader.remaining() != 0) return dropped(Drop::kBadLength);
    if (name.number == 0) return dropped(Drop::kBadField);
    return Ack{name};
}

template <class Message>
Parsed<Control> parse_token(Reader& reader) {
    const std::uint64_t token = reader.u64();
    if (!reader.ok() || reader.remaining() != 0) return dropped(Drop::kBadLength);
    return Message{token};
}

struct ControlWriter {
    Writer& out;

    void kind(Kind value) const { out.u8(static_cast<std::uint8_t>(value)); }
    void operator()(const Hello& hello) const {
        kind(Kind::kHello);
        out.u8(hello.version).u8(hello.takes_texts ? kTakesTexts : 0);
    }
    void operator()(const Ack& ack) const {
        kind(Kind::kAck);
        out.u32(ack.text.run).u32(ack.text.number);
    }
    void operator()(const Bye& /*bye*/) const { kind(Kind::kBye); }
    void operator()(const Echo& echo) const {
        kind(Kind::kEcho);
        out.u64(echo.token);
    }
    void operator()(const EchoReply& reply) const {
        kind(Kind::kEchoReply);
        out.u64(reply.token);
    }
};

}  // namespace

Parsed<Control> parse_control(Bytes message) {
    Reader reader{message};
    const auto kind = static_cast<Kind>(reader.u8());
    if (!reader.ok()) return dropped(Drop::kRunt);
    switch (kind) {
        case Kind::kHello: return parse_hello(reader);
        case Kind::kAck: return parse_ack(reader);
        case Kind::kBye:
            if (reader.remaining() != 0) return dropped(Drop::kBadLength);
            return Bye{};
        case Kind::kEcho: return parse_token<Echo>(reader);
        case Kind::kEchoReply: return parse_token<EchoReply>(reader);
    }
    return dropped(Drop::kUnknownFrame);
}

Parsed<ChatText> parse_text(Bytes message) {
    Reader reader{message};
    const TextName name = read_name(reader);
    if (!reader.ok()) return dropped(Drop::kRunt);
    if (name.number == 0) return dropped(Drop::kBadField);
    if (reader.remaining() > kTextBytesMax) return dropped(Drop::kBadLength);
    return ChatText{.name = name, .text = as_text(reader.take_rest())};
}

ByteVector encode(const Control& message) {
    ByteVector out(1 + kTextNameSize);
    Writer writer{out};
    std::visit(ControlWriter{writer}, message);
    out.resize(writer.size());
    return out;
}

ByteVector encode(const ChatText& message) {
    assert(message.text.size() <= kTextBytesMax);
    ByteVector out(kTextNameSize + message.text.size());
    Writer writer{out};
    writer.u32(message.name.run).u32(message.name.number).bytes(as_bytes(message.text));
    return out;
}

}  // namespace pinhole::peer
