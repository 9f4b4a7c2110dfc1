// What arrives at a time is answered at once, and what leaves in bulk leaves in bursts.
#include <algorithm>

#include <gtest/gtest.h>

#include "shared/reliable/enet_datagram.hpp"
#include "tests/unit/reliable/wire.hpp"

namespace pinhole::reliable {
namespace {

using test::numbered_message;
using test::SeededRandom;
using test::Wire;

constexpr Instant kStart{Duration{5'000'000}};
constexpr VirtualAddress kHub{9};
/// ENet packs so many commands into a datagram.
constexpr std::size_t kCommandsPerDatagram = 32;

std::vector<ByteVector> drain_transmits(EnetHost& host) {
    std::vector<ByteVector> out;
    while (const auto transmit = host.poll_transmit()) out.push_back(to_vector(transmit->bytes));
    return out;
}

std::size_t count_acknowledgements(Bytes datagram) {
    std::size_t count = 0;
    for_each_command(datagram, [&](const EnetCommand& command) {
        if (is_acknowledgement(command.kind)) ++count;
    });
    return count;
}

/// A host with connections to others, joined by hand.
class Batch : public ::testing::Test {
  protected:
    struct Spoke {
        VirtualAddress name;
        std::unique_ptr<EnetHost> host;
    };

    Spoke& add_spoke() {
        const VirtualAddress name{static_cast<std::uint32_t>(100 + spokes_.size())};
        Spoke& spoke = spokes_.emplace_back(name, std::make_unique<EnetHost>(options_, random_));
        EXPECT_TRUE(spoke.host->connect(now_, kHub, 10ms));
        for (int i = 0; i < 3; ++i) {
            carry(spoke);
            for (const auto& bytes : to_spokes()) spoke.host->handle_datagram(now_, kHub, bytes);
        }
        while (hub_.poll_event() || spoke.host->poll_event()) {
        }
        EXPECT_TRUE(hub_.is_connected(name));
        return spoke;
    }

    /// What the spoke says arrives at the hub; how many datagrams that were.
    std::size_t carry(Spoke& spoke) {
        const auto datagrams = drain_transmits(*spoke.host);
        for (const auto& bytes : datagrams) hub_.handle_datagram(now_, spoke.name, bytes);
        return datagrams.size();
    }

    std::vector<ByteVector> to_spokes() { return drain_transmits(hub_); }

    std::size_t count_messages(VirtualAddress from) {
        std::size_t count = 0;
        while (const auto event = hub_.poll_event()) {
            const auto* message = std::get_if<EnetMessage>(&*event);
            if (message != nullptr && message->peer == from) ++count;
        }
        return count;
    }

