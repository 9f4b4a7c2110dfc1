#include "tests/vnet/fragments.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "shared/base/cursor.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/vnet/ip_numbers.hpp"

namespace pinhole::vnet {
namespace {

constexpr std::uint64_t kSeed = 11;

lab::Packet datagram(Family family, std::size_t size) {
    const bool is_v4 = family == Family::kV4;
    lab::Packet out{
        .source = lab::endpoint(is_v4 ? "192.0.2.1:40000" : "[2001:db8::1]:40000"),
        .destination = lab::endpoint(is_v4 ? "203.0.113.9:7" : "[2001:db8:5::a]:7"),
        .ttl = 9,
        .payload = ByteVector(size),
        .may_fragment = is_v4,
    };
    for (std::size_t i = 0; i < size; ++i) out.payload[i] = static_cast<std::byte>(i * i >> 3U);
    return out;
}

/// What comes out in the end; nothing if there is a piece missing.
std::optional<Reassembly::Whole> put_together(Reassembly& into,
                                              const std::vector<ByteVector>& pieces) {
    std::optional<Reassembly::Whole> whole;
    for (const ByteVector& piece : pieces) {
        EXPECT_FALSE(whole) << "complete before the last piece";
        EXPECT_TRUE(Reassembly::concerns(piece));
        whole = into.add(piece);
    }
    return whole;
}

TEST(Fragments, PiecesFitAndMakeTheSamePacketInAnyOrder) {
    test::SeededRandom random{kSeed};
    for (const Family family : {Family::kV4, Family::kV6}) {
        for (const std::size_t fragment_size : {68U, 576U, 1280U, 1281U, 1499U}) {
            lab::Packet packet = datagram(family, 3000);
            packet.fragment_size = fragment_size;
            auto pieces = write_pieces(packet, 77);
            ASSERT_GT(pieces.size(), 2U);
            for (const ByteVector& piece : pieces) {
                EXPECT_LE(piece.size(), fragment_size);
                EXPECT_EQ(parse_ip(piece).error(), Refusal::kFragment);
                if (family == Family::kV6) continue;
                EXPECT_EQ(internet_checksum(Bytes{piece}.first(20)), 0);
            }
            for (std::size_t i = pieces.size(); i > 1; --i) {
                std::swap(pieces[i - 1], pieces[random.below(i)]);
            }
            Reassembly reassembly;
            const auto whole = put_together(reassembly, pieces);
            ASSERT_TRUE(whole) << "seed " << kSeed << " size " << fragment_size;
            EXPECT_LE(whole->fragment_size, fragment_size);
            EXPECT_GT(whole->fragment_size + 8, fragment_size) << "no smaller than need be";
            const auto again = parse_ip(whole->packet);
            ASSERT_TRUE(again);
            EXPECT_EQ(again->source, packet.source);
            EXPECT_EQ(again->destination, packet.destination);
            EXPECT_EQ(again->ttl, packet.ttl);
            EXPECT_EQ(again->payload, packet.payload);
        }
    }
}

TEST(Fragments, WholePacketIsOnePiece) {
    const auto pieces = write_pieces(datagram(Family::kV4, 3000), 1);
    ASSERT_EQ(pieces.size(), 1U);
    EXPECT_FALSE(Reassembly::concerns(pieces[0]));
}

TEST(Fragments, LostTailLeavesTheFirstPiece) {
    lab::Packet packet = datagram(Family::kV4, 3000);
    packet.fragment_size = 1000;
    const auto all = write_pieces(packet, 1);
    packet.has_lost_tail = true;
    const auto left = write_pieces(packet, 1);
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0], all[0]);
    Reassembly reassembly;
    EXPECT_FALSE(put_together(reassembly, left));
}

TEST(Fragments, PacketsAtTheSameTimeDoNotMix) {
    lab::Packet packet = datagram(Family::kV6, 1500);
    packet.fragment_size = 1280;
    const auto one = write_pieces(packet, 1);
    packet.payload.assign(1500, std::byte{0xee});
    const auto other = write_pieces(packet, 2);
    Reassembly reassembly;
    EXPECT_FALSE(reassembly.add(one[0]));
    EXPECT_FALSE(reassembly.add(other[1]));
    const auto whole = reassembly.add(other[0]);
    ASSERT_TRUE(whole);
    EXPECT_EQ(parse_ip(whole->packet)->payload, packet.payload);
    EXPECT_TRUE(reassembly.add(one[1]));
}

TEST(Fragments, OldestGivesWayWhenTooManyAreIncomplete) {
    lab::Packet packet = datagram(Family::kV4, 1500);
    packet.fragment_size = 1000;
    Reassembly reassembly;
    for (std::uint32_t id = 0; id <= kIncompleteMax; ++id) {
        EXPECT_FALSE(reassembly.add(write_pieces(packet, id)[0]));
    }
    EXPECT_FALSE(reassembly.add(write_pieces(packet, 0)[1])) << "its first piece is forgotten";
    EXPECT_TRUE(reassembly.add(write_pieces(packet, kIncompleteMax)[1]));
}

TEST(Fragments, AnythingIsTakenAndOnlyReadablePacketsComeOut) {
    test::SeededRandom random{kSeed};
    Reassembly reassembly;
    int completed = 0;
    for (std::uint32_t round = 0; round < 20'000; ++round) {
        lab::Packet packet = datagram(random.below(2) == 0 ? Family::kV4 : Family::kV6, 400);
        packet.fragment_size = 300;
        for (ByteVector& piece : write_pieces(packet, round)) {
            for (std::uint64_t flips = random.below(3); flips > 0; --flips) {
                piece[random.below(60)] = static_cast<std::byte>(random.u32());
            }
            if (random.below(8) == 0) piece.resize(random.below(piece.size()) + 1);
            const auto whole = reassembly.add(piece);
            if (!whole) continue;
            ++completed;
            EXPECT_LE(whole->packet.size(), 65'535U) << "seed " << kSeed;
            static_cast<void>(parse_ip(whole->packet));
        }
    }
    EXPECT_GT(completed, 100);
}

}  // namespace
}  // namespace pinhole::vnet
