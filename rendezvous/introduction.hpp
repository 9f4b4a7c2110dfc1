// One introduction: two clients, a nonce, and how far it has come.
//
//     (open)    kOffered --accept--> kSettled
//     (ask)     kAsking --accept--> kOffered --accept--> kSettled
//               kAsking --refuse--> kAbsent
//     (nobody)  kAbsent
//     kAsking, kAbsent --kAbsenceDelay--> kFailed (unknown peer)
//     kOffered --refuse, no answer--> kFailed
//
// In kAsking the answerer knows who asks, and nobody knows more. From kOffered on both sides have
// each other's key, handle and proven candidates. Until one of both stages ends the asker hears
// nothing, and nothing that the answerer does changes when or how often it will hear something.
#pragma once

#include "rendezvous/candidate_proof.hpp"
#include "rendezvous/client.hpp"
#include "shared/session/handshake.hpp"

namespace pinhole::rendezvous {

/// Trickles in one introduction, of both sides together; eight candidates a side need few.
inline constexpr unsigned kTricklesMax = 64;

struct Introduction {
    enum class Stage : std::uint8_t { kAsking, kAbsent, kOffered, kSettled, kFailed };

    IntroductionNonce nonce{};
    ClientId asker;
    /// `kNobody` when nobody was online under the id.
    ClientId answerer;
    /// The id under which the answerer was asked for.
    wire::Id target;
    bool resume = false;
    /// True when the answerer is asked first.
    bool asked = false;
    bool refused = false;
    Stage stage = Stage::kAbsent;
    /// What the asker was told when it failed; a repeated `connect` gets it again.
    wire::ErrorCode failure = wire::ErrorCode::kUnknownPeer;

    RelayHandle handle;
    Claims asker_claims;
    Claims answerer_claims;
    /// The asker's message 1, if it rides along.
    session::HandshakeBuffer handshake;

    /// Copies of the present question sent, and when the next one, or giving up, is due.
    int copies = 0;
    Instant repeat_at = kNever;
    /// Trickles that either side may still send: each one costs the other side a datagram.
    unsigned trickles_left = kTricklesMax;
    Instant copy_sent;
    /// Questions (kAsking) sent, and answers got: an answer to a question that was repeated is no
    /// answer to the offer that followed.
    int questions = 0;
    int answers = 0;

    Instant created;
    /// When the asker hears `error(unknown peer)`, unless an answer comes before.
    Instant absent_at = kNever;
    Instant expires;
    Instant offered_at;
    /// How long each side holds back after `offered_at`, so that both begin together.
    Duration asker_fires_in{0};
    Duration answerer_fires_in{0};
    Alarm alarm{};

    [[nodiscard]] Instant next_timeout() const { return std::min({repeat_at, absent_at, expires}); }
    /// The asker was told nothing yet.
    [[nodiscard]] bool is_undecided() const {
        return stage == Stage::kAsking || stage == Stage::kAbsent;
    }
    /// The asker was told that there is nobody; that stands, whoever comes online since.
    [[nodiscard]] bool ended_absent() const {
        return stage == Stage::kFailed && failure == wire::ErrorCode::kUnknownPeer;
    }
    /// While the asker was told nothing, only its own frames may count: how long the nonce is known
    /// shows from outside.
    void keep_alive(Instant now) {
        expires = std::min(now + kIntroductionLifetime, created + kIntroductionLifetimeMax);
    }
};

}  // namespace pinhole::rendezvous
