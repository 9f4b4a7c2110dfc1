// Who shakes hands in these tests, and the whole handshake in one call where it is not the subject.
#pragma once

#include <gtest/gtest.h>

#include "shared/session/handshake.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::session::test {

using pinhole::test::SeededRandom;

inline constexpr Instant kStart{1000s};
inline constexpr auto kAes = static_cast<std::uint32_t>(wire::Feature::kAes256Gcm);

struct Party {
    crypto::KeyPair keys;
    crypto::Psk psk;
    std::uint32_t features = 0;
    Incarnation incarnation;

    explicit Party(Random& random)
        : keys(crypto::KeyPair::generate(random)), incarnation(random.u64()) {}

    [[nodiscard]] LocalSide side() const {
        return {.keys = keys, .psk = psk, .features = features, .incarnation = incarnation};
    }
};

inline wire::Id id_of(std::string_view text) {
    return wire::Id::parse(text).value();
}

/// The terms that both sides of an introduction know.
inline PeerTerms introduction_of(std::uint64_t seed) {
    SeededRandom random{seed};
    return {.nonce = random.bytes<16>(), .initiator = id_of("ann"), .responder = id_of("bob")};
}

/// An attempt and everything it was made from; `bob` is the responder.
struct Meeting {
    SeededRandom random;
    Party ann{random};
    Party bob{random};
    PeerTerms introduction = introduction_of(7);
    SessionIndex ann_index{0x0a0a0a0a};
    SessionIndex bob_index{0x0b0b0b0b};
    ByteVector enet_connect{};
    ByteVector enet_verify{};

    explicit Meeting(std::uint64_t seed) : random(seed) {}

    [[nodiscard]] Parsed<Attempt> attempt() {
        return Attempt::start(kStart, ann.side(),
                              {.remote = bob.keys.public_key,
                               .prologue = peer_prologue(introduction),
                               .nonce_tag = crypto::nonce_tag(introduction.nonce),
                               .sender = ann_index,
                               .enet = enet_connect},
                              random);
    }

    /// Bob reads the initiation, as he would from the wire.
    [[nodiscard]] Parsed<Responder> read(Bytes initiation) {
        const auto message = wire::parse_initiation(initiation);
        if (!message) return dropped(message.error());
        if (const auto genuine = verify_mac1(bob.keys.public_key, *message); !genuine) {
            return dropped(genuine.error());
        }
        return Responder::read(bob.side(), peer_prologue(introduction), *message, random);
    }

    [[nodiscard]] Parsed<Responder::Answer> answer(Responder& responder) {
        return responder.answer(bob.side(), bob_index, enet_verify);
    }
};

/// Ann takes the response, as she would from the wire.
inline Parsed<Attempt::Finished> finish(Attempt& attempt, Bytes response) {
    const auto message = wire::parse_response(response);
    if (!message) return dropped(message.error());
    return attempt.handle_response(*message);
}

/// Both ends of a whole handshake.
struct Handshaken {
    Attempt::Finished ann;
    EpochKeys bob;
    RemoteSide bob_heard;
};

inline Handshaken shake_hands(Meeting& meeting) {
    auto attempt = meeting.attempt().value();
    auto responder = meeting.read(attempt.initiation({}).bytes()).value();
    auto answer = meeting.answer(responder).value();
    auto finished = finish(attempt, answer.message_2.bytes()).value();
    return {
        .ann = std::move(finished), .bob = std::move(answer.keys), .bob_heard = responder.remote()};
}

/// Writes a correct mac1 over what the message says now: what any outsider can do, because the key
/// of mac1 is public.
inline void forge_mac1(const crypto::PublicKey& receiver, MutableBytes message, bool has_cookie) {
    const std::size_t covered = message.size() - (has_cookie ? 32 : 16);
    const auto mac = crypto::mac16(crypto::mac1_key(receiver), message.first(covered));
    std::ranges::copy(mac, message.subspan(covered).begin());
}

}  // namespace pinhole::session::test
