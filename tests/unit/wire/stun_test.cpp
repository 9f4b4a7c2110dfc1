#include "shared/wire/stun.hpp"

#include <gtest/gtest.h>

namespace pinhole::wire {
namespace {

/// A Binding request with `attributes` behind its header.
ByteVector request_with(Bytes attributes) {
    ByteVector out(20 + attributes.size());
    Writer{out}
        .u16(1)
        .u16(static_cast<std::uint16_t>(attributes.size()))
        .u32(0x2112A442)
        .zeros(12)
        .bytes(attributes);
    return out;
}

ByteVector attribute(std::uint16_t type, std::uint16_t size) {
    ByteVector out(4U + (size + 3U) / 4U * 4U);
    Writer{out}.u16(type).u16(size);
    return out;
}

TEST(Stun, AnswersAnAddressThatTheXorHides) {
    const StunResponse response{.transaction = {},
                                .mapped = Endpoint::parse("192.0.2.1:80").value()};
    FixedBytes<kStunResponseSizeMax> out{};
    ASSERT_EQ(encode(response, out), 32U);
    Reader reader{Bytes{out}.subspan(26)};
    EXPECT_EQ(reader.u16() ^ 0x2112U, 80U);
    EXPECT_EQ(reader.u32() ^ 0x2112A442U, 0xC0000201U);
}

TEST(Stun, RefusesEveryOtherMessageType) {
    ByteVector request = request_with({});
    for (unsigned type = 0; type < 65536; ++type) {
        Writer{request}.u16(static_cast<std::uint16_t>(type));
        const auto parsed = parse_stun_request(request);
        ASSERT_EQ(parsed.has_value(), type == 1) << type;
        if (!parsed) {
            ASSERT_EQ(parsed.error(), Drop::kUnknownKind);
        }
    }
}

TEST(Stun, RefusesALengthThatIsNotTheDatagrams) {
    for (unsigned length = 1; length < 65536; ++length) {
        ByteVector request = request_with({});
        Writer{MutableBytes{request}.subspan(2)}.u16(static_cast<std::uint16_t>(length));
        const auto parsed = parse_stun_request(request);
        ASSERT_FALSE(parsed.has_value()) << length;
        ASSERT_EQ(parsed.error(), Drop::kBadLength);
    }
}

TEST(Stun, RefusesWhatMustBeUnderstoodAndIsNot) {
    for (unsigned type = 0; type < 0x8000; ++type) {
        const auto parsed =
            parse_stun_request(request_with(attribute(static_cast<std::uint16_t>(type), 4)));
        const bool is_harmless =
            type == 0x06 || type == 0x08 || type == 0x1C || type == 0x24 || type == 0x25;
        ASSERT_EQ(parsed.has_value(), is_harmless) << type;
        if (!parsed) {
            ASSERT_EQ(parsed.error(), Drop::kBadField);
        }
    }
}

TEST(Stun, StepsOverOptionalAttributesWithTheirPadding) {
    for (std::uint16_t size = 0; size < 9; ++size) {
        EXPECT_TRUE(parse_stun_request(request_with(attribute(0x8022, size))).has_value()) << size;
    }
}

TEST(Stun, RefusesAFingerprintOfAnotherLength) {
    for (const std::uint16_t size : std::initializer_list<std::uint16_t>{0, 3, 5, 8}) {
        const auto parsed = parse_stun_request(request_with(attribute(0x8028, size)));
        ASSERT_FALSE(parsed.has_value()) << size;
        EXPECT_EQ(parsed.error(), Drop::kBadField);
    }
}

TEST(Stun, AmplifiesAtMostAsMuchAsAllowed) {
    const StunResponse response{.transaction = {},
                                .mapped = Endpoint::parse("[2001:db8::1]:80").value()};
    FixedBytes<kStunResponseSizeMax> out{};
    EXPECT_LE(encode(response, out) * 10, request_with({}).size() * 22);
}

}  // namespace
}  // namespace pinhole::wire
