#include "shared/wire/pcp.hpp"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"
#include "tests/unit/wire/vectors.hpp"
#include "tests/unit/wire/wire_random.hpp"

namespace pinhole::wire::test {
namespace {

// Written by hand from the figures of RFC 6887 7.1, 7.2 and 11.1.
constexpr const char* kRequest =
    "02010000"                           // version 2, MAP, reserved
    "00001c20"                           // 7200 s
    "00000000000000000000ffffc0a80b02"   // 192.168.11.2
    "000102030405060708090a0b"           // nonce
    "11000000"                           // UDP
    "9c40"                               // internal port 40000
    "c351"                               // suggested external port 50001
    "00000000000000000000ffff0b000009";  // suggested external address 11.0.0.9
constexpr const char* kResponse =
    "02810000"                           // version 2, response to MAP, success
    "00000e10"                           // 3600 s
    "0000002a"                           // epoch 42 s
    "000000000000000000000000"           // reserved
    "000102030405060708090a0b"           // nonce
    "11000000"                           // UDP
    "9c40"                               // internal port 40000
    "c351"                               // external port 50001
    "00000000000000000000ffff0b000009";  // external address 11.0.0.9

PcpNonce counting_nonce() {
    PcpNonce nonce{};
    for (std::size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<std::byte>(i);
    return nonce;
}

PcpMapResponse some_response() {
    return {.lifetime_s = 3600,
            .epoch_s = 42,
            .nonce = counting_nonce(),
            .internal_port = 40000,
            .external = Endpoint::parse("11.0.0.9:50001")};
}

template <class Message>
ByteVector encoded(const Message& message) {
    ByteVector out(kPcpMapSize);
    EXPECT_EQ(encode(message, out), kPcpMapSize);
    return out;
}

Drop why_not(Bytes datagram) {
    const auto parsed = parse_pcp_map_response(datagram);
    return parsed ? Drop::kCount : parsed.error();
}

TEST(Pcp, WritesTheRequestOfTheRfc) {
    const PcpMapRequest request{.nonce = counting_nonce(),
                                .client = IpAddress::parse("192.168.11.2").value(),
                                .internal_port = 40000,
                                .suggested = Endpoint::parse("11.0.0.9:50001").value(),
                                .lifetime_s = 7200};
    EXPECT_EQ(encoded(request), from_hex(kRequest));
    EXPECT_EQ(parse_pcp_map_request(from_hex(kRequest)).value(), request);
}

TEST(Pcp, WithoutASuggestionPortAndAddressAreZero) {
    const ByteVector bytes = encoded(PcpMapRequest{});
    EXPECT_EQ(to_hex(Bytes{bytes}.subspan(42)), "000000000000000000000000ffff00000000");
}

TEST(Pcp, ReadsTheResponseOfTheRfc) {
    EXPECT_EQ(parse_pcp_map_response(from_hex(kResponse)).value(), some_response());
    EXPECT_EQ(encoded(some_response()), from_hex(kResponse));
}

TEST(Pcp, ReadsAnIpv6ExternalAddress) {
    PcpMapResponse response = some_response();
    response.external = Endpoint::parse("[2001:db8::1]:7");
    EXPECT_EQ(parse_pcp_map_response(encoded(response)).value(), response);
}

TEST(Pcp, AnErrorNamesWhateverAddressTheGatewayLeftThere) {
    for (unsigned code = 1; code < 256; ++code) {
        ByteVector bytes = from_hex(kResponse);
        bytes[3] = static_cast<std::byte>(code);
        const auto parsed = parse_pcp_map_response(bytes);
        ASSERT_TRUE(parsed) << code;
        EXPECT_EQ(static_cast<unsigned>(parsed->result), code);
        EXPECT_EQ(parsed->external, some_response().external);
        EXPECT_EQ(parsed->lifetime_s, 3600U);
        Writer{MutableBytes{bytes}.subspan(56)}.zeros(4);
        EXPECT_EQ(parse_pcp_map_response(bytes)->external, std::nullopt);
    }
}

TEST(Pcp, AMappingWithoutNameIsRefusedUnlessItWasRemoved) {
    for (const auto& [at, size] : {std::pair{42U, 2U}, {56U, 4U}}) {
        ByteVector bytes = from_hex(kResponse);
        Writer{MutableBytes{bytes}.subspan(at)}.zeros(size);
        EXPECT_EQ(why_not(bytes), Drop::kBadField);
        Writer{MutableBytes{bytes}.subspan(4)}.u32(0);
        const auto removed = parse_pcp_map_response(bytes);
        ASSERT_TRUE(removed);
        EXPECT_EQ(removed->external, std::nullopt);
    }
}

TEST(Pcp, OptionsAtTheEndAreIgnored) {
    ByteVector bytes = from_hex(kResponse);
    bytes.resize(kPcpSizeMax);
    EXPECT_EQ(parse_pcp_map_response(bytes).value(), some_response());
}

TEST(Pcp, EveryOtherVersionIsNamedAsSuch) {
    for (unsigned version = 0; version < 256; ++version) {
        if (version == 2) continue;
        ByteVector bytes = from_hex(kResponse);
        bytes[0] = static_cast<std::byte>(version);
        ASSERT_EQ(why_not(bytes), Drop::kUnknownVersion) << version;
    }
    // What a gateway says that speaks NAT-PMP alone (RFC 6886 3.5).
    EXPECT_EQ(why_not(from_hex("0081000100000123")), Drop::kUnknownVersion);
}

TEST(Pcp, RequestsAndOtherOpcodesAreNoAnswer) {
    for (unsigned opcode = 0; opcode < 256; ++opcode) {
        if (opcode == 0x81) continue;
        ByteVector bytes = from_hex(kResponse);
        bytes[1] = static_cast<std::byte>(opcode);
        ASSERT_EQ(why_not(bytes), Drop::kUnknownKind) << opcode;
    }
}

TEST(Pcp, OtherTransportsThanUdpAreRefused) {
    ByteVector bytes = from_hex(kResponse);
    bytes[36] = std::byte{6};
    EXPECT_EQ(why_not(bytes), Drop::kBadField);
}

TEST(Pcp, NoPrefixOfAMessageIsOne) {
    for (std::size_t size = 0; size < kPcpMapSize; ++size) {
        const ByteVector response = to_vector(Bytes{from_hex(kResponse)}.first(size));
        EXPECT_EQ(why_not(response), Drop::kRunt) << size;
        const ByteVector request = to_vector(Bytes{from_hex(kRequest)}.first(size));
        EXPECT_FALSE(parse_pcp_map_request(request)) << size;
    }
}

TEST(Pcp, LengthsThatTheRfcForbidsAreRefused) {
    for (const std::size_t size : {kPcpMapSize + 1, kPcpMapSize + 2, kPcpSizeMax + 4}) {
        ByteVector bytes = from_hex(kResponse);
        bytes.resize(size);
        EXPECT_EQ(why_not(bytes), Drop::kBadLength) << size;
    }
}

TEST(Pcp, RandomMessagesSurviveTheWire) {
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        SeededRandom random{seed};
        const PcpMapRequest request{.nonce = random.bytes<12>(),
                                    .client = random_endpoint(random).ip,
                                    .internal_port = static_cast<std::uint16_t>(random.u32()),
                                    .suggested = random_endpoint(random),
                                    .lifetime_s = random.u32()};
        ASSERT_EQ(parse_pcp_map_request(encoded(request)).value(), request) << "seed " << seed;
    }
}

TEST(Pcp, AnEpochThatRunsWithOurClockMeansThatNothingWasLost) {
    EXPECT_FALSE(has_lost_state({100, 1000}, {160, 1060}));
    EXPECT_FALSE(has_lost_state({100, 1000}, {99, 1000})) << "one answer overtook another";
    EXPECT_FALSE(has_lost_state({100, 1000}, {1060, 2000})) << "within a sixteenth";
    EXPECT_FALSE(has_lost_state({100, 1000}, {102, 1000})) << "rounding";
}

TEST(Pcp, AnEpochThatJumpsMeansThatTheGatewayForgot) {
    EXPECT_TRUE(has_lost_state({100, 1000}, {98, 1000})) << "backwards";
    EXPECT_TRUE(has_lost_state({100, 1000}, {0, 1300})) << "restarted";
    EXPECT_TRUE(has_lost_state({100, 1000}, {120, 1300})) << "restarted, and then some";
    EXPECT_TRUE(has_lost_state({100, 1000}, {2000, 1300})) << "another gateway";
}

}  // namespace
}  // namespace pinhole::wire::test
