// The frames between a client and the rendezvous server.
//
// Client to server:
//
//     register  | 0x20 | request (2) | accept (1) | id | NAT behavior (12) |
//               accept: 0 = open (introduce everybody), 1 = ask me first
//               NAT behavior: see nat_behavior.hpp; without it, it is unknown. A new number with
//               the same id, in the session that holds it, tells a new behavior.
//     connect   | 0x22 | nonce (16) | flags (1) | id of the other | candidate list |
//               | handshake length (2) | handshake initiation |
//               flags: 1 = resume: renew candidates, relay permission and handle of a live pair.
//               A handshake rides along when the other's key is pinned, else its length is 0.
//     accept    | 0x25 | nonce (16) | candidate list |
//               answers an introduction, in either mode; doubles as its acknowledgement
//     refuse    | 0x26 | nonce (16) |
//     trickle   | 0x27 | nonce (16) | candidate list |          (both directions)
//     relay     | 0x28 | handle (4) | message of kind 6-8 |     (both directions)
//     join      | 0x29 | room | version (4) |
//               version: of the last `members` about the room, which is answered when the server
//               has another one; 0 = tell me in any case
//     leave     | 0x2a | room |
//     release   | 0x2c | id |
//
// Server to client:
//
//     registered   | 0x21 | request (2) | observed endpoint (19) | gone token (16) |
//                  | rejoin window, s (2) |
//     introduced   | 0x23 | introduction |      to the one who asked
//     introduction | 0x24 | introduction |      to the one who was asked
//                  introduction = | nonce (16) | flags (1) | id | static key (32) |
//                  | relay handle (4) | technique (1) | fire in, us (4) | candidate list |
//                  | handshake length (2) | handshake initiation |
//                  flags: 1 = resume, 2 = please answer first: handle, candidates and handshake
//                  come only after `accept`
//     members      | 0x2b | room | version (4) | count (1) | ( id | static key (32) ) * count |
//                  who is in the room besides the receiver, all of them. version: grows with each
//                  change, wraps, and is never 0; with 0, and nobody, it answers `leave`
//     error        | 0x2d | code (1) | request (2) | nonce (16) | room |
//                  request names the `register`, nonce the `connect`, room the `join` it answers;
//                  zeros otherwise, and a room of length 0, as when it is missing
#pragma once

#include <variant>

#include "shared/wire/candidate.hpp"
#include "shared/wire/frame.hpp"
#include "shared/wire/id.hpp"
#include "shared/wire/nat_behavior.hpp"

namespace pinhole::wire {

/// The raw bytes of a static public key; `crypto::PublicKey` gives them meaning.
using KeyBytes = FixedBytes<32>;

enum class AcceptMode : std::uint8_t { kOpen = 0, kAsk = 1 };

/// What one side should do differently while the pair is punched.
enum class Technique : std::uint8_t {
    kNone = 0,
    kListen = 1,  ///< stay silent until you hear the other
};

enum class ErrorCode : std::uint8_t {
    kIdTaken = 1,        ///< the id belongs to another key
    kUnknownPeer = 2,    ///< unknown, offline, or it refused: a stranger cannot tell which
    kUnreachable = 3,    ///< registered, but it does not answer introductions
    kLimit = 4,          ///< a budget is used up; try later
    kStorage = 5,        ///< the server could not store the registration
    kNotRegistered = 6,  ///< the request needs a registration first
    kFlapping = 7,       ///< two processes with one key displace each other
    kRoomFull = 8,       ///< as many are in the room as fit
};

struct Register {
    std::uint16_t request = 0;
    AcceptMode accept = AcceptMode::kOpen;
    Id id{};
    NatBehavior behavior{};

    friend bool operator==(const Register&, const Register&) = default;
};

struct Connect {
    IntroductionNonce nonce{};
    bool resume = false;
    Id target{};
    CandidateList candidates{};
    Bytes handshake{};
};

struct Accept {
    IntroductionNonce nonce{};
    CandidateList candidates{};

    friend bool operator==(const Accept&, const Accept&) = default;
};

struct Refuse {
    IntroductionNonce nonce{};

