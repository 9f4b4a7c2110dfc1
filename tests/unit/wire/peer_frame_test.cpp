#include "shared/wire/peer_frame.hpp"

#include <gtest/gtest.h>

#include "tests/unit/wire/wire_random.hpp"

namespace pinhole::wire::test {
namespace {

template <class Frame>
ByteVector encoded(const Frame& frame) {
    ByteVector out(2048);
    out.resize(encode(frame, out));
    return out;
}

TEST(PeerFrame, HoldsTheAlternativeThatItsTagNames) {
    EXPECT_TRUE(std::holds_alternative<Keepalive>(parse_peer_frame(encoded(Keepalive{})).value()));
    EXPECT_TRUE(std::holds_alternative<Response>(parse_peer_frame(encoded(Response{})).value()));
    EXPECT_TRUE(std::holds_alternative<SprayOk>(parse_peer_frame(encoded(SprayOk{})).value()));
}

TEST(PeerFrame, BorrowsTheEnetDatagram) {
    SeededRandom random{15};
    const ByteVector datagram = random_bytes(random, 1160);
    const ByteVector frame = encoded(EnetFrame{.datagram = datagram});
    const auto parsed = parse_peer_frame(frame);
    ASSERT_TRUE(parsed.has_value());
    const Bytes held = std::get<EnetFrame>(*parsed).datagram;
    EXPECT_TRUE(same_bytes(held, datagram));
    EXPECT_EQ(held.data(), frame.data() + 1);
}

TEST(PeerFrame, CandidatesSurviveTheWire) {
    constexpr std::uint64_t kSeed = 16;
    SeededRandom random{kSeed};
    for (int round = 0; round < 50; ++round) {
        const CandidatesFrame frame{.candidates = random_candidates(random)};
        const auto parsed = parse_peer_frame(encoded(frame));
        ASSERT_TRUE(parsed.has_value()) << "seed " << kSeed << " round " << round;
        EXPECT_EQ(std::get<CandidatesFrame>(*parsed), frame)
            << "seed " << kSeed << " round " << round;
    }
}

TEST(PeerFrame, TakesPartsOfAtMostFour) {
    for (unsigned count = 0; count < 256; ++count) {
        for (unsigned index = 0; index < 6; ++index) {
            const FixedBytes<6> frame{std::byte{0x12},
                                      std::byte{1},
                                      std::byte{2},
                                      static_cast<std::byte>(index),
                                      static_cast<std::byte>(count),
                                      std::byte{9}};
            const auto parsed = parse_peer_frame(frame);
            ASSERT_EQ(parsed.has_value(), count <= 4 && index < count) << index << "/" << count;
            if (!parsed) {
                EXPECT_EQ(parsed.error(), Drop::kBadField);
                continue;
            }
            EXPECT_EQ(std::get<Part>(*parsed).id, 0x0102);
            EXPECT_TRUE(same_bytes(encoded(std::get<Part>(*parsed)), frame));
        }
    }
}

TEST(PeerFrame, NatBehaviorSurvivesTheWire) {
    constexpr std::uint64_t kSeed = 18;
    SeededRandom random{kSeed};
    for (int round = 0; round < 50; ++round) {
        NatBehaviorFrame frame{.behavior = random_behavior(random)};
        if (random.below(2) == 0) frame.external = random_endpoint(random);
        const auto parsed = parse_peer_frame(encoded(frame));
        ASSERT_TRUE(parsed.has_value()) << "seed " << kSeed << " round " << round;
        EXPECT_EQ(std::get<NatBehaviorFrame>(*parsed), frame)
            << "seed " << kSeed << " round " << round;
    }
}

TEST(PeerFrame, DropsWhatIsNoFrameBetweenPeers) {
    constexpr std::string_view kTags = "\x01\x02\x03\x04\x05\x10\x11\x12\x13\x14";
    for (unsigned tag = 0; tag < 256; ++tag) {
        const FixedBytes<1> frame{static_cast<std::byte>(tag)};
        const bool is_known = kTags.find(static_cast<char>(tag)) != std::string_view::npos;
        EXPECT_EQ(parse_peer_frame(frame).error(),
                  is_known ? Drop::kBadLength : Drop::kUnknownFrame)
            << tag;
    }
    EXPECT_EQ(parse_peer_frame({}).error(), Drop::kRunt);
}

TEST(PeerFrameDeathTest, AssertsOnFramesThatNoParserTakes) {
    FixedBytes<64> out{};
    const FixedBytes<1> piece{};
    EXPECT_DEATH(encode(EnetFrame{}, out), "datagram");
    EXPECT_DEATH(encode(Part{.index = 0, .count = 5, .piece = piece}, out), "kPartsMax");
    EXPECT_DEATH(encode(Part{.index = 1, .count = 1, .piece = piece}, out), "frame.count");
    EXPECT_DEATH(encode(Part{}, out), "piece");
}

}  // namespace
}  // namespace pinhole::wire::test
