#include "peer/files/transfer_meter.hpp"

#include <gtest/gtest.h>

#include "peer/files/tree_hash.hpp"

namespace pinhole::peer::files {
namespace {

constexpr Instant kStart{1h};
constexpr std::uint64_t kMiB = 1 << 20U;

TEST(TransferMeter, MeasuresASteadyRateAndWhatIsLeft) {
    TransferMeter meter;
    meter.begin(kStart, 50 * kMiB);
    EXPECT_EQ(meter.time_left(100 * kMiB), std::nullopt) << "nothing is known yet";
    for (int i = 1; i <= 40; ++i) {
        meter.update(kStart + i * 250ms, 50 * kMiB + static_cast<std::uint64_t>(i) * kMiB / 4);
    }
    EXPECT_NEAR(meter.rate(), kMiB, kMiB / 100.0);
    EXPECT_NEAR(static_cast<double>(meter.time_left(160 * kMiB)->count()), 1e8, 1e6);
}

TEST(TransferMeter, FollowsAChangeWithinSeconds) {
    TransferMeter meter;
    meter.begin(kStart, 0);
    std::uint64_t done = 0;
    Instant now = kStart;
    for (int i = 0; i < 20; ++i) meter.update(now += 500ms, done += 5 * kMiB);
    for (int i = 0; i < 2; ++i) meter.update(now += 500ms, done += kMiB);
    EXPECT_GT(meter.rate(), 5.0 * kMiB) << "one slow second is not all";
    for (int i = 0; i < 30; ++i) meter.update(now += 500ms, done += kMiB);
    EXPECT_LT(meter.rate(), 2.5 * kMiB);
}

TEST(TransferMeter, EachQuarterOfALongWayIsToldOnce) {
    TransferMeter meter;
    meter.begin(kStart, 0);
    const auto tells = [&](Duration at, std::uint64_t done) {
        meter.update(kStart + at, done);
        return meter.take_quarter(kStart + at, 100);
    };
    EXPECT_FALSE(tells(9s, 60)) << "it may be over soon";
    EXPECT_TRUE(tells(10s, 60));
    EXPECT_FALSE(tells(11s, 74));
    EXPECT_TRUE(tells(12s, 75));
    EXPECT_FALSE(tells(13s, 100)) << "the end has its own words";
    EXPECT_FALSE(meter.take_quarter(kStart + 14s, kSizeUnknown));
    meter.begin(kStart + 20s, 60);
    EXPECT_FALSE(tells(31s, 80)) << "also not after a connection that went and came";
}

TEST(TransferMeter, IsSilentAfterThreeSecondsWithoutAByte) {
    TransferMeter meter;
    meter.begin(kStart, 0);
    meter.update(kStart + 1s, 5);
    meter.update(kStart + 3'900ms, 5);
    EXPECT_FALSE(meter.is_silent(kStart + 3'900ms));
    EXPECT_TRUE(meter.is_silent(kStart + 4s));
    meter.update(kStart + 5s, 6);
    EXPECT_FALSE(meter.is_silent(kStart + 5s));
}

TEST(TransferMeter, LineSaysHowFarAndHowLong) {
    TransferState state{.way = Way::kSend,
                        .peer = *wire::Id::parse("alice"),
                        .files = 3,
                        .files_total = 12,
                        .bytes = 3 * kMiB,
                        .bytes_total = 10 * kMiB,
                        .rate = 1.5 * kMiB,
                        .time_left = 70s};
    EXPECT_EQ(progress_words(state),
              "sending 3 of 12 files: 3.0 MiB of 10.0 MiB (30 %), 1.5 MiB/s, 1 min 10 s left");
    state.is_silent = true;
    EXPECT_EQ(progress_words(state),
              "sending 3 of 12 files: 3.0 MiB of 10.0 MiB (30 %), alice is not replying");
    EXPECT_EQ(progress_words({.way = Way::kReceive, .peer = {}, .files_total = 1}),
              "receiving: 0 bytes of 0 bytes (100 %)");
}

}  // namespace
}  // namespace pinhole::peer::files
