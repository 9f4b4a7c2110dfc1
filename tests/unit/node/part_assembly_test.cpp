#include "shared/node/part_assembly.hpp"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::node {
namespace {

constexpr Instant kStart{Duration{1'000'000}};
constexpr std::size_t kFrameMax = kUdpPayloadMax - wire::kTransportOverhead;

class PartAssemblyTest : public testing::Test {
  protected:
    static ByteVector datagram_of(std::size_t size) {
        ByteVector out(size);
        test::SeededRandom{size}.fill(out);
        return out;
    }

    static std::vector<wire::Part> parts_of(std::uint16_t id, Bytes datagram,
                                            std::size_t frame_max = kFrameMax) {
        std::vector<wire::Part> out;
        const std::size_t count = count_parts(datagram.size(), frame_max);
        for (std::size_t i = 0; i < count; ++i) {
            out.push_back({.id = id,
                           .index = static_cast<std::uint8_t>(i),
                           .count = static_cast<std::uint8_t>(count),
                           .piece = piece_of(datagram, i, count)});
        }
        return out;
    }

    /// What the last of these parts completed.
    std::optional<Bytes> add_all(const std::vector<wire::Part>& parts) {
        std::optional<Bytes> whole;
        for (const auto& part : parts) {
            const std::uint64_t before = drops.total();
            whole = assembly.add(now, part);
            EXPECT_EQ(drops.total(), before);
        }
        return whole;
    }

    DropCounters drops;
    PartAssembly assembly{drops};
    Instant now = kStart;
};

TEST_F(PartAssemblyTest, CutsAndJoinsEverySizeForEveryPath) {
    std::uint16_t id = 0;
    for (const std::size_t frame_max : {kFrameMax, kFrameMax - 35}) {
        for (std::size_t size = frame_max; size <= 1600; ++size) {
            const ByteVector datagram = datagram_of(size);
            auto parts = parts_of(++id, datagram, frame_max);
            ASSERT_GE(parts.size(), 2U);
            for (const auto& part : parts) ASSERT_LE(part.piece.size() + kPartHeader, frame_max);
            const auto whole = add_all(parts);
            ASSERT_TRUE(whole);
            ASSERT_TRUE(same_bytes(*whole, datagram)) << size;
        }
    }
    EXPECT_EQ(assembly.incomplete(), 0U);
}

TEST_F(PartAssemblyTest, TakesPartsInAnyOrderAndOfSeveralDatagramsAtOnce) {
    const ByteVector first = datagram_of(3000);
    const ByteVector second = datagram_of(1441);
    const auto a = parts_of(7, first);
    const auto b = parts_of(8, second);
    ASSERT_EQ(a.size(), 3U);
    EXPECT_FALSE(add_all({a[2], b[1], a[0]}));
    const auto joined = add_all({b[0]});
    ASSERT_TRUE(joined);
    EXPECT_TRUE(same_bytes(*joined, second));
    const auto last = add_all({a[1]});
    ASSERT_TRUE(last);
    EXPECT_TRUE(same_bytes(*last, first));
}

TEST_F(PartAssemblyTest, TheLargestFrameFitsTheLeastPathInFourParts) {
    const std::size_t longest = kUdpPayloadProbed - wire::kTransportOverhead - 1;
    for (const std::size_t frame_max : {kFrameMax, kFrameMax - 35}) {
        const ByteVector datagram = datagram_of(longest);
        const auto parts = parts_of(7, datagram, frame_max);
        ASSERT_EQ(parts.size(), 4U);
        EXPECT_FALSE(add_all({parts[3], parts[1], parts[0]}));
        const auto whole = add_all({parts[2]});
        ASSERT_TRUE(whole);
        EXPECT_TRUE(same_bytes(*whole, datagram));
    }
}

TEST_F(PartAssemblyTest, WhatNeedsMoreThanFourPartsIsNotCut) {
    EXPECT_EQ(count_parts(4 * kPieceMax, kFrameMax), 4U);
    EXPECT_EQ(count_parts(4 * kPieceMax + 1, kFrameMax), 0U);
}

TEST_F(PartAssemblyTest, ForgetsWhatStaysIncompleteForTwoSeconds) {
    const ByteVector datagram = datagram_of(1400);
    const auto parts = parts_of(1, datagram);
    EXPECT_FALSE(add_all({parts[0]}));
    now += kPartialLifetime;
    EXPECT_FALSE(assembly.add(now, parts[1]));
    EXPECT_EQ(drops[Drop::kStale], 1U);
    const auto whole = add_all({parts[0]});
    ASSERT_TRUE(whole);
    EXPECT_TRUE(same_bytes(*whole, datagram));
}

TEST_F(PartAssemblyTest, HoldsAFewDatagramsAndDropsTheOldest) {
    const ByteVector datagram = datagram_of(1400);
    for (std::uint16_t id = 0; id < 1000; ++id) {
        EXPECT_FALSE(assembly.add(now, parts_of(id, datagram)[0]));
        EXPECT_LE(assembly.incomplete(), kPartialsMax);
    }
    EXPECT_EQ(drops[Drop::kLimit], 1000 - kPartialsMax);
    EXPECT_TRUE(add_all({parts_of(1000 - kPartialsMax, datagram)[1]}));
    EXPECT_FALSE(add_all({parts_of(0, datagram)[1]}));
    const auto forgotten = assembly.add(now, parts_of(999 - kPartialsMax, datagram)[1]);
    EXPECT_FALSE(forgotten);
    EXPECT_LE(sizeof(PartAssembly) + kPartialsMax * (wire::kPartsMax * kPieceMax + 64), 86'000U);
}

TEST_F(PartAssemblyTest, RefusesWhatContradictsOrRepeats) {
    const ByteVector datagram = datagram_of(1400);
    auto parts = parts_of(5, datagram);
    EXPECT_FALSE(add_all({parts[0]}));
    EXPECT_FALSE(assembly.add(now, parts[0]));
    EXPECT_EQ(drops[Drop::kStale], 1U);
    wire::Part other = parts[1];
    other.count = 3;
    EXPECT_FALSE(assembly.add(now, other));
    EXPECT_EQ(drops[Drop::kBadField], 1U);
    const ByteVector long_piece(kPieceMax + 1);
    other = {.id = 6, .index = 0, .count = 2, .piece = long_piece};
    EXPECT_FALSE(assembly.add(now, other));
    EXPECT_EQ(drops[Drop::kBadLength], 1U);
    const auto whole = add_all({parts[1]});
    ASSERT_TRUE(whole);
    EXPECT_TRUE(same_bytes(*whole, datagram));
}

TEST_F(PartAssemblyTest, ANewProcessOfThePeerStartsAfresh) {
    const ByteVector datagram = datagram_of(1400);
    const auto parts = parts_of(0, datagram);
    EXPECT_FALSE(add_all({parts[0]}));
    assembly.clear();
    EXPECT_FALSE(add_all({parts[1]}));
}

}  // namespace
}  // namespace pinhole::node
