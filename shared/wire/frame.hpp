// The first plaintext byte of a transport message: which frame it is. And the frames that both
// kinds of session share.
//
//     keepalive  | 0x01 | flags (1) | sequence (2) | observed endpoint (19) |
//                flags: 1 = please acknowledge, 2 = this acknowledges `sequence`.
//                observed endpoint: in a server's acknowledgement, where it saw the keepalive
//                come from; none otherwise.
//     challenge  | 0x02 | id (8) | flags (1) | padding |
//                flags: 1 = the sender has selected this path
//     response   | 0x03 | id (8) |
//     rekey      | 0x04 | step (1) | sender index (4) | receiver index (4) | Noise message |
//                step 1: Noise message 1, receiver index 0; step 2: Noise message 2
//     close      | 0x05 | reason (1) | rejoin window, s (2) |
//
// A frame longer than expected is accepted, so that later versions can append. Unknown tags are
// dropped and counted.
#pragma once

#include <optional>

#include "shared/base/tagged.hpp"
#include "shared/wire/endpoint_field.hpp"

namespace pinhole::wire {

enum class FrameTag : std::uint8_t {
    kKeepalive = 0x01,
    kChallenge = 0x02,
    kResponse = 0x03,
    kRekey = 0x04,
    kClose = 0x05,

    kEnet = 0x10,
    kCandidates = 0x11,
    kPart = 0x12,
    kSprayOk = 0x13,
    kNatBehavior = 0x14,

    kRegister = 0x20,
    kRegistered = 0x21,
    kConnect = 0x22,
    kIntroduced = 0x23,
    kIntroduction = 0x24,
    kAccept = 0x25,
    kRefuse = 0x26,
    kTrickle = 0x27,
    kRelay = 0x28,
    kJoin = 0x29,
    kLeave = 0x2a,
    kMembers = 0x2b,
    kRelease = 0x2c,
    kError = 0x2d,
};

/// Why a session ends, as its sender says it.
enum class CloseReason : std::uint8_t {
    kDone = 0,      ///< the other side left on purpose
    kReplaced = 1,  ///< a newer session of the same key took the place
    kShutdown = 2,  ///< the server stops; come back after a jitter of the rejoin window
    kReleased = 3,  ///< the id was given up
    kLimit = 4,     ///< a bound or budget ended it
};

struct Keepalive {
    bool wants_ack = false;
    bool is_ack = false;
    std::uint16_t sequence = 0;
    std::optional<Endpoint> observed{};

    friend bool operator==(const Keepalive&, const Keepalive&) = default;
};

using ChallengeId = FixedBytes<8>;

struct Challenge {
    ChallengeId id{};
    bool selected = false;
    /// Zero bytes behind the fields, to verify that a path carries full-size datagrams.
    std::uint16_t padding = 0;

    friend bool operator==(const Challenge&, const Challenge&) = default;
};

struct Response {
    ChallengeId id{};

    friend bool operator==(const Response&, const Response&) = default;
};

struct Rekey {
    enum class Step : std::uint8_t { kMessage1 = 1, kMessage2 = 2 } step = Step::kMessage1;
    SessionIndex sender{};
    SessionIndex receiver{};
    Bytes noise{};
};

struct Close {
    CloseReason reason = CloseReason::kDone;
    std::uint16_t rejoin_window_s = 0;

    friend bool operator==(const Close&, const Close&) = default;
};

/// Each writes the whole frame, its tag included, and returns the size.
std::size_t encode(const Keepalive& frame, MutableBytes out);
std::size_t encode(const Challenge& frame, MutableBytes out);
std::size_t encode(const Response& frame, MutableBytes out);
std::size_t encode(const Rekey& frame, MutableBytes out);
std::size_t encode(const Close& frame, MutableBytes out);

/// `body` is what follows the tag. Drops: kBadLength, kBadField.
[[nodiscard]] Parsed<Keepalive> parse_keepalive(Bytes body);
[[nodiscard]] Parsed<Challenge> parse_challenge(Bytes body);
[[nodiscard]] Parsed<Response> parse_response_frame(Bytes body);
[[nodiscard]] Parsed<Rekey> parse_rekey(Bytes body);
[[nodiscard]] Parsed<Close> parse_close(Bytes body);

}  // namespace pinhole::wire
