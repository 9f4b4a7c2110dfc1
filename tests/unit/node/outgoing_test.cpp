#include "shared/node/outgoing.hpp"

#include <gtest/gtest.h>

#include "shared/reliable/enet_host.hpp"
#include "shared/wire/peer_frame.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::node {
namespace {

constexpr Instant kNow{1h};
constexpr RelayHandle kHandle{0x01020304};

/// Both ends of one session, as a handshake leaves them.
template <class Session>
struct Ends {
    explicit Ends(std::uint64_t seed) : random(seed) {
        const session::Prologue prologue = session::server_prologue();
        auto attempt = session::Attempt::start(
            kNow, side(initiator_keys),
            {.remote = responder_keys.public_key, .prologue = prologue, .sender = SessionIndex{11}},
            random);
        const session::HandshakeBuffer message_1 = attempt->initiation(Cookie{});
        auto responder = session::Responder::read(
            side(responder_keys), prologue, *wire::parse_initiation(message_1.bytes()), random);
        auto answer = responder->answer(side(responder_keys), SessionIndex{22}, {});
        auto finished = attempt->handle_response(*wire::parse_response(answer->message_2.bytes()));
        near.emplace(kNow, near_context, responder_keys.public_key, finished->keys);
        far.emplace(kNow, far_context, initiator_keys.public_key, answer->keys);
    }

    [[nodiscard]] session::LocalSide side(const crypto::KeyPair& keys) const {
        return {.keys = keys, .psk = psk, .features = 0, .incarnation = Incarnation{1}};
    }

