// The first-packet race (traversal.md, "Facts that decide"): on a plain Linux router that accepts
// on INPUT, a peer's datagram that arrives before we have sent to that peer takes the tuple away
// from us, and the punch fails for good. Openers with a low TTL and the server's `fire_in` must win
// it, however late one side hears of the other.
#include <gtest/gtest.h>

#include "tests/lab/couple.hpp"

namespace pinhole::lab {
namespace {

constexpr std::uint64_t kRaceSeeds = 20;
constexpr Duration kRaceDecidedWithin = 10s;

/// What is slower on one side, and how the server can know of it.
enum class Skew : std::uint8_t {
    kUplink,      ///< its cable, both ways: the round trip tells the whole difference
    kServerPath,  ///< only what the server sends to it: the round trip tells half the truth
};

/// Whatever the rendezvous sends down this cable arrives later by `extra`.
void delay_server(Town& town, const std::string& home, Duration extra) {
    Link& down = town.uplink(home).down;
    auto is_late_one = std::make_shared<bool>(false);
    down.set_filter([&town, &down, extra, is_late_one](const Packet& packet) {
        if (*is_late_one || packet.source.ip != ip(kServerV4)) return true;
        town.lab().after(extra, [&town, &down, is_late_one, packet] {
            *is_late_one = true;
            down.send(town.lab().now(), packet);
            *is_late_one = false;
        });
        return false;
    });
}

void add_skew(Couple& couple, const std::string& home, Skew kind, Duration skew) {
    Cable& uplink = couple.town().uplink(home);
    if (kind == Skew::kServerPath) return delay_server(couple.town(), home, skew);
    LinkQuality quality = uplink.up.quality();
    quality.delay += skew;
    uplink.set_quality(quality);
}

class Race : public testing::TestWithParam<Skew> {};

TEST_P(Race, IsWonAtEverySkewWhoeverIsLate) {
    for (const Duration skew : {0ms, 25ms, 50ms, 75ms, 100ms, 125ms, 150ms}) {
        for (const std::string late : {"a", "b"}) {
            std::uint64_t direct = 0;
            std::string failed;
            for (std::uint64_t seed = 1; seed <= kRaceSeeds; ++seed) {
                Couple couple{seed, "linux_masquerade", "linux_masquerade"};
                add_skew(couple, late, GetParam(), skew);
                ASSERT_TRUE(couple.start(Order::kEarlyCalls)) << couple.where();
                if (couple.run_until_direct(kRaceDecidedWithin)) {
                    ++direct;
                } else {
                    failed += couple.where() + "\n";
                }
            }
            EXPECT_EQ(direct, kRaceSeeds)
                << "skew " << skew.count() / 1000 << " ms, " << late << " is late\n"
                << failed;
        }
    }
}

/// For so long one side's datagrams to the other do not even reach its own router.
constexpr Duration kHeldBack = 1500ms;
/// Plain checks go alone for 2 s; then new ports are told and tried.
constexpr Duration kRecoversWithin = 15s;

TEST(LostRace, IsMadeGoodByNewPorts) {
    for (const bool is_alice_late : {true, false}) {
        for (std::uint64_t seed = 1; seed <= kRaceSeeds; ++seed) {
            Couple couple{seed, "linux_masquerade", "linux_masquerade"};
            Host& late = (is_alice_late ? couple.alice() : couple.bob()).host();
            late.cable().up.set_filter(
                [](const Packet& packet) { return packet.destination.ip == ip(kServerV4); });
            ASSERT_TRUE(couple.start(Order::kEarlyCalls)) << couple.where();
            couple.town().run_for(kHeldBack);
            late.cable().up.set_filter({});
            // The late side's router has taken the other's datagrams for its own by now.
            ASSERT_TRUE(couple.run_until_direct(kRecoversWithin)) << couple.where();
            couple.expect_messages_flow(3, 3s);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Skews, Race, testing::Values(Skew::kUplink, Skew::kServerPath),
                         [](const auto& test) {
                             return test.param == Skew::kUplink ? "OfTheUplink" : "OfTheServerPath";
                         });

}  // namespace
}  // namespace pinhole::lab
