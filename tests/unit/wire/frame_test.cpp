#include "shared/wire/frame.hpp"

#include <gtest/gtest.h>

#include "tests/unit/wire/wire_random.hpp"

namespace pinhole::wire::test {
namespace {

/// The body of what encoding `frame` gives, behind the tag that it must begin with.
template <class Frame>
ByteVector body_of(const Frame& frame, FrameTag tag) {
    ByteVector out(2048);
    out.resize(encode(frame, out));
    EXPECT_EQ(out.front(), static_cast<std::byte>(tag));
    out.erase(out.begin());
    return out;
}

ByteVector rekey_body(std::uint8_t step, std::uint32_t receiver, std::size_t noise_size) {
    ByteVector out(9 + noise_size);
    Writer{out}.u8(step).u32(1).u32(receiver);
    return out;
}

TEST(Keepalive, SurvivesTheWire) {
    SeededRandom random{12};
    for (unsigned flags = 0; flags < 8; ++flags) {
        Keepalive frame{.wants_ack = (flags & 1U) != 0,
                        .is_ack = (flags & 2U) != 0,
                        .sequence = static_cast<std::uint16_t>(random.u32())};
        if ((flags & 4U) != 0) frame.observed = random_endpoint(random);
        const ByteVector body = body_of(frame, FrameTag::kKeepalive);
        EXPECT_EQ(body.size(), 22U) << "the size says nothing about the address";
        EXPECT_EQ(parse_keepalive(body).value(), frame);
    }
}

TEST(Keepalive, IgnoresFlagsOfLaterVersions) {
    ByteVector body = body_of(Keepalive{.wants_ack = true}, FrameTag::kKeepalive);
    body[0] |= std::byte{0xFC};
    EXPECT_EQ(parse_keepalive(body).value(), Keepalive{.wants_ack = true});
}

TEST(Challenge, CountsThePaddingBehindIt) {
    for (const std::uint16_t padding : std::initializer_list<std::uint16_t>{0, 1, 1200}) {
        const Challenge frame{.id = {std::byte{5}}, .selected = padding == 1, .padding = padding};
        const ByteVector body = body_of(frame, FrameTag::kChallenge);
        EXPECT_EQ(body.size(), 9U + padding);
        EXPECT_EQ(parse_challenge(body).value(), frame);
    }
}

TEST(Challenge, RefusesMorePaddingThanItCanCount) {
    const ByteVector body(9 + 65536);
    EXPECT_EQ(parse_challenge(body).error(), Drop::kBadLength);
    EXPECT_EQ(parse_challenge(Bytes{body}.first(9 + 65535)).value().padding, 65535);
}

TEST(Response, SurvivesTheWire) {
    SeededRandom random{13};
    const Response frame{.id = random.bytes<8>()};
    EXPECT_EQ(parse_response_frame(body_of(frame, FrameTag::kResponse)).value(), frame);
}

TEST(Rekey, SurvivesTheWire) {
    SeededRandom random{14};
    for (const auto step : {Rekey::Step::kMessage1, Rekey::Step::kMessage2}) {
        const ByteVector noise = random_bytes(random, 110);
        Rekey frame{.step = step, .sender = SessionIndex{random.u32()}, .noise = noise};
        if (step == Rekey::Step::kMessage2) frame.receiver = SessionIndex{random.u32()};
        const ByteVector body = body_of(frame, FrameTag::kRekey);
        const auto parsed = parse_rekey(body);
        ASSERT_TRUE(parsed.has_value());
        EXPECT_EQ(parsed->step, step);
        EXPECT_EQ(parsed->sender, frame.sender);
        EXPECT_EQ(parsed->receiver, frame.receiver);
        EXPECT_TRUE(same_bytes(parsed->noise, noise));
    }
}

TEST(Rekey, RefusesEveryOtherStep) {
    for (unsigned step = 0; step < 256; ++step) {
        if (step == 1 || step == 2) continue;
        const auto parsed = parse_rekey(rekey_body(static_cast<std::uint8_t>(step), 0, 200));
        ASSERT_FALSE(parsed.has_value()) << step;
        EXPECT_EQ(parsed.error(), Drop::kBadField);
    }
}

TEST(Rekey, RefusesANoiseMessageShorterThanItsPattern) {
    EXPECT_EQ(parse_rekey(rekey_body(1, 0, 95)).error(), Drop::kBadLength);
    EXPECT_TRUE(parse_rekey(rekey_body(1, 0, 96)).has_value());
    EXPECT_EQ(parse_rekey(rekey_body(2, 3, 47)).error(), Drop::kBadLength);
    EXPECT_TRUE(parse_rekey(rekey_body(2, 3, 48)).has_value());
}

TEST(Rekey, RefusesAReceiverInMessage1) {
    EXPECT_EQ(parse_rekey(rekey_body(1, 3, 96)).error(), Drop::kBadField);
}

TEST(Close, SurvivesTheWireForEveryReason) {
    for (unsigned reason = 0; reason < 256; ++reason) {
        const FixedBytes<3> body{static_cast<std::byte>(reason), std::byte{1}, std::byte{2}};
        const auto parsed = parse_close(body);
        ASSERT_EQ(parsed.has_value(), reason <= 4) << reason;
        if (!parsed) {
            EXPECT_EQ(parsed.error(), Drop::kBadField);
            continue;
        }
        EXPECT_EQ(static_cast<unsigned>(parsed->reason), reason);
        EXPECT_EQ(parsed->rejoin_window_s, 0x0102);
        EXPECT_TRUE(same_bytes(body_of(*parsed, FrameTag::kClose), body));
    }
}

TEST(FrameDeathTest, AssertsOnARekeyMessage1WithAReceiver) {
    FixedBytes<256> out{};
    EXPECT_DEATH(encode(Rekey{.sender = SessionIndex{1}, .receiver = SessionIndex{2}}, out),
                 "receiver");
}

}  // namespace
}  // namespace pinhole::wire::test
