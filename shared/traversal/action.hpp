// What an agent wants done, and what it wants the user to know. Plain values.
//
// The agent never sees keys or payload: whoever takes an action seals it, gives an opener its MAC
// and a handshake its bytes, and sends it on the route that the action names.
#pragma once

#include <string_view>
#include <variant>

#include "shared/base/time.hpp"
#include "shared/traversal/route.hpp"
#include "shared/traversal/spare.hpp"
#include "shared/wire/peer_frame.hpp"

namespace pinhole::traversal {

/// An opener (kind 9) to `path`; with a `ttl`, one that must die between the two NATs.
struct SendOpener {
    Path path;
    std::optional<std::uint8_t> ttl{};
};

/// A copy of the current attempt's handshake message 1 to `path`.
struct SendHandshake {
    Path path;
};

/// A sealed challenge frame.
struct SendChallenge {
    Route route;
    wire::Challenge challenge;
};

/// A sealed response frame: the 1:1 answer to a challenge, never longer than it.
struct SendResponse {
    Route route;
    wire::Response response;
};

/// A sealed keepalive frame that asks for no acknowledgement.
struct SendKeepalive {
    Route route;
};

/// A sealed candidates frame with our own candidates, over the relay where there is one: both sides
/// check again now.
struct TrickleCandidates {};

/// What the user is told about the way to the peer.
enum class PathState : std::uint8_t {
    kDirect,       ///< both sides send directly
    kRelay,        ///< both sides send through the relay
    kRelayOneWay,  ///< only one side has selected a direct path
    kLost,         ///< nothing was answered on any route for 10 s
};

/// Why the state is what it is: the first that applies.
enum class Reason : std::uint8_t {
    kSelected,        ///< direct: both sides selected a direct path
    kUdpBlocked,      ///< relay: UDP does not get out of our network, the server is met over TCP
    kPeerUdpBlocked,  ///< relay: the same of the peer's network, as the peer says
    kLostDirect,      ///< relay: there was a direct path and it stopped answering
    kNoCandidates,    ///< relay: no usable pair of a local socket and a remote candidate
    kChecking,        ///< relay: the checks have not ended yet
    kNoAnswer,        ///< relay: no check was answered on any pair
    kSmallOnly,       ///< relay: small checks are answered, data-sized ones are not
    kNoHairpin,       ///< relay: both sides share an outside address that leads nowhere inside
    kGuessing,        ///< relay: ports are being guessed
    kGuessFailed,     ///< relay: ports were guessed, and none was right
    kBothHard,        ///< relay: both NATs take an unpredictable port for every destination
    kSpraysOff,       ///< relay: ports would have to be guessed, and a side does not want that
    kTheyAreNotYet,   ///< one way: we selected a direct path, the peer did not
    kWeAreNotYet,     ///< one way: the peer selected a direct path, we did not
    kSilence,         ///< lost: neither direct paths nor the relay answered
};

/// One token in snake_case, for machines.
[[nodiscard]] std::string_view name_of(PathState state);
[[nodiscard]] std::string_view name_of(Reason reason);
/// One English sentence without its full stop, for people.
[[nodiscard]] std::string_view sentence_of(Reason reason);

/// The state, the reason or the route of the data changed.
struct PathChanged {
    /// Where our data goes. The last route when `state` is `kLost`.
    Route route = Route::relay();
    PathState state = PathState::kRelay;
    Reason reason = Reason::kChecking;
    /// Smoothed round-trip time of `route`; nothing before its first answer.
    std::optional<Duration> rtt{};
    /// Guesses begun so far: sprays, or the few checks between new sockets where a port can be
    /// told. Counts from 0 again where new hope brings new ones.
    unsigned guesses = 0;

    friend bool operator==(const PathChanged&, const PathChanged&) = default;
};

/// Direct paths and the relay are unanswered for 10 s: please ask for a new introduction. Comes
/// again every 5 s and a jitter until something answers.
struct Lost {};

/// Our NAT behavior, as a frame over the relay.
struct TellNatBehavior {
    wire::NatBehaviorFrame frame;
};

/// Further candidates of ours, as a frame over the relay: predicted ones.
struct TellCandidates {
    wire::CandidateList candidates;
};

/// Please measure our NAT's ports again: what we know is older than the flows since then.
struct MeasurePorts {};
/// The peer may fire, at what the frame says of our NAT.
struct SendSprayOk {
    wire::SprayOk frame;
};
using Action = std::variant<SendOpener, SendHandshake, SendChallenge, SendResponse, SendKeepalive,
                            TrickleCandidates, PathChanged, Lost, TellNatBehavior, TellCandidates,
                            MeasurePorts, OpenSpare, CloseSpare, SendSprayOk>;

}  // namespace pinhole::traversal
