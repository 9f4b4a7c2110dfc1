#include "shared/traversal/path_mtu.hpp"

#include <functional>
#include <vector>

#include <gtest/gtest.h>

namespace pinhole::traversal {
namespace {

constexpr Instant kStart{Duration{1'000'000}};
constexpr Duration kRtt = 40ms;
/// After this a path that carries what Ethernet does is not asked for more any longer.
constexpr Duration kEthernetSearch = 4s;

/// A path that carries what `passes` says, on a clock of its own; answers take one RTT.
class PathMtuTest : public testing::Test {
  protected:
    PathMtuTest() { mtu.start(Family::kV4); }

    static std::function<bool(std::size_t)> up_to(std::size_t payload) {
        return [payload](std::size_t size) { return size <= payload; };
    }

    /// Runs for `length`. Bulk flows in datagrams of the size that is allowed, if it `flows`.
    void run(Duration length, bool flows = true) {
        const Instant end = now + length;
        for (; now < end; now += 10ms) {
            deliver();
            if (flows) {
                for (int i = 0; i < 5; ++i) mtu.on_data_sent(now, mtu.payload());
            }
            while (const auto size = mtu.take_probe(now)) {
                sent.push_back(*size);
                if (mtu.wants_small()) send(100);
                mtu.on_probe_sent(now, send(*size), kRtt);
            }
        }
    }

    wire::ChallengeId send(std::size_t size) {
        wire::ChallengeId id{};
        id[0] = static_cast<std::byte>(++last_id & 0xffU);
        id[1] = static_cast<std::byte>(last_id >> 8U);
        if (passes(size)) answers.push_back({now + kRtt, id});
        return id;
    }

    void deliver() {
        std::vector<wire::ChallengeId> due;
        std::erase_if(answers, [&](const auto& answer) {
            if (answer.first > now) return false;
            due.push_back(answer.second);
            return true;
        });
        for (const auto& id : due) mtu.on_answer(now, id);
    }