    friend bool operator==(const Refuse&, const Refuse&) = default;
};

struct Trickle {
    IntroductionNonce nonce{};
    CandidateList candidates{};

    friend bool operator==(const Trickle&, const Trickle&) = default;
};

struct Relay {
    RelayHandle handle{};
    Bytes message{};
};

struct Join {
    Id room{};
    /// Of the last `Members` about it; 0 asks for one in any case.
    std::uint32_t version = 0;

    friend bool operator==(const Join&, const Join&) = default;
};

struct Leave {
    Id room{};

    friend bool operator==(const Leave&, const Leave&) = default;
};

struct Release {
    Id id{};

    friend bool operator==(const Release&, const Release&) = default;
};

struct Registered {
    std::uint16_t request = 0;
    std::optional<Endpoint> observed{};
    FixedBytes<16> gone_token{};
    std::uint16_t rejoin_window_s = 0;

    friend bool operator==(const Registered&, const Registered&) = default;
};

/// To the asker (tag `introduced`) or to the one asked for (tag `introduction`).
struct Introduction {
    Role role = Role::kAsker;  ///< the receiver's role; decides the tag
    IntroductionNonce nonce{};
    bool resume = false;
    bool answer_first = false;
    Id id{};         ///< the other side's
    KeyBytes key{};  ///< the other side's
    RelayHandle handle{};
    Technique technique = Technique::kNone;
    std::uint32_t fire_in_us = 0;
    CandidateList candidates{};  ///< the other side's
    Bytes handshake{};
};

struct Members {
    struct Member {
        Id id;
        KeyBytes key{};

        friend bool operator==(const Member&, const Member&) = default;
    };
    /// Besides the receiver: what fits into one datagram with room to spare.
    static constexpr std::size_t kMembersMax = 15;

    Id room{};
    /// 0, and no members: the receiver is not in the room.
    std::uint32_t version = 0;
    BoundedVector<Member, kMembersMax> members{};

    friend bool operator==(const Members&, const Members&) = default;
};

struct Error {
    ErrorCode code = ErrorCode::kLimit;
    std::uint16_t request = 0;
    IntroductionNonce nonce{};
    /// Of the `Join` that it answers, else empty.
    Id room{};

    friend bool operator==(const Error&, const Error&) = default;
};

/// Whether a snapshot of version `a` is newer than one of version `b`; versions wrap (RFC 1982).
[[nodiscard]] constexpr bool is_newer_version(std::uint32_t a, std::uint32_t b) {
    return a != b && a - b < 1U << 31U;
}

std::size_t encode(const Register& frame, MutableBytes out);
std::size_t encode(const Connect& frame, MutableBytes out);
std::size_t encode(const Accept& frame, MutableBytes out);
std::size_t encode(const Refuse& frame, MutableBytes out);
std::size_t encode(const Trickle& frame, MutableBytes out);
std::size_t encode(const Relay& frame, MutableBytes out);
std::size_t encode(const Join& frame, MutableBytes out);
std::size_t encode(const Leave& frame, MutableBytes out);
std::size_t encode(const Release& frame, MutableBytes out);
std::size_t encode(const Registered& frame, MutableBytes out);
std::size_t encode(const Introduction& frame, MutableBytes out);
std::size_t encode(const Members& frame, MutableBytes out);
std::size_t encode(const Error& frame, MutableBytes out);

/// What a client may send to the server.
using ClientFrame = std::variant<Keepalive, Challenge, Response, Rekey, Close, Register, Connect,
                                 Accept, Refuse, Trickle, Relay, Join, Leave, Release>;
/// What the server may send to a client.
using ServerFrame = std::variant<Keepalive, Challenge, Response, Rekey, Close, Registered,
                                 Introduction, Trickle, Relay, Members, Error>;

/// `frame` is a whole plaintext, tag first. Borrows from it.
/// Drops: kRunt, kUnknownFrame, kBadLength, kBadField.
[[nodiscard]] Parsed<ClientFrame> parse_client_frame(Bytes frame);
[[nodiscard]] Parsed<ServerFrame> parse_server_frame(Bytes frame);

}  // namespace pinhole::wire
