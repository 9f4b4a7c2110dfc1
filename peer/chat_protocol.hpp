// What two `peer` tools say to each other inside ENet's reliable channels.
//
// Control, channel 0, one message each:
//
//     hello       | 1 | version | flags |  ...     later versions may append
//     ack         | 2 | run (4)         | number (4)        |
//     bye         | 3 |
//     echo        | 4 | token (8)                           |
//     echo reply  | 5 | token (8)                           |
//
// Chat, channel 1:
//
//     text        | run (4) | number (4) | UTF-8, 0 to 60000 bytes |
//
// `run` is a random name of one talk of the sender with this peer, `number` counts its texts in it
// from 1.
// An `ack` repeats both and is sent only after the text was handed to the user. After a broken
// connection the sender repeats what was not acknowledged, and the receiver tells repeats by the
// two. Anything may stand in a message: parsers return a `Drop`, and nobody answers it.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "shared/base/bytes.hpp"
#include "shared/base/result.hpp"

namespace pinhole::peer {

inline constexpr std::uint8_t kControlChannel = 0;
inline constexpr std::uint8_t kChatChannel = 1;
inline constexpr std::uint8_t kChatVersion = 1;
/// The longest text. A longer line is sent in pieces.
inline constexpr std::size_t kTextBytesMax = 60'000;

/// The first message in both directions.
struct Hello {
    std::uint8_t version = kChatVersion;
    /// True when texts are shown to somebody. A program that only measures says false.
    bool takes_texts = false;

    friend bool operator==(const Hello&, const Hello&) = default;
};

/// One text of one sender, for one receiver.
struct TextName {
    std::uint32_t run = 0;
    /// Never 0.
    std::uint32_t number = 0;

    friend bool operator==(const TextName&, const TextName&) = default;
};

struct Ack {
    TextName text;

    friend bool operator==(const Ack&, const Ack&) = default;
};

/// The sender leaves for good, of its own will.
struct Bye {
    friend bool operator==(const Bye&, const Bye&) = default;
};

struct Echo {
    std::uint64_t token = 0;

    friend bool operator==(const Echo&, const Echo&) = default;
};

/// The token of an `Echo`, returned at once.
struct EchoReply {
    std::uint64_t token = 0;

    friend bool operator==(const EchoReply&, const EchoReply&) = default;
};

using Control = std::variant<Hello, Ack, Bye, Echo, EchoReply>;

/// A text. `text` is borrowed from the message or the sender.
struct ChatText {
    TextName name;
    std::string_view text;

    friend bool operator==(const ChatText&, const ChatText&) = default;
};

/// Drops: kRunt, kBadLength, kBadField, kUnknownFrame.
[[nodiscard]] Parsed<Control> parse_control(Bytes message);
/// Drops: kRunt, kBadLength, kBadField.
[[nodiscard]] Parsed<ChatText> parse_text(Bytes message);

[[nodiscard]] ByteVector encode(const Control& message);
/// `message.text` must not be longer than `kTextBytesMax`.
[[nodiscard]] ByteVector encode(const ChatText& message);

}  // namespace pinhole::peer
