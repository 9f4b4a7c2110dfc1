#include "shared/wire/handshake.hpp"

#include <gtest/gtest.h>

#include "tests/unit/wire/wire_random.hpp"

namespace pinhole::wire::test {
namespace {

ByteVector initiation_with(std::size_t noise_size) {
    ByteVector out(kInitiationOverhead + noise_size);
    Writer writer{out};
    write_kind(writer, Kind::kHandshakeInitiation);
    writer.u32(7).zeros(8).zeros(noise_size).zeros(16).zeros(16);
    return out;
}

TEST(HandshakeInitiation, CoversEverythingBeforeMac1) {
    SeededRandom random{6};
    const ByteVector noise = random_bytes(random, 162);
    FixedBytes<kHandshakeSizeMax> out{};
    const std::size_t covered = encode_covered(
        HandshakeInitiation{
            .sender = SessionIndex{9}, .nonce_tag = random.bytes<8>(), .noise = noise},
        out);
    EXPECT_EQ(covered, kInitiationOverhead - 32 + noise.size());
    Writer{MutableBytes{out}.subspan(covered)}.bytes(random.bytes<16>()).bytes(random.bytes<16>());

    const Bytes datagram = Bytes{out}.first(covered + 32);
    const auto parsed = parse_initiation(datagram);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_TRUE(same_bytes(parsed->covered, datagram.first(covered)));
    EXPECT_TRUE(same_bytes(parsed->mac1, datagram.subspan(covered, 16)));
    EXPECT_TRUE(same_bytes(parsed->cookie, datagram.last(16)));
    EXPECT_TRUE(same_bytes(parsed->noise, noise));
    EXPECT_EQ(parsed->noise.data(), datagram.data() + 14) << "borrowed, not copied";
}

TEST(HandshakeInitiation, ChangesNothingButTheCookieFromPathToPath) {
    ByteVector one = initiation_with(110);
    ByteVector two = one;
    two.back() = std::byte{1};
    const auto first = parse_initiation(one);
    const auto second = parse_initiation(two);
    ASSERT_TRUE(first.has_value());
    ASSERT_TRUE(second.has_value());
    EXPECT_TRUE(same_bytes(first->covered, second->covered));
    EXPECT_EQ(first->mac1, second->mac1);
    EXPECT_NE(first->cookie, second->cookie);
}

TEST(HandshakeInitiation, IsBoundedOnBothSides) {
    for (std::size_t noise = 0; noise < 300; ++noise) {
        const auto parsed = parse_initiation(initiation_with(noise));
        ASSERT_EQ(parsed.has_value(), noise >= 110 && noise <= 238) << noise;
        if (noise < 110) {
            EXPECT_EQ(parsed.error(), Drop::kRunt);
        }
        if (noise > 238) {
            EXPECT_EQ(parsed.error(), Drop::kBadLength);
        }
    }
    EXPECT_EQ(kHandshakeSizeMax, initiation_with(238).size());
}

TEST(HandshakeResponse, IsBoundedOnBothSides) {
    for (std::size_t noise = 0; noise < 300; ++noise) {
        const ByteVector datagram(kResponseOverhead + noise);
        const auto parsed = parse_response(datagram);
        ASSERT_EQ(parsed.has_value(), noise >= 62 && noise <= 190) << noise;
        if (noise < 62) {
            EXPECT_EQ(parsed.error(), Drop::kRunt);
        }
        if (noise > 190) {
            EXPECT_EQ(parsed.error(), Drop::kBadLength);
        }
    }
}

TEST(HandshakeResponse, IsNeverLongerThanTheInitiationItAnswers) {
    // Both carry an ENet datagram; VERIFY_CONNECT is 4 bytes longer than CONNECT.
    EXPECT_LE(kResponseSizeMin + 4, kInitiationSizeMin);
    EXPECT_LE(kRetrySize, kInitiationSizeMin);
}

TEST(Retry, SurvivesTheWireAtOneSizeOnly) {
    SeededRandom random{7};
    const Retry retry{.receiver = SessionIndex{random.u32()}, .cookie = random.bytes<16>()};
    FixedBytes<kRetrySize + 8> out{};
    ASSERT_EQ(encode(retry, out), kRetrySize);
    for (std::size_t size = 0; size <= out.size(); ++size) {
        const auto parsed = parse_retry(Bytes{out}.first(size));
        ASSERT_EQ(parsed.has_value(), size == kRetrySize) << size;
        if (size < kRetrySize) {
            EXPECT_EQ(parsed.error(), Drop::kRunt);
        }
        if (size > kRetrySize) {
            EXPECT_EQ(parsed.error(), Drop::kBadLength);
        }
    }
    EXPECT_EQ(parse_retry(Bytes{out}.first(kRetrySize)).value(), retry);
}

TEST(HandshakePayload, CarriesEnetUpToItsLimit) {
    SeededRandom random{8};
    for (std::size_t size = 0; size <= kHandshakeEnetMax; ++size) {
        const ByteVector enet = random_bytes(random, size);
        const HandshakePayload payload{
            .features = random.u32(), .incarnation = Incarnation{random.u64()}, .enet = enet};
        FixedBytes<kHandshakePayloadMax> out{};
        const std::size_t written = encode(payload, out);
        ASSERT_EQ(written, kHandshakePayloadSize + size);
        const auto parsed = parse_handshake_payload(Bytes{out}.first(written));
        ASSERT_TRUE(parsed.has_value());
        EXPECT_EQ(parsed->features, payload.features);
        EXPECT_EQ(parsed->incarnation, payload.incarnation);
        EXPECT_TRUE(same_bytes(parsed->enet, enet));
    }
}

TEST(HandshakePayload, RefusesEveryEnetLengthBeyondTheLimit) {
    ByteVector payload(kHandshakePayloadSize + 65535);
    for (unsigned size = kHandshakeEnetMax + 1; size <= 65535; ++size) {
        Writer{MutableBytes{payload}.subspan(12)}.u16(static_cast<std::uint16_t>(size));
        const auto parsed = parse_handshake_payload(payload);
        ASSERT_FALSE(parsed.has_value()) << size;
        ASSERT_EQ(parsed.error(), Drop::kBadLength);
    }
}

TEST(HandshakeDeathTest, AssertsOnANoiseMessageThatNoParserTakes) {
    FixedBytes<1024> out{};
    const ByteVector noise(300);
    const Bytes all{noise};
    EXPECT_DEATH(encode_covered(HandshakeInitiation{.noise = all.first(109)}, out), "noise");
    EXPECT_DEATH(encode_covered(HandshakeInitiation{.noise = all.first(239)}, out), "noise");
    EXPECT_DEATH(encode_covered(HandshakeResponse{.noise = all.first(61)}, out), "noise");
    EXPECT_DEATH(encode_covered(HandshakeResponse{.noise = all.first(191)}, out), "noise");
    EXPECT_DEATH(encode(HandshakePayload{.enet = all.first(129)}, out), "kHandshakeEnetMax");
}

}  // namespace
}  // namespace pinhole::wire::test
