// How large ENet's datagrams get, and what is known of those that left.
#include <gtest/gtest.h>

#include "shared/reliable/enet_host.hpp"
#include "tests/unit/reliable/wire.hpp"

namespace pinhole::reliable {
namespace {

using test::numbered_message;
using test::Wire;

TEST(DatagramSize, FillsTheDatagramsThatThePathCarries) {
    Wire wire{1};
    ASSERT_TRUE(wire.establish());
    wire.a().host.set_datagram_size(wire.a().other, 1441);
    const ByteVector message = numbered_message(1, 100'000);
    ASSERT_TRUE(wire.a().host.send(wire.now(), wire.a().other, 0, message, Delivery::kReliable));
    wire.drain();
    ASSERT_TRUE(wire.run_until([&] { return !wire.b().received.empty(); }, 60s));
    EXPECT_EQ(wire.b().received[0].bytes, message);
    EXPECT_EQ(wire.largest_datagram(), 1441U);
}

TEST(DatagramSize, TellsTheLargestDatagramThatArrived) {
    Wire wire{1};
    ASSERT_TRUE(wire.establish());
    EnetHost& host = wire.a().host;
    const VirtualAddress other = wire.a().other;
    const auto arrived_of = [&](std::size_t size) {
        const ByteVector message = numbered_message(1, size);
        EXPECT_TRUE(host.send(wire.now(), other, 0, message, Delivery::kReliable));
        wire.drain();
        wire.run_for(5s);
        return host.take_largest_arrived(other);
    };
    EXPECT_EQ(arrived_of(100'000), 1160U);
    host.set_datagram_size(other, 1441);
    EXPECT_EQ(arrived_of(100'000), 1441U);
    EXPECT_EQ(host.take_largest_arrived(other), 0U);
    EXPECT_LT(arrived_of(1000), 1160U);
}

TEST(DatagramSize, AReducedSizeHoldsForNewMessagesAndStrandsNoQueuedOne) {
    Wire wire{1};
    ASSERT_TRUE(wire.establish());
    EnetHost& host = wire.a().host;
    const VirtualAddress other = wire.a().other;
    host.set_datagram_size(other, 1441);
    const ByteVector large = numbered_message(1, 300'000);
    ASSERT_TRUE(host.send(wire.now(), other, 0, large, Delivery::kReliable));
    wire.drain();
    host.set_datagram_size(other, 1160);
    const ByteVector late = numbered_message(2, 50'000);
    ASSERT_TRUE(host.send(wire.now(), other, 0, late, Delivery::kReliable));
    wire.drain();
    ASSERT_TRUE(wire.run_until([&] { return wire.b().received.size() == 2; }, 60s));
    EXPECT_EQ(wire.b().received[0].bytes, large);
    EXPECT_EQ(wire.b().received[1].bytes, late);
    wire.run_for(2s);
    const std::size_t before = wire.largest_datagram();
    EXPECT_EQ(before, 1441U);
    ASSERT_TRUE(host.send(wire.now(), other, 0, late, Delivery::kReliable));
    while (const auto out = host.poll_transmit()) EXPECT_LE(out->bytes.size(), 1160U);
}

}  // namespace
}  // namespace pinhole::reliable