    PathMtu mtu;
    Instant now = kStart;
    std::function<bool(std::size_t)> passes = up_to(1472);
    std::vector<std::size_t> sent;
    std::vector<std::pair<Instant, wire::ChallengeId>> answers;
    unsigned last_id = 0;
};

TEST_F(PathMtuTest, FindsEthernetWithOneProbeOfBulk) {
    run(1s);
    EXPECT_EQ(mtu.payload(), 1472U);
    EXPECT_EQ(sent.front(), 1472U);
}

TEST_F(PathMtuTest, WhatCarriesEthernetIsAskedForTheLargestAtOnce) {
    for (const Family family : {Family::kV4, Family::kV6}) {
        passes = up_to(9000);
        mtu.start(family);
        sent.clear();
        run(500ms);
        EXPECT_EQ(mtu.payload(), kUdpPayloadProbed);
        const std::size_t ethernet = family == Family::kV4 ? 1472 : 1452;
        EXPECT_EQ(sent, (std::vector{ethernet, kUdpPayloadProbed}));
    }
}

TEST_F(PathMtuTest, EthernetIsInUseWhileMoreIsAskedFor) {
    run(200ms);
    EXPECT_EQ(mtu.payload(), 1472U);
    EXPECT_EQ(sent.back(), kUdpPayloadProbed);
    run(4s);
    EXPECT_EQ(mtu.payload(), 1472U);
    EXPECT_EQ(std::ranges::count(sent, kUdpPayloadProbed), kProbesMax);
}

TEST_F(PathMtuTest, EthernetIsAskedForMoreOnceInTenMinutes) {
    run(5s);
    sent.clear();
    run(kRaiseInterval - 10s);
    EXPECT_EQ(std::ranges::count(sent, kUdpPayloadProbed), 0);
    passes = up_to(9000);
    run(20s);
    EXPECT_EQ(mtu.payload(), kUdpPayloadProbed);
    // What is known of Ethernet's size is not asked again on the way.
    const auto larger = std::ranges::find(sent, kUdpPayloadProbed);
    ASSERT_NE(larger, sent.end());
    run(5s);
    EXPECT_EQ(mtu.payload(), kUdpPayloadProbed);
}

TEST_F(PathMtuTest, WhatDoesNotCarryEthernetIsNeverAskedForMore) {
    for (const std::size_t limit : {std::size_t{1372}, kUdpPayloadMax}) {
        passes = up_to(limit);
        mtu.start(Family::kV4);
        sent.clear();
        run(2 * kRaiseInterval);
        EXPECT_EQ(*std::ranges::max_element(sent), 1472U);
    }
}

TEST_F(PathMtuTest, ABlackHoleOfTheLargestLeadsBackToTheBaseAndThenToEthernet) {
    passes = up_to(9000);
    run(2s);
    ASSERT_EQ(mtu.payload(), kUdpPayloadProbed);
    passes = up_to(1472);
    run(3s);
    EXPECT_EQ(mtu.payload(), kUdpPayloadMax);
    EXPECT_EQ(mtu.black_holes(), 1U);
    run(kAfterBlackHole);
    EXPECT_EQ(mtu.payload(), 1472U);
    passes = up_to(9000);
    run(kRaiseInterval + 10s);
    EXPECT_EQ(mtu.payload(), kUdpPayloadProbed);
}

TEST_F(PathMtuTest, LeavesAPathWithoutBulkAlone) {
    run(1h, false);
    for (int i = 0; i < 50; ++i) mtu.on_data_sent(now, kUdpPayloadMax);
    EXPECT_EQ(mtu.next_timeout(), kNever);
    EXPECT_EQ(mtu.take_probe(now), std::nullopt);
    EXPECT_EQ(mtu.payload(), kUdpPayloadMax);
}

TEST_F(PathMtuTest, FindsTheLargestCandidateThatPasses) {
    const std::vector<std::pair<std::size_t, std::size_t>> paths{
        {1232, 1232}, {1251, 1232}, {1252, 1252}, {1300, 1292}, {1372, 1372},
        {1391, 1372}, {1431, 1412}, {1464, 1464}, {1471, 1464}, {1480, 1472}};
    for (const auto& [limit, found] : paths) {
        passes = up_to(limit);
        mtu.start(Family::kV4);
        run(20s);
        EXPECT_EQ(mtu.payload(), found) << limit;
    }
}

TEST_F(PathMtuTest, CountsTheHeadersOfIpv6) {
    passes = up_to(1452);
    mtu.start(Family::kV6);
    run(2s);
    EXPECT_EQ(mtu.payload(), 1452U);
    passes = up_to(kUdpPayloadMax);
    sent.clear();
    mtu.start(Family::kV6);
    run(20s);
    EXPECT_EQ(mtu.payload(), kUdpPayloadMax);
    EXPECT_GT(*std::ranges::min_element(sent), kUdpPayloadMax);
}

TEST_F(PathMtuTest, OneLostProbeOrTwoAreNoLimit) {
    int lost = 2;
    passes = [&](std::size_t size) { return size < 1000 || (size <= 1472 && lost-- <= 0); };
    run(3s);
    EXPECT_EQ(mtu.payload(), 1472U);
}

TEST_F(PathMtuTest, AnAnswerToAnEarlierCopyConfirmsToo) {
    passes = up_to(0);
    run(1200ms);
    ASSERT_GE(sent.size(), 2U);
    wire::ChallengeId first{};
    first[0] = std::byte{1};
    mtu.on_answer(now, first);
    EXPECT_EQ(mtu.payload(), 1472U);
}

TEST_F(PathMtuTest, ASilentPathSaysNothingAboutSizes) {
    run(2s);
    ASSERT_EQ(mtu.payload(), 1472U);
    passes = up_to(0);
    run(20s);
    EXPECT_EQ(mtu.payload(), 1472U);
    passes = up_to(1472);
    // The first that passes is a small one, beside the copy that was lost to the silence.
    send(100);
    run(10s);
    EXPECT_EQ(mtu.payload(), 1472U);
    EXPECT_EQ(mtu.black_holes(), 0U);
}

TEST_F(PathMtuTest, ABlackHoleLeadsBackToTheBaseWithinThreeSeconds) {
    run(kEthernetSearch);
    passes = up_to(1300);
    run(3s);
    EXPECT_EQ(mtu.payload(), kUdpPayloadMax);
    EXPECT_EQ(mtu.black_holes(), 1U);
}

TEST_F(PathMtuTest, AfterABlackHoleItWaitsAndThenFindsWhatIsLeft) {
    run(2s);
    passes = up_to(1372);
    run(3s);
    sent.clear();
    run(kAfterBlackHole - 5s);
    EXPECT_TRUE(sent.empty());
    run(20s);
    EXPECT_EQ(mtu.payload(), 1372U);
}

TEST_F(PathMtuTest, TriesLargerSizesAgainAfterTenMinutes) {
    passes = up_to(1372);
    run(20s);
    ASSERT_EQ(mtu.payload(), 1372U);
    passes = up_to(1472);
    sent.clear();
    run(kRaiseInterval - 30s);
    EXPECT_EQ(std::ranges::count_if(sent, [](std::size_t size) { return size > 1372; }), 0);
    run(40s);
    EXPECT_EQ(mtu.payload(), 1472U);
}

TEST_F(PathMtuTest, AConfirmedSizeIsAskedAgainOnlyWhileLargeDatagramsLeave) {
    run(2s);
    sent.clear();
    run(20s);
    EXPECT_GE(sent.size(), 15U);
    EXPECT_LE(sent.size(), 21U);
    run(3s, false);
    sent.clear();
    run(10min, false);
    EXPECT_TRUE(sent.empty());
    EXPECT_EQ(mtu.next_timeout(), kNever);
}

TEST_F(PathMtuTest, WhatIsAcknowledgedIsNotAskedAbout) {
    run(kEthernetSearch);
    mtu.on_large_arrived(now);
    sent.clear();
    for (int i = 0; i < 1000; ++i) {
        run(10ms);
        mtu.on_too_big(now);
        mtu.on_large_arrived(now);
    }
    EXPECT_TRUE(sent.empty());
    passes = up_to(1300);
    run(3s);
    EXPECT_EQ(mtu.payload(), kUdpPayloadMax);
}

TEST_F(PathMtuTest, ProbesThatAreLostBesideDataThatArrivesAreNoBlackHole) {
    run(2s);
    passes = up_to(1300);
    for (int i = 0; i < 30; ++i) {
        mtu.on_large_arrived(now);
        run(1900ms);
    }
    EXPECT_EQ(mtu.payload(), 1472U);
    EXPECT_EQ(mtu.black_holes(), 0U);
}

TEST_F(PathMtuTest, TooBigIsAskedAboutAndNotBelieved) {
    run(2s);
    run(3s, false);
    sent.clear();
    for (int i = 0; i < 1000; ++i) {
        mtu.on_too_big(now);
        run(10ms, false);
    }
    EXPECT_EQ(mtu.payload(), 1472U);
    EXPECT_GE(sent.size(), 20U);
    EXPECT_LE(sent.size(), 51U);
}

TEST_F(PathMtuTest, TooBigMakesABlackHoleKnownSooner) {
    const auto time_to_base = [&](bool is_told) {
        passes = up_to(1472);
        mtu.start(Family::kV4);
        run(kEthernetSearch);
        // Right after the size was confirmed once more.
        const std::size_t before = sent.size();
        while (sent.size() == before) run(10ms);
        run(100ms);
        passes = up_to(1300);
        const Instant since = now;
        while (mtu.payload() > kUdpPayloadMax) {
            if (is_told) mtu.on_too_big(now);
            run(10ms);
        }
        return now - since;
    };
    EXPECT_LT(time_to_base(true) + 500ms, time_to_base(false));
}

TEST_F(PathMtuTest, CopiesOfASearchAreASecondApart) {
    passes = up_to(kUdpPayloadMax);
    std::vector<Duration> between;
    Instant last{};
    const Instant end = now + 30s;
    for (std::size_t count = 0; now < end; count = sent.size()) {
        run(10ms);
        if (sent.size() == count) continue;
        EXPECT_LE(sent.size(), count + 1);
        if (count > 0) between.push_back(now - last);
        last = now;
    }
    ASSERT_GE(between.size(), 10U);
    EXPECT_GE(*std::ranges::min_element(between), 1s);
}

TEST_F(PathMtuTest, TooBigMeansNothingAtTheBase) {
    passes = up_to(kUdpPayloadMax);
    run(20s);
    sent.clear();
    mtu.on_too_big(now);
    run(1s, false);
    EXPECT_TRUE(sent.empty());
}

TEST_F(PathMtuTest, AnotherPathBeginsAtTheBase) {
    run(2s);
    mtu.start(Family::kV4);
    EXPECT_EQ(mtu.payload(), kUdpPayloadMax);
    run(2s);
    EXPECT_EQ(mtu.payload(), 1472U);
    mtu.stop();
    EXPECT_EQ(mtu.payload(), kUdpPayloadMax);
    sent.clear();
    run(2s);
    EXPECT_TRUE(sent.empty());
}

}  // namespace
}  // namespace pinhole::traversal
