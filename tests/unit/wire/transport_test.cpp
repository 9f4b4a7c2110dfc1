#include "shared/wire/transport.hpp"

#include <gtest/gtest.h>

#include "tests/unit/wire/wire_random.hpp"

namespace pinhole::wire::test {
namespace {

TEST(TransportHeader, SurvivesTheWireAndTouchesOnlyItsBytes) {
    constexpr std::uint64_t kSeed = 9;
    SeededRandom random{kSeed};
    for (int round = 0; round < 100; ++round) {
        const TransportHeader header{.receiver = SessionIndex{random.u32()},
                                     .counter = random.u64()};
        FixedBytes<kTransportSizeMin> out;
        out.fill(std::byte{0xAA});
        encode_header(header, out);
        EXPECT_EQ(parse_transport_header(out).value(), header)
            << "seed " << kSeed << " round " << round;
        for (const std::byte octet : Bytes{out}.subspan(kTransportHeaderSize)) {
            EXPECT_EQ(octet, std::byte{0xAA});
        }
    }
}

TEST(TransportHeader, NeedsRoomForAFrameTagAndTheAeadTag) {
    const FixedBytes<kTransportSizeMin> datagram{};
    EXPECT_TRUE(parse_transport_header(datagram).has_value());
    for (std::size_t size = 0; size < datagram.size(); ++size) {
        EXPECT_EQ(parse_transport_header(Bytes{datagram}.first(size)).error(), Drop::kRunt);
    }
}

TEST(Opener, SurvivesTheWireAtOneSizeOnly) {
    SeededRandom random{10};
    const Opener opener{.mac = random.bytes<16>()};
    FixedBytes<kOpenerSize + 4> out{};
    ASSERT_EQ(encode(opener, out), kOpenerSize);
    EXPECT_EQ(parse_opener(Bytes{out}.first(kOpenerSize)).value(), opener);
    EXPECT_EQ(parse_opener(Bytes{out}.first(kOpenerSize - 1)).error(), Drop::kRunt);
    EXPECT_EQ(parse_opener(Bytes{out}.first(kOpenerSize + 1)).error(), Drop::kBadLength);
}

TEST(Gone, SurvivesTheWireAtOneSizeOnly) {
    SeededRandom random{11};
    const Gone gone{.index = SessionIndex{random.u32()}, .token = random.bytes<16>()};
    FixedBytes<kGoneSize + 4> out{};
    ASSERT_EQ(encode(gone, out), kGoneSize);
    EXPECT_EQ(parse_gone(Bytes{out}.first(kGoneSize)).value(), gone);
    EXPECT_EQ(parse_gone(Bytes{out}.first(kGoneSize - 1)).error(), Drop::kRunt);
    EXPECT_EQ(parse_gone(Bytes{out}.first(kGoneSize + 1)).error(), Drop::kBadLength);
}

TEST(Gone, IsSmallerThanAnyTransportMessageThatDrawsIt) {
    EXPECT_LT(kGoneSize, kTransportSizeMin);
}

}  // namespace
}  // namespace pinhole::wire::test