    EnetOptions options_{};
    SeededRandom random_{1};
    Instant now_ = kStart;
    EnetHost hub_{options_, random_};
    std::vector<Spoke> spokes_;
};

TEST_F(Batch, IsAcknowledgedInAsFewDatagramsAsHoldTheAcknowledgements) {
    Spoke& spoke = add_spoke();
    ASSERT_TRUE(spoke.host->send(now_, kHub, 1, ByteVector(60'000), Delivery::kReliable));
    std::size_t datagrams = carry(spoke);
    // The first window leaves bit by bit, and nothing is repeated before its timer ends.
    for (int i = 0; i < 1000 && datagrams < 40; ++i) {
        now_ = std::max(now_ + 100us, std::min(spoke.host->next_timeout(), now_ + 1ms));
        spoke.host->handle_timeout(now_);
        datagrams += carry(spoke);
    }
    ASSERT_GT(datagrams, kCommandsPerDatagram);
    const auto answers = to_spokes();
    EXPECT_EQ(answers.size(), (datagrams + kCommandsPerDatagram - 1) / kCommandsPerDatagram);
    std::size_t acknowledged = 0;
    for (const auto& bytes : answers) acknowledged += count_acknowledgements(bytes);
    EXPECT_EQ(acknowledged, datagrams);
}

TEST_F(Batch, AnAnswerSharesItsDatagramWithTheAcknowledgement) {
    Spoke& spoke = add_spoke();
    ASSERT_TRUE(spoke.host->send(now_, kHub, 1, as_bytes("ask"), Delivery::kReliable));
    EXPECT_EQ(carry(spoke), 1U);
    EXPECT_EQ(count_messages(spoke.name), 1U);
    ASSERT_TRUE(hub_.send(now_, spoke.name, 1, as_bytes("answer"), Delivery::kReliable));
    const auto answers = to_spokes();
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(count_acknowledgements(answers[0]), 1U);
    EXPECT_NE(as_text(answers[0]).find("answer"), std::string_view::npos);
}

TEST_F(Batch, IsAcknowledgedWhoeverPollsWhat) {
    Spoke& spoke = add_spoke();
    ASSERT_TRUE(spoke.host->send(now_, kHub, 1, as_bytes("ask"), Delivery::kReliable));
    carry(spoke);
    EXPECT_LE(hub_.next_timeout(), now_);
    EXPECT_EQ(to_spokes().size(), 1U);
    EXPECT_EQ(count_messages(spoke.name), 1U);
    EXPECT_TRUE(to_spokes().empty());
}

TEST_F(Batch, OfTwoPeersIsAnsweredToEach) {
    add_spoke();
    add_spoke();
    for (Spoke& spoke : spokes_) {
        for (int i = 0; i < 40; ++i) {
            ASSERT_TRUE(spoke.host->send(now_, kHub, 1, as_bytes("x"), Delivery::kReliable));
        }
    }
    for (Spoke& spoke : spokes_) carry(spoke);
    std::array<std::size_t, 2> acknowledged{};
    std::array<std::size_t, 2> datagrams{};
    while (const auto transmit = hub_.poll_transmit()) {
        const std::size_t to = transmit->to == spokes_[0].name ? 0 : 1;
        ++datagrams[to];
        acknowledged[to] += count_acknowledgements(transmit->bytes);
    }
    for (const std::size_t i : {0U, 1U}) {
        EXPECT_EQ(datagrams[i], 2U);
        EXPECT_EQ(acknowledged[i], 40U);
    }
}

TEST_F(Batch, AFloodOfOnePeerDelaysNoMessageOfAnother) {
    Spoke& noisy = add_spoke();
    Spoke& quiet = add_spoke();
    ASSERT_TRUE(spokes_[0].host->send(now_, kHub, 1, as_bytes("x"), Delivery::kUnreliable));
    const auto flood = drain_transmits(*spokes_[0].host);
    ASSERT_EQ(flood.size(), 1U);
    ASSERT_TRUE(quiet.host->send(now_, kHub, 1, as_bytes("hello"), Delivery::kReliable));
    for (int i = 0; i < 5000; ++i) {
        hub_.handle_datagram(now_, spokes_[0].name, flood[0]);
        if (i == 2500) carry(quiet);
    }
    static_cast<void>(noisy);
    EXPECT_EQ(count_messages(quiet.name), 1U);
    const auto answers = to_spokes();
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(count_acknowledgements(answers[0]), 1U);
}

TEST_F(Batch, WhatArrivedBeforeAResetHarmsNobody) {
    Spoke& spoke = add_spoke();
    ASSERT_TRUE(spoke.host->send(now_, kHub, 1, as_bytes("late"), Delivery::kReliable));
    carry(spoke);
    hub_.reset(spoke.name);
    EXPECT_FALSE(hub_.poll_event());
    EXPECT_FALSE(hub_.poll_transmit());
}

TEST(Burst, MuchLeavesInPiecesThatTheCallerSeesTheEndOf) {
    Wire wire{1};
    ASSERT_TRUE(wire.establish());
    const ByteVector message = numbered_message(1, 60'000);
    const auto fill = [&] {
        while (wire.a().host.bytes_unacknowledged(wire.a().other) < (std::size_t{4} << 20U)) {
            if (!wire.a().host.send(wire.now(), wire.a().other, 2, message, Delivery::kReliable)) {
                break;
            }
        }
    };
    // Until the window is larger than a burst.
    for (int i = 0; i < 200; ++i) {
        fill();
        wire.drain();
        wire.run_for(10ms);
    }
    wire.run_until([&] { return wire.a().host.bytes_unacknowledged(wire.a().other) == 0; }, 10s);
    wire.run_for(100ms);
    fill();
    std::vector<std::size_t> bursts;
    do {
        std::size_t bytes = 0;
        while (const auto transmit = wire.a().host.poll_transmit()) bytes += transmit->bytes.size();
        if (bytes > 0) bursts.push_back(bytes);
    } while (wire.a().host.has_more() && bursts.size() < 1000);
    ASSERT_GT(bursts.size(), 1U);
    EXPECT_LT(bursts.size(), 1000U);
    for (const std::size_t bytes : bursts) EXPECT_LE(bytes, 70'000U);
    EXPECT_FALSE(wire.a().host.poll_transmit());
}

}  // namespace
}  // namespace pinhole::reliable
