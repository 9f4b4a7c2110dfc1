#include "shared/node/enet_port.hpp"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::node {
namespace {

constexpr Instant kNow{1h};
constexpr PeerNumber kBob{7};
constexpr PeerNumber kCarol{8};

/// One end of a conversation without a network between the ends.
struct End {
    explicit End(std::uint64_t seed) : random(seed), port({}, random) {}

    [[nodiscard]] std::vector<std::pair<VirtualAddress, ByteVector>> take_all() {
        std::vector<std::pair<VirtualAddress, ByteVector>> out;
        while (const auto transmit = port.poll_transmit()) {
            // Who frames it writes in front of it, whether it was stashed or not.
            EXPECT_TRUE(same_bytes(transmit->with_headroom.subspan(reliable::kEnetHeadroom),
                                   transmit->bytes));
            transmit->with_headroom.front() = std::byte{0xff};
            out.emplace_back(transmit->to, to_vector(transmit->bytes));
        }
        return out;
    }

    test::SeededRandom random;
    EnetPort port;
};

/// Lets what `from` wants to say to `to` arrive under `as`.
void deliver(End& from, End& to, VirtualAddress as) {
    for (const auto& [address, bytes] : from.take_all())
        to.port.host().handle_datagram(kNow, as, bytes);
}

TEST(EnetPort, NeverGivesAnAddressTwice) {
    End end{1};
    const VirtualAddress first = end.port.allocate(kBob);
    end.port.release(first);
    const VirtualAddress second = end.port.allocate(kBob);
    EXPECT_NE(first, second);
    EXPECT_EQ(end.port.peer_of(second), kBob);
    EXPECT_EQ(end.port.peer_of(first), std::nullopt);
}

TEST(EnetPort, CatchesTheConnectSoThatItDoesNotLeaveByItself) {
    End alice{1};
    const VirtualAddress bob = alice.port.allocate(kBob);
    const HandshakeEnet connect = alice.port.connect(kNow, bob, 100ms);
    EXPECT_FALSE(connect.empty());
    EXPECT_TRUE(alice.take_all().empty());
}

TEST(EnetPort, TheTwoCaughtDatagramsMakeAConnection) {
    End alice{1};
    End bob{2};
    const VirtualAddress bobs = alice.port.allocate(kBob);
    const VirtualAddress alices = bob.port.allocate(kBob);
    const HandshakeEnet connect = alice.port.connect(kNow, bobs, 100ms);
    const HandshakeEnet verify = bob.port.accept(kNow, alices, connect.bytes());
    ASSERT_FALSE(verify.empty());
    EXPECT_TRUE(bob.take_all().empty());
    alice.port.host().handle_datagram(kNow, bobs, verify.bytes());
    deliver(alice, bob, alices);
    EXPECT_TRUE(alice.port.host().is_connected(bobs));
    static_cast<void>(bob.take_all());
    EXPECT_TRUE(bob.port.host().is_connected(alices));
}

TEST(EnetPort, WhatOthersWantedToSayMeanwhileLeavesLaterInItsOrder) {
    End alice{1};
    End bob{2};
    const VirtualAddress bobs = alice.port.allocate(kBob);
    const VirtualAddress alices = bob.port.allocate(kBob);
    const HandshakeEnet connect = alice.port.connect(kNow, bobs, 100ms);
    const HandshakeEnet verify = bob.port.accept(kNow, alices, connect.bytes());
    alice.port.host().handle_datagram(kNow, bobs, verify.bytes());
    deliver(alice, bob, alices);
    ASSERT_TRUE(alice.port.host().is_connected(bobs));

    // A message to bob waits in ENet while the next connection's CONNECT is caught.
    ASSERT_TRUE(
        alice.port.host().send(kNow, bobs, 1, as_bytes("hello"), reliable::Delivery::kReliable));
    const VirtualAddress carols = alice.port.allocate(kCarol);
    EXPECT_FALSE(alice.port.connect(kNow, carols, 100ms).empty());
    const auto later = alice.take_all();
    ASSERT_FALSE(later.empty());
    for (const auto& [address, bytes] : later) {
        EXPECT_EQ(address, bobs);
        bob.port.host().handle_datagram(kNow, alices, bytes);
    }
    std::string heard;
    while (const auto event = bob.port.host().poll_event()) {
        const auto* message = std::get_if<reliable::EnetMessage>(&*event);
        if (message != nullptr) heard = as_text(message->bytes);
    }
    EXPECT_EQ(heard, "hello");
}

TEST(EnetPort, AReleasedAddressSaysNothingMore) {
    End alice{1};
    const VirtualAddress bob = alice.port.allocate(kBob);
    EXPECT_FALSE(alice.port.connect(kNow, bob, 100ms).empty());
    alice.port.release(bob);
    EXPECT_FALSE(alice.port.host().has_peer(bob));
    alice.port.host().handle_timeout(kNow + 10s);
    EXPECT_TRUE(alice.take_all().empty());
}

TEST(EnetPort, JunkInPlaceOfAConnectDrawsNoAnswer) {
    End bob{2};
    const VirtualAddress alices = bob.port.allocate(kBob);
    EXPECT_TRUE(bob.port.accept(kNow, alices, as_bytes("this is no ENet datagram")).empty());
    EXPECT_EQ(bob.port.host().peer_count(), 0U);
}

}  // namespace
}  // namespace pinhole::node
