#include "shared/reliable/enet_host.hpp"

#include <gtest/gtest.h>

#include "shared/reliable/enet_platform.hpp"
#include "tests/unit/reliable/wire.hpp"

namespace pinhole::reliable {
namespace {

using test::numbered_message;
using test::SeededRandom;
using test::Wire;

constexpr VirtualAddress kPeer{77};
constexpr Instant kStart{Duration{5'000'000}};

std::vector<ByteVector> drain_transmits(EnetHost& host) {
    std::vector<ByteVector> out;
    while (const auto transmit = host.poll_transmit()) out.push_back(to_vector(transmit->bytes));
    return out;
}

// The ENet command at the front of a datagram that carries a time.
int first_command(const ByteVector& datagram) {
    return std::to_integer<int>(datagram.at(4)) & 0x0f;
}

constexpr int kConnectCommand = 2;
constexpr int kVerifyConnectCommand = 3;

TEST(EnetHost, RunsOnOneOfOurSlots) {
    SeededRandom random{1};
    const EnetHost host{EnetOptions{}, random};
    EXPECT_TRUE(is_ours(host.socket_number()));
    EXPECT_GE(host.socket_number(), kFirstSlotNumber);
}

TEST(EnetHost, GivesItsSlotBack) {
    SeededRandom random{1};
    int number = 0;
    {
        const EnetHost host{EnetOptions{}, random};
        number = host.socket_number();
    }
    EXPECT_FALSE(is_ours(number));
}

TEST(EnetHost, AnswersAConnectAtOnceSoThatBothRideInAHandshake) {
    SeededRandom random{1};
    EnetHost a{EnetOptions{}, random};
    EnetHost b{EnetOptions{}, random};
    ASSERT_TRUE(a.connect(kStart, kPeer, 50ms));
    const auto connect = drain_transmits(a);
    ASSERT_EQ(connect.size(), 1U);
    EXPECT_EQ(first_command(connect[0]), kConnectCommand);
    EXPECT_LE(connect[0].size(), 64U);

    b.handle_datagram(kStart, kPeer, connect[0]);
    EXPECT_FALSE(b.poll_event());
    const auto verify = drain_transmits(b);
    ASSERT_EQ(verify.size(), 1U);
    EXPECT_EQ(first_command(verify[0]), kVerifyConnectCommand);
    EXPECT_LE(verify[0].size(), 64U);

    a.handle_datagram(kStart, kPeer, verify[0]);
    const auto event = a.poll_event();
    ASSERT_TRUE(event);
    ASSERT_TRUE(std::holds_alternative<EnetConnected>(*event));
    EXPECT_EQ(std::get<EnetConnected>(*event).peer, kPeer);
    EXPECT_TRUE(a.is_connected(kPeer));
}

TEST(EnetHost, TellsBothEndsOnceWhoBegan) {
    Wire wire{1};
    ASSERT_TRUE(wire.establish());
    wire.run_for(10s);
    ASSERT_EQ(wire.a().connected.size(), 1U);
    ASSERT_EQ(wire.b().connected.size(), 1U);
    EXPECT_TRUE(wire.a().connected[0].outgoing);
    EXPECT_FALSE(wire.b().connected[0].outgoing);
}

TEST(EnetHost, DeliversDataThatSharesADatagramWithTheLastStepOfTheConnection) {
    Wire wire{1};
    ASSERT_TRUE(wire.connect());
    wire.run_until([&] { return wire.a().host.is_connected(wire.a().other); }, 1s);
    const Instant connected_at = wire.now();
    ASSERT_TRUE(
        wire.a().host.send(wire.now(), wire.a().other, 0, as_bytes("first"), Delivery::kReliable));
    wire.drain();
    ASSERT_TRUE(wire.run_until([&] { return !wire.b().received.empty(); }, 1s));
    EXPECT_EQ(wire.now() - connected_at, Duration{25ms});
}

TEST(EnetHost, SharesDatagramsAmongMessagesOfOneDrain) {
    Wire wire{1};
    ASSERT_TRUE(wire.establish());
    const std::size_t before = wire.datagrams_sent();
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(
            wire.a().host.send(wire.now(), wire.a().other, 1, as_bytes("x"), Delivery::kReliable));
    }
    wire.drain();
    EXPECT_EQ(wire.datagrams_sent() - before, 1U);
}

TEST(EnetHost, IsSilentAndWantsNoWakeUpWhileIdle) {
    Wire wire{1};
    ASSERT_TRUE(wire.establish());
    wire.run_for(2s);
    EXPECT_EQ(wire.a().host.next_timeout(), kNever);
    EXPECT_EQ(wire.b().host.next_timeout(), kNever);
    const std::size_t before = wire.datagrams_sent();
    // Longer than ENet's own ping interval, and longer than a day, where its time comparisons turn.
    for (int hour = 0; hour < 30; ++hour) {
        for (int i = 0; i < 3600; ++i) {
            wire.jump(1s);
            wire.a().host.handle_timeout(wire.now());
        }
    }
    wire.drain();
    EXPECT_EQ(wire.datagrams_sent(), before);
    EXPECT_TRUE(wire.a().host.is_connected(wire.a().other));
}

TEST(EnetHost, NeverExceedsItsMtuInEitherDirection) {
    Wire wire{1};
    ASSERT_TRUE(wire.establish());
    const ByteVector message = numbered_message(1, 100'000);
    ASSERT_TRUE(wire.a().host.send(wire.now(), wire.a().other, 0, message, Delivery::kReliable));
    ASSERT_TRUE(wire.b().host.send(wire.now(), wire.b().other, 0, message, Delivery::kReliable));
    wire.drain();
    ASSERT_TRUE(wire.run_until(
        [&] { return !wire.a().received.empty() && !wire.b().received.empty(); }, 60s));
    EXPECT_EQ(wire.largest_datagram(), 1160U);
}

TEST(EnetHost, ClampsTheMtuThatAConnectAsksFor) {
    SeededRandom random{1};
    EnetOptions greedy;
    greedy.mtu = 4096;
    EnetHost a{greedy, random};
    EnetHost b{EnetOptions{}, random};
    ASSERT_TRUE(a.connect(kStart, kPeer, 50ms));
    for (int i = 0; i < 3; ++i) {
        for (const auto& datagram : drain_transmits(a)) b.handle_datagram(kStart, kPeer, datagram);
        for (const auto& datagram : drain_transmits(b)) a.handle_datagram(kStart, kPeer, datagram);
    }
    ASSERT_TRUE(b.is_connected(kPeer));
    const ByteVector message = numbered_message(1, 20'000);
    ASSERT_TRUE(b.send(kStart, kPeer, 0, message, Delivery::kReliable));
    for (const auto& datagram : drain_transmits(b)) EXPECT_LE(datagram.size(), 1160U);
}

TEST(EnetHost, RefusesToSendWhatItCannotCarry) {
    EnetOptions options;
    options.packet_bytes_max = 1000;
    options.waiting_bytes_max = 2500;
    options.channels = 4;
    Wire wire{1, {}, options};
    EnetHost& host = wire.a().host;
    const VirtualAddress other = wire.a().other;
    const auto send = [&](std::uint8_t channel, std::size_t size) {
        return host.send(wire.now(), other, channel, ByteVector(size), Delivery::kReliable);
    };

    EXPECT_EQ(send(0, 1).error(), SendError::kNotConnected);
    ASSERT_TRUE(wire.establish());
    EXPECT_EQ(send(4, 1).error(), SendError::kNoSuchChannel);
    EXPECT_EQ(send(3, 1001).error(), SendError::kTooLarge);
    EXPECT_TRUE(send(3, 1000));
    EXPECT_TRUE(send(0, 1000));
    EXPECT_EQ(host.bytes_unacknowledged(other), 2000U);
    EXPECT_EQ(send(0, 501).error(), SendError::kQueueFull);
    EXPECT_TRUE(send(0, 500));
    wire.drain();
    wire.run_for(1s);
    EXPECT_EQ(host.bytes_unacknowledged(other), 0U);
    EXPECT_TRUE(send(0, 1000));
}

TEST(EnetHost, BoundsTheNumberOfUnacknowledgedMessages) {
    Wire wire{1};
    ASSERT_TRUE(wire.establish());
    std::size_t accepted = 0;
    while (accepted < 100'000 &&
           wire.a().host.send(wire.now(), wire.a().other, 0, as_bytes("x"), Delivery::kReliable)) {
        ++accepted;
    }
    EXPECT_EQ(accepted, 8192U);
    wire.drain();
    ASSERT_TRUE(wire.run_until([&] { return wire.b().received.size() == accepted; }, 60s));
}

TEST(EnetHost, DeliversEmptyMessages) {
    Wire wire{1};
    ASSERT_TRUE(wire.establish());
    ASSERT_TRUE(wire.a().host.send(wire.now(), wire.a().other, 5, Bytes{}, Delivery::kReliable));
    wire.drain();
    ASSERT_TRUE(wire.run_until([&] { return !wire.b().received.empty(); }, 1s));
    EXPECT_EQ(wire.b().received[0].channel, 5);
    EXPECT_TRUE(wire.b().received[0].bytes.empty());
}

TEST(EnetHost, DisconnectsAfterQueuedDataArrived) {
    Wire wire{3, {.loss_percent = 20}};
    ASSERT_TRUE(wire.establish());
    const ByteVector message = numbered_message(9, 300'000);
    ASSERT_TRUE(wire.a().host.send(wire.now(), wire.a().other, 0, message, Delivery::kReliable));
    wire.a().host.disconnect(wire.now(), wire.a().other);
    EXPECT_EQ(
        wire.a().host.send(wire.now(), wire.a().other, 0, message, Delivery::kReliable).error(),
        SendError::kNotConnected);
    wire.drain();
    ASSERT_TRUE(
        wire.run_until([&] { return !wire.a().closed.empty() && !wire.b().closed.empty(); }, 120s));
    ASSERT_EQ(wire.b().received.size(), 1U);
    EXPECT_EQ(wire.b().received[0].bytes, message);
    EXPECT_FALSE(wire.a().host.has_peer(wire.a().other));
    EXPECT_FALSE(wire.b().host.has_peer(wire.b().other));
}

TEST(EnetHost, DisconnectsAfterUnreliableDataLeft) {
    Wire wire{1};
    ASSERT_TRUE(wire.establish());
    ASSERT_TRUE(
        wire.a().host.send(wire.now(), wire.a().other, 0, as_bytes("bye"), Delivery::kUnreliable));
    wire.a().host.disconnect(wire.now(), wire.a().other);
    wire.drain();
    ASSERT_TRUE(
        wire.run_until([&] { return !wire.a().closed.empty() && !wire.b().closed.empty(); }, 5s));
    EXPECT_EQ(wire.b().received.size(), 1U);
}

TEST(EnetHost, ClosesThoughNobodyAcknowledgesTheFarewell) {
    Wire wire{1};
    ASSERT_TRUE(wire.establish());
    wire.set_blackout(true);
    wire.a().host.disconnect(wire.now(), wire.a().other);
    wire.drain();
    const Instant begin = wire.now();
    ASSERT_TRUE(wire.run_until([&] { return !wire.a().closed.empty(); }, 60s));
    EXPECT_LT(wire.now() - begin, Duration{10s});
    EXPECT_EQ(wire.a().host.peer_count(), 0U);
    EXPECT_EQ(wire.a().host.next_timeout(), kNever);
}

TEST(EnetHost, DisconnectEndsAnAttemptThatNobodyAnswers) {
    Wire wire{1};
    wire.set_blackout(true);
    ASSERT_TRUE(wire.connect());
    wire.a().host.disconnect(wire.now(), wire.a().other);
    wire.drain();
    ASSERT_EQ(wire.a().closed.size(), 1U);
    EXPECT_TRUE(wire.a().connected.empty());
    EXPECT_FALSE(wire.a().host.has_peer(wire.a().other));
}

TEST(EnetHost, ResetsInSilenceAndWithoutAnEvent) {
    Wire wire{1};
    ASSERT_TRUE(wire.establish());
    EnetHost& host = wire.a().host;
    const VirtualAddress other = wire.a().other;
    const std::size_t before = wire.datagrams_sent();
    ASSERT_TRUE(host.send(wire.now(), other, 0, numbered_message(1, 5000), Delivery::kReliable));
    // Part of it is in the outbox already.
    host.handle_timeout(wire.now());
    host.disconnect(wire.now(), other);
    host.reset(other);
    wire.drain();
    EXPECT_FALSE(host.has_peer(other));
    EXPECT_EQ(host.bytes_unacknowledged(other), 0U);
    EXPECT_EQ(host.next_timeout(), kNever);
    EXPECT_EQ(wire.datagrams_sent(), before);
    wire.run_for(20s);
    EXPECT_EQ(wire.datagrams_sent(), before);
    EXPECT_TRUE(wire.a().closed.empty());
    EXPECT_TRUE(wire.b().closed.empty());
}

TEST(EnetHost, ResetDropsTheEventsThatWait) {
    SeededRandom random{1};
    EnetHost a{EnetOptions{}, random};
    EnetHost b{EnetOptions{}, random};
    ASSERT_TRUE(a.connect(kStart, kPeer, 50ms));
    for (const auto& datagram : drain_transmits(a)) b.handle_datagram(kStart, kPeer, datagram);
    for (const auto& datagram : drain_transmits(b)) a.handle_datagram(kStart, kPeer, datagram);
    a.reset(kPeer);
    EXPECT_FALSE(a.poll_event());
}

TEST(EnetHost, ServesManyPeersAndReusesTheirSlots) {
    EnetOptions options;
    options.peers = 4;
    SeededRandom random{1};
    EnetHost host{options, random};
    for (std::uint32_t round = 0; round < 3; ++round) {
        for (std::uint32_t i = 1; i <= 4; ++i) {
            ASSERT_TRUE(host.connect(kStart, VirtualAddress{round * 10 + i}, 50ms));
        }
        EXPECT_FALSE(host.connect(kStart, VirtualAddress{round * 10 + 5}, 50ms));
        for (std::uint32_t i = 1; i <= 4; ++i) host.reset(VirtualAddress{round * 10 + i});
        EXPECT_EQ(host.peer_count(), 0U);
    }
}

TEST(EnetHost, IgnoresAConnectFromAnAddressThatHasAPeer) {
    Wire wire{1};
    ASSERT_TRUE(wire.connect());
    EXPECT_FALSE(wire.a().host.connect(wire.now(), wire.a().other, 50ms));
    // Both ends connect: the wrong side's attempt gets no answer, and each end has one peer.
    ASSERT_TRUE(wire.b().host.connect(wire.now(), wire.b().other, 50ms));
    wire.drain();
    wire.run_for(5s);
    EXPECT_EQ(wire.a().host.peer_count(), 1U);
    EXPECT_EQ(wire.b().host.peer_count(), 1U);
    EXPECT_TRUE(wire.a().connected.empty());
    EXPECT_TRUE(wire.b().connected.empty());
    EXPECT_GT(wire.a().host.drops()[Drop::kUnexpected], 0U);
    // The caller's glare rule: one side drops its own.
    wire.b().host.reset(wire.b().other);
    ASSERT_TRUE(wire.run_until(
        [&] { return !wire.a().connected.empty() && !wire.b().connected.empty(); }, 60s));
    EXPECT_EQ(wire.a().host.peer_count(), 1U);
    EXPECT_EQ(wire.b().host.peer_count(), 1U);
}

TEST(EnetHost, BoundsConnectionsThatNeverComplete) {
    EnetOptions options;
    options.peers = 200;
    SeededRandom random{1};
    EnetHost host{options, random};
    EnetHost stranger{options, random};
    for (std::uint32_t i = 1; i <= 150; ++i) {
        ASSERT_TRUE(stranger.connect(kStart, VirtualAddress{i}, 50ms));
        const auto connect = drain_transmits(stranger);
        ASSERT_EQ(connect.size(), 1U);
        host.handle_datagram(kStart, VirtualAddress{i}, connect[0]);
    }
    EXPECT_EQ(host.peer_count(), 64U);
    EXPECT_EQ(host.drops()[Drop::kLimit], 150U - 64U);
}

TEST(EnetHost, ShortensTheTimerOfAnUnansweredReplyOnceTheRoundTripIsKnown) {
    SeededRandom random{1};
    EnetHost a{EnetOptions{}, random};
    EnetHost b{EnetOptions{}, random};
    ASSERT_TRUE(a.connect(kStart, kPeer, 50ms));
    for (const auto& datagram : drain_transmits(a)) b.handle_datagram(kStart, kPeer, datagram);
    ASSERT_EQ(drain_transmits(b).size(), 1U);
    EXPECT_EQ(b.next_timeout() - kStart, Duration{500ms});
    b.set_round_trip_time(kPeer, 40ms);
    EXPECT_EQ(b.round_trip_time(kPeer), Duration{40ms});
    EXPECT_LE(b.next_timeout() - kStart, Duration{70ms});
    EXPECT_GE(b.next_timeout() - kStart, Duration{40ms});
}

}  // namespace
}  // namespace pinhole::reliable