    test::SeededRandom random;
    crypto::Psk psk;
    crypto::KeyPair initiator_keys = crypto::KeyPair::generate(random);
    crypto::KeyPair responder_keys = crypto::KeyPair::generate(random);
    session::SessionContext near_context{.keys = initiator_keys, .psk = psk, .policy = {}};
    session::SessionContext far_context{.keys = responder_keys, .psk = psk, .policy = {}};
    std::optional<Session> near;
    std::optional<Session> far;
};

using PeerEnds = Ends<session::PeerSession>;
using ServerEnds = Ends<session::ServerSession>;

/// What a session finds in a datagram, as a copy.
template <class Session>
ByteVector opened(Session& session, Bytes datagram) {
    ByteVector copy = to_vector(datagram);
    const auto header = wire::parse_transport_header(copy);
    if (!header) return {};
    const auto out = session.open_in_place(kNow, *header, copy);
    return out ? to_vector(out->frame) : ByteVector{};
}

using Way = Outgoing::Way;

std::size_t write_frame(Outgoing& outgoing, Bytes enet) {
    return wire::encode(wire::EnetFrame{enet}, outgoing.frame_room());
}

TEST(Outgoing, ASealedFrameOpensAtTheOtherSide) {
    PeerEnds peers{1};
    TransmitQueue queue{8};
    Outgoing outgoing{queue, Way::kDirect};
    const std::size_t size = write_frame(outgoing, as_bytes("payload"));
    const Bytes sealed = outgoing.seal(*peers.near, size);
    ASSERT_EQ(sealed.size(), size + wire::kTransportOverhead);
    const ByteVector frame = opened(*peers.far, sealed);
    EXPECT_EQ(as_text(Bytes{frame}.subspan(1)), "payload");
}

TEST(Outgoing, TheRelayedFormCarriesTheSameSealedBytes) {
    PeerEnds peers{1};
    ServerEnds server{2};
    TransmitQueue queue{8};
    Outgoing outgoing{queue, Way::kRelay};
    const std::size_t size = write_frame(outgoing, as_bytes("payload"));
    const ByteVector direct = to_vector(outgoing.seal(*peers.near, size));
    const ByteVector relayed = to_vector(outgoing.wrap(*server.near, kHandle));

    const ByteVector outer = opened(*server.far, relayed);
    const auto frame = wire::parse_client_frame(outer);
    ASSERT_TRUE(frame.has_value());
    const auto* relay = std::get_if<wire::Relay>(&*frame);
    ASSERT_NE(relay, nullptr);
    EXPECT_EQ(relay->handle, kHandle);
    EXPECT_TRUE(same_bytes(relay->message, direct));
    // One of the two copies opens, the other is a replay.
    EXPECT_FALSE(opened(*peers.far, relay->message).empty());
    EXPECT_TRUE(opened(*peers.far, direct).empty());
}

TEST(Outgoing, TheLargestEnetDatagramFitsTheRelay) {
    PeerEnds peers{1};
    ServerEnds server{2};
    TransmitQueue queue{8};
    Outgoing outgoing{queue, Way::kRelay};
    const ByteVector enet(reliable::EnetOptions{}.mtu, std::byte{0x5a});
    const std::size_t size = write_frame(outgoing, enet);
    ASSERT_FALSE(outgoing.seal(*peers.near, size).empty());
    EXPECT_LE(outgoing.wrap(*server.near, kHandle).size(), kUdpPayloadMax);
}

TEST(Outgoing, AWholeMessageIsRelayedAsItIs) {
    ServerEnds server{2};
    TransmitQueue queue{8};
    Outgoing outgoing{queue, Way::kRelay};
    ByteVector message(150, std::byte{0x33});
    Writer writer{message};
    wire::write_kind(writer, wire::Kind::kHandshakeInitiation);
    outgoing.set_message(message);
    const ByteVector relayed = to_vector(outgoing.wrap(*server.near, kHandle));
    const ByteVector outer = opened(*server.far, relayed);
    const auto frame = wire::parse_client_frame(outer);
    ASSERT_TRUE(frame.has_value());
    const auto* relay = std::get_if<wire::Relay>(&*frame);
    ASSERT_NE(relay, nullptr);
    EXPECT_TRUE(same_bytes(relay->message, message));
}

TEST(Outgoing, LeavesFromWhereItWasSealedAndFormsARun) {
    PeerEnds peers{1};
    TransmitQueue queue{8};
    std::vector<const std::byte*> places;
    for (int i = 0; i < 3; ++i) {
        Outgoing outgoing{queue, Way::kDirect};
        const std::size_t size = write_frame(outgoing, as_bytes("payload"));
        places.push_back(outgoing.seal(*peers.near, size).data());
        ASSERT_TRUE(outgoing.leave({kSocketV4, {}}));
    }
    const auto run = queue.pop();
    ASSERT_TRUE(run);
    EXPECT_EQ(count_datagrams(run->bytes.size(), run->segment_size), 3U);
    for_each_datagram(run->bytes, run->segment_size, [&](Bytes datagram) {
        EXPECT_EQ(datagram.data(), places.front());
        places.erase(places.begin());
        EXPECT_EQ(as_text(Bytes{opened(*peers.far, datagram)}.subspan(1)), "payload");
    });
}

TEST(Outgoing, SealsAFrameThatStandsElsewhere) {
    PeerEnds peers{1};
    TransmitQueue queue{8};
    Outgoing outgoing{queue, Way::kDirect};
    ByteVector frame = to_vector(as_bytes("?payload"));
    wire::tag_enet_frame(frame);
    const ByteVector kept = frame;
    const Bytes sealed = outgoing.seal(*peers.near, frame);
    EXPECT_EQ(frame, kept);
    const ByteVector found = opened(*peers.far, sealed);
    EXPECT_EQ(found, frame);
    const auto parsed = wire::parse_peer_frame(found);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(as_text(std::get<wire::EnetFrame>(*parsed).datagram), "payload");
}

TEST(Outgoing, DataOfOneSizeFillsRunsToTheirEnd) {
    PeerEnds peers{1};
    for (const std::size_t payload : {std::size_t{1472}, kUdpPayloadProbed}) {
        TransmitQueue queue{100};
        const ByteVector frame(payload - wire::kTransportOverhead, std::byte{0x5a});
        for (int i = 0; i < 100; ++i) {
            Outgoing outgoing{queue, Way::kDirect, frame.size()};
            ASSERT_FALSE(outgoing.seal(*peers.near, frame).empty());
            ASSERT_TRUE(outgoing.leave({kSocketV4, {}}));
        }
        for (int i = 0; i < 2; ++i) {
            EXPECT_EQ(queue.pop()->bytes.size(), kRunBytesMax / payload * payload);
        }
    }
}

TEST(Outgoing, WhatTheSessionRefusesDoesNotLeave) {
    struct Refusing {
        static bool seal(Bytes, MutableBytes) { return false; }
    } refusing;
    TransmitQueue queue{8};
    Outgoing outgoing{queue, Way::kDirect};
    EXPECT_TRUE(outgoing.seal(refusing, write_frame(outgoing, as_bytes("payload"))).empty());
    EXPECT_FALSE(outgoing.leave({kSocketV4, {}}));
    EXPECT_TRUE(queue.empty());
}

TEST(Outgoing, ADataSizedChallengeFitsWhenItGoesDirect) {
    PeerEnds peers{1};
    TransmitQueue queue{8};
    for (const std::size_t payload : {kUdpPayloadMax, kUdpPayloadProbed}) {
        Outgoing outgoing{queue, Outgoing::Way::kDirect};
        wire::Challenge challenge{.selected = true};
        challenge.padding = static_cast<std::uint16_t>(payload - wire::kTransportOverhead - 10);
        const std::size_t size = wire::encode(challenge, outgoing.frame_room());
        const Bytes sealed = outgoing.seal(*peers.near, size);
        EXPECT_EQ(sealed.size(), payload);
        EXPECT_FALSE(opened(*peers.far, sealed).empty());
    }
}

}  // namespace
}  // namespace pinhole::node
