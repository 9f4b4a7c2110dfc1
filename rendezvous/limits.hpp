// Every bound and budget of the server in one place, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shared/base/time.hpp"

namespace pinhole::rendezvous {

// -- datagrams and the loop

/// Nothing that a server is told is longer than an Ethernet frame; a longer datagram is dropped
/// unread.
inline constexpr std::size_t kDatagramMax = 1500;
/// Outgoing datagrams that wait for the driver: one loop turn makes far fewer.
inline constexpr std::size_t kOutboxMax = 16'384;
/// Diffie-Hellmans of one loop turn (about 0.2 ms each): transport messages never wait longer.
inline constexpr std::size_t kInitiationsPerTurn = 8;
/// Initiations that wait for their turn: 32 turns of work; a newer one is refused, and repeated.
inline constexpr std::size_t kInitiationsQueued = 256;

// -- TCP streams (their number is the driver's business: `shared/net/stream_set.hpp`)

/// From the connection to a proven session on it; a handshake takes three round trips.
inline constexpr Duration kStreamProofTime = 5s;

// -- sessions

/// Handshakes that were answered and not yet proven, in all and for one subscriber.
inline constexpr std::size_t kHalfOpenMax = 65'536;
inline constexpr std::size_t kHalfOpenPerPrefix = 64;
/// Proven sessions: a million peers is what one machine is to carry.
inline constexpr std::size_t kClientsMax = 1U << 20U;
/// A registered client says something every 20 s; after four lost keepalives it is gone.
inline constexpr Duration kClientSilence = 90s;
/// A session that never registers is of no use to anybody.
inline constexpr Duration kUnregisteredLifetime = 10s;
/// `connect` may overtake the `register` that was sent with it; so long it is kept, or dropped in
/// silence because the client repeats it, and is an error afterwards.
inline constexpr Duration kRegisterGrace = 2s;
/// Such a `connect` is kept for the registration: of one session as many as a person types ids at
/// a start, and in all (1.5 kB each) as many as arrive while new ids wait for the disk.
inline constexpr std::size_t kEarlyConnectsPerSession = 8;
inline constexpr std::size_t kEarlyConnectsMax = 1024;

// -- budgets for one subscriber prefix (/32 of IPv4, /64 of IPv6)

/// Handshakes: 20/s leaves room for a carrier's NAT with thousands of peers after an outage.
inline constexpr Duration kHandshakeInterval = 50ms;
inline constexpr int kHandshakeBurst = 40;
/// New ids and failures (a wrong key, a taken id): 30 a minute.
inline constexpr Duration kSuspicionInterval = 2s;
inline constexpr int kSuspicionBurst = 30;
/// `gone` answers: a client starts at most one handshake in 5 s because of them.
inline constexpr Duration kGoneInterval = 100ms;
inline constexpr int kGoneBurst = 64;
/// STUN answers (`--stun`): a client asks a few times at its start.
inline constexpr Duration kStunInterval = 100ms;
inline constexpr int kStunBurst = 50;
/// Slots of a budget table: four times the number of prefixes that a busy minute sees.
inline constexpr std::size_t kBudgetSlots = 1U << 14U;

// -- ids

/// Owned ids: the same order of magnitude as clients, so that the table's memory is bounded.
inline constexpr std::size_t kBindingsMax = 1U << 21U;
/// An owner that did not prove itself for so long has lost its id.
inline constexpr std::chrono::hours kOwnershipLifetime{30 * 24};
/// The date of the last proof is written once a day.
inline constexpr std::chrono::hours kTouchInterval{24};
/// Two processes with one key displace each other: more flips than this in a minute ...
inline constexpr int kFlipsMax = 3;
inline constexpr Duration kFlipWindow = 1min;
/// ... and both are refused for this long.
inline constexpr Duration kFlappingBackoff = 60s;
/// Ids watched for flapping: each had a flip within a minute.
inline constexpr std::size_t kFlappingWatched = 65'536;

// -- introductions

/// One asker: 1/s, burst 32 (a chat room's worth of peers at start-up).
inline constexpr Duration kIntroductionInterval = 1s;
inline constexpr int kIntroductionBurst = 32;
/// Introductions under way: they live for seconds, and each is about 2 kB.
inline constexpr std::size_t kIntroductionsMax = 16'384;
/// A `connect` with the same nonce means the same introduction for so long after its last frame.
inline constexpr Duration kIntroductionLifetime = 10s;
/// An introduction that keeps trickling ends here all the same.
inline constexpr Duration kIntroductionLifetimeMax = 60s;
/// The one asked for gets the introduction again at this interval until it answers ...
inline constexpr Duration kIntroductionRepeat = 100ms;
/// ... so many times; then it counts as unreachable.
inline constexpr int kIntroductionRepeats = 3;
/// From a `connect` to `error(unknown peer)`, for an id that nobody is online under and for one
/// that does not take the call alike: a stranger can measure nothing. Longer than the round trip of
/// nearly everybody who is asked, and short enough for a person who waits.
inline constexpr Duration kAbsenceDelay = 500ms;
/// The head start that compensates for different distances to the server never exceeds this.
inline constexpr Duration kFireInMax = 500ms;
/// Candidates that one side may claim in one introduction: two full lists.
inline constexpr std::size_t kClaimsMax = 16;
/// Proven addresses that are remembered for one side of one introduction.
inline constexpr std::size_t kProvenMax = 8;

// -- rooms

/// In one room, so that one datagram names all others, and a mesh of them is 120 connections.
inline constexpr std::size_t kRoomMembersMax = 16;
/// Of one client: a person is in few conversations, and a guess at names needs many.
inline constexpr std::size_t kRoomsPerClient = 4;
/// In all (half a kB each in the worst case, a room of its own): 4096 full rooms.
inline constexpr std::size_t kRoomMembershipsMax = 65'536;
/// Of one subscriber prefix (/32 of IPv4, /64 of IPv6): a campus behind one address has as many
/// people in rooms. Whoever owns 64 prefixes, as a /58 of IPv6 is, can still fill the table.
inline constexpr std::size_t kRoomMembershipsPerPrefix = 1024;
/// New memberships of one key: each can make 30 frames of 1 kB, half of them when it ends. The
/// burst is four starts of a process that is in four rooms.
inline constexpr Duration kJoinInterval = 5s;
inline constexpr int kJoinBurst = 16;
/// Between two pushes to a room: however many keys come and go, a member hears 5 kB/s at most.
inline constexpr Duration kRoomPushInterval = 200ms;

// -- relay

/// Free for each introduction: enough for handshakes and the first messages of a chat.
inline constexpr std::uint64_t kRelayFreeBytes = 16 * 1024;
/// The asker alone may not send more than this before the other side relayed a frame itself.
inline constexpr std::uint64_t kRelayUnansweredBytes = 4 * 1024;
/// Beyond the free bytes a pair counts and is shaped: 1 Mbit/s, burst 256 KiB.
inline constexpr std::uint64_t kRelayPairBitsPerSecond = 1'000'000;
inline constexpr std::uint64_t kRelayPairBurstBytes = 256 * 1024;
/// Longer queues only make a slow path slower.
inline constexpr Duration kRelayQueueMax = 100ms;
/// Pairs that count at the same time.
inline constexpr std::size_t kRelayCountingPairs = 64;
/// A counting pair that is silent for so long leaves its place to another one.
inline constexpr Duration kRelayCountingIdle = 10s;
/// All relaying together: 50 Mbit/s, with a tenth of a second of burst.
inline constexpr std::uint64_t kRelayTotalBitsPerSecond = 50'000'000;
inline constexpr Duration kRelayTotalBurst = 100ms;
/// Pairs with permission, in all and for one client.
inline constexpr std::size_t kRelayPairsMax = 65'536;
inline constexpr std::size_t kRelayPairsPerClient = 256;
/// A permission that nobody used for so long ends; `resume` renews it.
inline constexpr Duration kRelayPermission = 1h;

// -- coming back

/// `rejoin_window` = peers / this, in seconds: 2000 handshakes a second after an outage.
inline constexpr std::size_t kRejoinsPerSecond = 2000;
inline constexpr std::size_t kRejoinWindowMin = 2;
inline constexpr std::size_t kRejoinWindowMax = 600;
/// The pace at which a server that stops says goodbye.
inline constexpr std::size_t kGoodbyesPerSecond = 20'000;
inline constexpr Duration kGoodbyeTick = 10ms;

}  // namespace pinhole::rendezvous
