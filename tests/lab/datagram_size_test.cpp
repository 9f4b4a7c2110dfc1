// How large datagrams get: on wide and narrow ways, when a way narrows, and when it ends.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/lab/town.hpp"

namespace pinhole::lab {
namespace {

constexpr std::size_t kEthernet = 1500;
constexpr std::size_t kMessageBytes = 40'000;
constexpr LinkQuality kCable{.delay = 10ms, .queue_bytes = 1 << 20, .mtu = kEthernet};

/// Alice sends Bob large messages, one after the other, over cables of a chosen MTU.
class DatagramSize : public testing::Test {
  protected:
    struct Scene {
        explicit Scene(std::size_t mtu, std::uint64_t seed = 1)
            : town(seed),
              alice(town.add_peer("alice", town.home("a", "eim_apdf"))),
              bob(town.add_peer("bob", town.home("b", "eim_apdf"))) {
            set_mtu(mtu);
            alice.host().cable().up.tap_entrance([this](Instant, const Packet& packet) {
                if (packet.icmp) return;
                largest_sent = std::max(largest_sent, packet.wire_size());
            });
            bob.host().cable().down.tap_exit([this](Instant, const Packet& packet) {
                if (packet.icmp) return;
                largest_heard = std::max(largest_heard, packet.wire_size());
                if (packet.wire_size() > 1400) ++large_heard;
            });
        }

        void set_mtu(std::size_t mtu, bool reports = true) {
            LinkQuality quality = kCable;
            quality.mtu = mtu;
            quality.reports_too_big = reports;
            for (const char* home : {"a", "b"}) town.uplink(home).set_quality(quality);
        }

        bool begin() {
            if (!town.register_all()) return false;
            town.connect(alice, bob);
            return static_cast<bool>(
                town.run_until([&] { return alice.is_direct() && bob.is_direct(); }, 15s));
        }

        /// Keeps a few messages under way for so long.
        void stream(Duration length) {
            const Instant end = town.lab().now() + length;
            while (town.lab().now() < end) {
                while (said < bob.received().size() + 4) {
                    if (!town.send(alice, text_of(said))) break;
                    ++said;
                }
                town.run_for(10ms);
            }
        }

        /// Everything that was said arrives, once and in order, in one connection.
        void expect_whole(Duration limit) {
            EXPECT_TRUE(town.run_until([&] { return bob.received().size() >= said; }, limit))
                << bob.received().size() << " of " << said << ", " << town.where();
            ASSERT_EQ(bob.received().size(), said);
            for (std::size_t i = 0; i < said; ++i) {
                ASSERT_TRUE(bob.received()[i].text == text_of(i)) << i << ", " << town.where();
            }
            EXPECT_EQ(alice.connections(), 1U);
            EXPECT_EQ(bob.connections(), 1U);
        }

        static std::string text_of(std::size_t number) {
            return fmt::format("{:08}", number) + std::string(kMessageBytes, 'x');
        }

        Town town;
        Peer& alice;
        Peer& bob;
        std::size_t said = 0;
        std::size_t largest_sent = 0;
        std::size_t largest_heard = 0;
        std::size_t large_heard = 0;
    };
};

TEST_F(DatagramSize, TwoHomesOnEthernetFillItsFrames) {
    Scene scene{kEthernet};
    SCOPED_TRACE(scene.town.where());
    ASSERT_TRUE(scene.begin());
    EXPECT_LE(scene.largest_sent, 1280U);
    scene.stream(10s);
    EXPECT_EQ(scene.largest_heard, kEthernet);
    EXPECT_GT(scene.large_heard, 100U);
    scene.expect_whole(5s);
}

TEST_F(DatagramSize, JumboFramesAreFilledAsFarAsEnetFillsThem) {
    Scene scene{9000};
    for (Peer* peer : {&scene.alice, &scene.bob}) peer->host().cable().set_quality({.mtu = 9000});
    SCOPED_TRACE(scene.town.where());
    ASSERT_TRUE(scene.begin());
    scene.stream(10s);
    EXPECT_EQ(scene.largest_heard, kUdpPayloadProbed + 28);
    scene.set_mtu(1300, false);
    scene.stream(100ms);
    // What was cut for them is carried on in parts.
    const std::size_t large = scene.large_heard;
    scene.stream(10s);
    EXPECT_EQ(scene.large_heard, large);
    EXPECT_TRUE(scene.alice.is_direct());
    scene.expect_whole(5s);
}

TEST_F(DatagramSize, ANarrowWayIsFilledAsFarAsItGoes) {
    for (const bool reports : {true, false}) {
        Scene scene{kEthernet};
        scene.set_mtu(1400, reports);
        SCOPED_TRACE(scene.town.where());
        ASSERT_TRUE(scene.begin());
        scene.stream(20s);
        EXPECT_EQ(scene.largest_heard, 1400U);
        scene.expect_whole(5s);
    }
}

TEST_F(DatagramSize, TheNarrowestWayStaysAtTheBase) {
    Scene scene{1270};
    SCOPED_TRACE(scene.town.where());
    ASSERT_TRUE(scene.begin());
    scene.stream(20s);
    EXPECT_LE(scene.largest_heard, 1260U);
    scene.expect_whole(5s);
}

TEST_F(DatagramSize, ABlackHoleInTheMiddleOfBulkIsLeftWithinSeconds) {
    for (const bool reports : {false, true}) {
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
            Scene scene{kEthernet, seed};
            SCOPED_TRACE(scene.town.where());
            ASSERT_TRUE(scene.begin());
            scene.stream(10s);
            ASSERT_EQ(scene.largest_heard, kEthernet);
            scene.set_mtu(1300, reports);
            scene.stream(5s);
            const std::size_t heard = scene.bob.received().size();
            scene.stream(5s);
            EXPECT_GT(scene.bob.received().size(), heard + 10);
            EXPECT_TRUE(scene.alice.is_direct());
            scene.expect_whole(5s);
        }
    }
}

TEST_F(DatagramSize, ALostDirectPathStrandsNothingThatWasCutForIt) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Scene scene{kEthernet, seed};
        SCOPED_TRACE(scene.town.where());
        ASSERT_TRUE(scene.begin());
        scene.stream(10s);
        ASSERT_EQ(scene.largest_heard, kEthernet);
        const IpAddress server = ip(kServerV4);
        for (const char* home : {"a", "b"}) {
            scene.town.uplink(home).up.set_filter(
                [server](const Packet& packet) { return packet.destination.ip == server; });
        }
        scene.stream(10s);
        EXPECT_FALSE(scene.alice.is_direct());
        scene.expect_whole(10s);
    }
}

}  // namespace
}  // namespace pinhole::lab
