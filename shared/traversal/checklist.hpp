// The checklist (RFC 8445 6.1.2): candidate pairs, each a local socket and a remote endpoint.
//
// Owns the remote candidates and the pairs made of them. A socket has one base, so a pair needs the
// socket only, of the candidate's family. Refuses addresses that can never be a peer's (loopback,
// link-local, multicast ...) and our own endpoints. Private ones are taken as they come: the server
// passes them on only where they can work. Observed sources join as peer-reflexive pairs.
//
//     kWaiting -> kInProgress -> kVerified -> kFailed
//                     |  ^----------------------|
//                     +--> kFailed
#pragma once

#include <vector>

#include "shared/traversal/consent.hpp"
#include "shared/traversal/opening.hpp"
#include "shared/traversal/selection.hpp"
#include "shared/wire/candidate.hpp"

namespace pinhole::traversal {

/// RFC 8445 6.1.2.5 asks for a bound; 32 holds every useful combination of eight a side.
inline constexpr std::size_t kPairsMax = 32;
/// Remote candidates that are remembered: a list, and a list of trickled ones.
inline constexpr std::size_t kRemotesMax = 2 * wire::kCandidatesMax;

/// The sockets that checks may use; a missing one means that we lack that family.
struct LocalSockets {
    std::optional<SocketId> v4{};
    std::optional<SocketId> v6{};

    friend bool operator==(const LocalSockets&, const LocalSockets&) = default;
};

enum class PairState : std::uint8_t {
    kWaiting,     ///< nothing was sent yet
    kInProgress,  ///< checks go out
    kVerified,    ///< a challenge was answered
    kFailed,      ///< the checks ended without an answer, or the path died
};

struct Pair {
    Path path;
    wire::CandidateType type = wire::CandidateType::kHost;
    PairState state = PairState::kWaiting;
    CheckSchedule checks{};
    Consent consent{};
    Quality quality{};
    /// Message 1 went out on this path: a message 2 that comes back on it is a round trip.
    bool carried_message1 = false;
    /// Message 2 came back on it: data may try it, beside the relay.
    bool carried_message2 = false;
    /// One of the best paths that are not selected: kept verified.
    bool is_spare = false;
    /// The peer was heard on it, so there is something to answer.
    bool was_heard = false;

    /// The permitted edges are those of the diagram above.
    void transition(PairState next);
};

/// Larger is more promising: LAN, IPv6, mapped, observed, server-reflexive, predicted.
[[nodiscard]] unsigned priority(const Pair& pair);

class Checklist {
  public:
    Checklist() { pairs_.reserve(kPairsMax); }

    /// The local side. Pairs of sockets that are gone go with them; remembered remote candidates
    /// are paired with sockets that are new. True when a pair was added.
    bool set_local(const LocalSockets& sockets, const wire::CandidateList& own);
    /// A spare socket: no candidate is paired with it, but what is observed on it is kept.
    void add_spare(SocketId socket) { spares_.push_back(socket); }
    /// It is closed; its pairs go with it.
    void remove_spare(SocketId socket);
    /// Remembers and pairs a remote candidate. True when that made a new pair.
    bool add_remote(const wire::Candidate& candidate);
    /// A new introduction: remote candidates and all pairs without a verified path are forgotten.
    void forget_remotes();
    /// The pair of a path on which the peer was heard, made when it is new. Nothing when the path
    /// is no usable one or there is no room.
    [[nodiscard]] Pair* adopt(const Path& path);

    [[nodiscard]] Pair* find(const Path& path);
    [[nodiscard]] const Pair* find(const Path& path) const;
    [[nodiscard]] std::span<Pair> pairs() { return pairs_; }
    [[nodiscard]] std::span<const Pair> pairs() const { return pairs_; }
    [[nodiscard]] const wire::CandidateList& own() const { return own_; }
    [[nodiscard]] const LocalSockets& sockets() const { return sockets_; }

  private:
    [[nodiscard]] bool is_usable(const Endpoint& remote) const;
    bool pair_up(const wire::Candidate& candidate);
    [[nodiscard]] Pair* make_room();

    [[nodiscard]] bool is_ours(SocketId socket, Family family) const;

    LocalSockets sockets_;
    std::vector<SocketId> spares_;
    wire::CandidateList own_;
    BoundedVector<wire::Candidate, kRemotesMax> remotes_;
    std::vector<Pair> pairs_;
};

}  // namespace pinhole::traversal
