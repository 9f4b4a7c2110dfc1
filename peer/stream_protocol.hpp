// Byte streams between two `peer` tools: what pipes, forwarded connections and files are made of.
//
// ENet's reliable channel 2, one frame a message:
//
//     open    | 1 | stream (4) | service (1) | credit (4) | argument, 0 to 2048 bytes |
//     accept  | 2 | stream (4) | credit (4) |
//     refuse  | 3 | stream (4) | reason (1) | UTF-8, 0 to 300 bytes |    instead of `accept`
//     data    | 4 | stream (4) | 1 to 16384 bytes |
//     credit  | 5 | stream (4) | bytes (4) |             so many more may come
//     finish  | 6 | stream (4) |                         no `data` follows; the other way goes on
//     done    | 7 | stream (4) |                         all up to your `finish` was taken
//     reset   | 8 | stream (4) | reason (1) |            both ways are over, what is under way is
//     lost
//
// and on ENet's channel 3, unreliable, for a stream that stands:
//
//     datagram| 9 | stream (4) | 0 to 65507 bytes |
//
// Each side numbers the streams that it opens, from 1. On the wire the top bit of a number says
// that the *receiver* of this frame opened the stream. Nobody may send more `data` than the other
// side gave credit for, in `open`, `accept` and `credit`: that is what makes a slow reader of one
// stream stop its writer and nobody else. Anything may stand in a message: parsers return a `Drop`.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "shared/base/bytes.hpp"
#include "shared/base/result.hpp"
#include "shared/base/tagged.hpp"

namespace pinhole::peer {

inline constexpr std::uint8_t kStreamChannel = 2;
inline constexpr std::uint8_t kStreamDatagramChannel = 3;

/// The longest piece of a stream in one message: a few milliseconds of a slow link, so that streams
/// take turns.
inline constexpr std::size_t kStreamPieceMax = 16 * 1024;
inline constexpr std::size_t kStreamArgumentMax = 2048;
inline constexpr std::size_t kRefusalTextMax = 300;
/// RFC 768 and 791: the largest payload of one UDP datagram over IPv4.
inline constexpr std::size_t kStreamDatagramMax = 65'507;
/// No side may have more credit than this outstanding for one stream.
inline constexpr std::uint32_t kCreditMax = std::uint32_t{16} << 20U;

/// What a stream is for.
enum class ServiceKind : std::uint8_t {
    kPipe = 1,  ///< standard input and output
    kTcp = 2,   ///< a connection that the accepting side makes
    kUdp = 3,   ///< datagrams that the accepting side sends
    kFiles = 4,
    /// Asks for connections in the other direction.
    kReverse = 5,
};

enum class Refusal : std::uint8_t {
    kNoSuchService = 1,  ///< nobody serves this kind here
    kNotAllowed = 2,     ///< by the user's settings
    kBusy = 3,           ///< it serves somebody else, or a bound is reached
    kFailed = 4,         ///< allowed, but it did not work: the text says what
};

/// Who opened a stream, and its number there; as one side of the connection sees it.
struct StreamNumber {
    bool is_ours = false;
    /// 1 to 2^31 - 1.
    std::uint32_t number = 0;

    friend auto operator<=>(const StreamNumber&, const StreamNumber&) = default;
};

struct StreamOpen {
    StreamNumber stream;
    ServiceKind service = ServiceKind::kPipe;
    std::uint32_t credit = 0;
    Bytes argument{};
};
struct StreamAccept {
    StreamNumber stream;
    std::uint32_t credit = 0;
};
struct StreamRefuse {
    StreamNumber stream;
    Refusal reason = Refusal::kFailed;
    std::string_view text{};
};
struct StreamData {
    StreamNumber stream;
    Bytes bytes{};
};
struct StreamCredit {
    StreamNumber stream;
    std::uint32_t bytes = 0;
};
struct StreamFinish {
    StreamNumber stream;
};
struct StreamDone {
    StreamNumber stream;
};
/// Why a side gives a stream up.
enum class ResetReason : std::uint8_t {
    kCancelled = 1,  ///< the user, or whoever was behind the stream, went away
    kFailed = 2,     ///< reading or writing at the far end failed
    kViolation = 3,  ///< the other side broke the rules above
};
struct StreamReset {
    StreamNumber stream;
    ResetReason reason = ResetReason::kCancelled;
};
struct StreamDatagram {
    StreamNumber stream;
    Bytes bytes{};
};

/// Borrowed from the message, or from the sender.
using StreamFrame = std::variant<StreamOpen, StreamAccept, StreamRefuse, StreamData, StreamCredit,
                                 StreamFinish, StreamDone, StreamReset, StreamDatagram>;

/// Drops: kRunt, kBadLength, kBadField, kUnknownFrame. A service or reason that we do not know is
/// handed on as it is: it is refused by name, not ignored.
[[nodiscard]] Parsed<StreamFrame> parse_stream_frame(Bytes message);

[[nodiscard]] ByteVector encode(const StreamFrame& frame);

}  // namespace pinhole::peer
