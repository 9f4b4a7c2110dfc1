// Who sends as much as the path takes: when to go on, and what became of what was sent.
#include <gtest/gtest.h>

#include "tests/lab/pair.hpp"

namespace pinhole::lab {
namespace {

constexpr LinkQuality kLossyCable{
    .delay = 20ms, .loss = 0.02, .rate = 10'000'000, .queue_bytes = 1 << 16};

/// The number of Alice's only peer.
node::PeerNumber peer_of(const Peer& alice) {
    return alice.node_status().peer;
}

TEST(Room, ComesBackUntilAllIsSentAndTheStatusSaysHowItWent) {
    Pair pair{3};
    Town& town = pair.town;
    SCOPED_TRACE(town.where());
    for (const char* home : {"a", "b"}) town.uplink(home).set_quality(kLossyCable);
    ASSERT_TRUE(town.register_all());
    ASSERT_TRUE(pair.connect());
    ASSERT_TRUE(town.run_until([&] { return pair.alice.is_direct(); }, 15s));
    const std::string text(10'000, 'x');
    std::size_t sent = 0;
    for (std::size_t filled = 0; filled < 400; ++filled) {
        ASSERT_TRUE(town.run_until([&] { return pair.alice.rooms() == filled; }, 10s)) << filled;
        while (pair.alice.node().has_room(peer_of(pair.alice))) {
            ASSERT_TRUE(town.send(pair.alice, text));
            ++sent;
        }
    }
    ASSERT_TRUE(town.run_until([&] { return pair.bob.received().size() == sent; }, 10s));
    town.run_for(1s);
    const node::PeerStatus alice = pair.alice.node_status();
    EXPECT_EQ(alice.bytes_unacknowledged, 0U);
    EXPECT_GE(alice.sent.bytes_delivered, sent * text.size());
    // Two cables, each of which loses 2 %; and what else was given up, since its acknowledgement
    // was lost or its path had no room for all of a start.
    EXPECT_GT(alice.sent.bytes_lost, alice.sent.bytes_delivered / 50);
    EXPECT_LT(alice.sent.bytes_lost, alice.sent.bytes_delivered / 5);
    ASSERT_TRUE(alice.sent.round_trip_time);
    EXPECT_GE(*alice.sent.round_trip_time, 80ms);
    EXPECT_LT(*alice.sent.round_trip_time, 200ms);
    EXPECT_EQ(pair.bob.node_status().bytes_received, sent * text.size());
    // Nobody is there any more, so there is nothing to wait for.
    town.disconnect(pair.alice, pair.bob);
    ASSERT_TRUE(town.run_until([&] { return !pair.alice.is_connected(); }, 10s));
    EXPECT_FALSE(pair.alice.node().has_room(alice.peer));
}

// The new process has other sockets: what the old one proved of its paths is over with it.
TEST(Bulk, FlowsToAReceiverThatStartedAnew) {
    constexpr std::size_t kEnough = 100;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Pair pair{seed};
        Town& town = pair.town;
        SCOPED_TRACE(town.where());
        for (const char* home : {"a", "b"}) town.uplink(home).set_quality(kLossyCable);
        ASSERT_TRUE(town.register_all());
        ASSERT_TRUE(pair.connect());
        const std::string text(10'000, 'x');
        const auto stream_until = [&](auto is_done, Duration limit) {
            const Instant end = town.lab().now() + limit;
            while (!is_done() && town.lab().now() < end) {
                while (pair.alice.is_connected() &&
                       pair.alice.node().has_room(peer_of(pair.alice)) &&
                       town.send(pair.alice, text)) {
                }
                town.run_for(10ms);
            }
            return is_done();
        };
        ASSERT_TRUE(stream_until([&] { return pair.bob.received().size() > kEnough; }, 20s));
        town.kill(pair.bob);
        town.run_for(seed * 20ms);
        const std::size_t before = pair.alice.connections();
        town.start(pair.bob);
        ASSERT_TRUE(stream_until([&] { return pair.alice.connections() > before; }, 40s));
        const std::size_t had = pair.bob.received().size();
        EXPECT_TRUE(stream_until([&] { return pair.bob.received().size() > had + kEnough; }, 30s));
    }
}

}  // namespace
}  // namespace pinhole::lab
