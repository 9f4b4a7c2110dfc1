#include "shared/wire/candidate.hpp"

#include <gtest/gtest.h>

#include "tests/unit/wire/wire_random.hpp"

namespace pinhole::wire::test {
namespace {

constexpr std::size_t kListSizeMax = 1 + kCandidatesMax * (1 + kEndpointSize + 16);

Parsed<std::optional<Endpoint>> endpoint_from(std::uint8_t family, const FixedBytes<16>& address,
                                              std::uint16_t port) {
    FixedBytes<kEndpointSize> bytes{};
    Writer{bytes}.u8(family).bytes(address).u16(port);
    Reader reader{bytes};
    return read_endpoint(reader);
}

FixedBytes<16> mapped_v4() {
    return IpAddress::v4(0xC0000201).v6_bytes();
}

TEST(EndpointField, IsTheSameSizeForEveryAddress) {
    for (const char* text : {"192.0.2.1:80", "[2001:db8::1]:65535", ""}) {
        FixedBytes<32> out{};
        Writer writer{out};
        const auto endpoint = Endpoint::parse(text);
        write_endpoint(writer, endpoint);
        EXPECT_EQ(writer.size(), kEndpointSize) << text;
        Reader reader{writer.written()};
        const auto read = read_endpoint(reader);
        ASSERT_TRUE(read.has_value()) << text;
        EXPECT_EQ(*read, endpoint) << text;
    }
}

TEST(EndpointField, RefusesAFamilyThatContradictsTheAddress) {
    EXPECT_TRUE(endpoint_from(4, mapped_v4(), 80).has_value());
    EXPECT_EQ(endpoint_from(6, mapped_v4(), 80).error(), Drop::kBadField);
    EXPECT_EQ(endpoint_from(4, FixedBytes<16>{std::byte{0x20}}, 80).error(), Drop::kBadField);
}

TEST(EndpointField, RefusesEveryUnknownFamily) {
    for (unsigned family = 1; family < 256; ++family) {
        if (family == 4 || family == 6) continue;
        const auto read = endpoint_from(static_cast<std::uint8_t>(family), mapped_v4(), 80);
        ASSERT_FALSE(read.has_value()) << family;
        EXPECT_EQ(read.error(), Drop::kBadField);
    }
}

TEST(EndpointField, HasOneSpellingOfNone) {
    EXPECT_EQ(endpoint_from(0, {}, 0).value(), std::nullopt);
    EXPECT_EQ(endpoint_from(0, {}, 1).error(), Drop::kBadField);
    EXPECT_EQ(endpoint_from(0, mapped_v4(), 0).error(), Drop::kBadField);
}

TEST(EndpointField, RequiredMeansSomebodyCanBeReachedThere) {
    for (const char* text : {"192.0.2.1:0", ""}) {
        FixedBytes<kEndpointSize> bytes{};
        Writer writer{bytes};
        write_endpoint(writer, Endpoint::parse(text));
        Reader reader{bytes};
        EXPECT_EQ(read_required_endpoint(reader).error(), Drop::kBadField) << text;
    }
}

TEST(CandidateList, SurvivesTheWire) {
    constexpr std::uint64_t kSeed = 20;
    SeededRandom random{kSeed};
    for (int round = 0; round < 200; ++round) {
        const CandidateList candidates = random_candidates(random);
        FixedBytes<kListSizeMax> out{};
        Writer writer{out};
        write_candidates(writer, candidates);
        Reader reader{writer.written()};
        const auto read = read_candidates(reader);
        ASSERT_TRUE(read.has_value()) << "seed " << kSeed << " round " << round;
        EXPECT_EQ(*read, candidates) << "seed " << kSeed << " round " << round;
        EXPECT_EQ(reader.remaining(), 0U);
    }
}

TEST(CandidateList, RefusesEveryCountAboveEight) {
    for (unsigned count = kCandidatesMax + 1; count < 256; ++count) {
        ByteVector bytes(1 + count * (1 + kEndpointSize));
        Writer writer{bytes};
        writer.u8(static_cast<std::uint8_t>(count));
        for (unsigned i = 0; i < count; ++i) {
            writer.u8(0);
            write_endpoint(writer, Endpoint::parse("192.0.2.1:80"));
        }
        Reader reader{bytes};
        const auto read = read_candidates(reader);
        ASSERT_FALSE(read.has_value()) << count;
        EXPECT_EQ(read.error(), Drop::kBadField) << count;
    }
}

TEST(CandidateList, RefusesEveryUnknownType) {
    for (unsigned first = 0; first < 256; ++first) {
        FixedBytes<kListSizeMax> out{};
        Writer writer{out};
        writer.u8(1).u8(static_cast<std::uint8_t>(first));
        write_endpoint(writer, Endpoint::parse("192.0.2.1:80"));
        writer.zeros(16);
        Reader reader{writer.written()};
        const auto read = read_candidates(reader);
        const bool is_known = (first & 0x7FU) <= 4;
        ASSERT_EQ(read.has_value(), is_known) << first;
        if (!read) {
            EXPECT_EQ(read.error(), Drop::kBadField);
        }
        if (read) {
            EXPECT_EQ((*read)[0].proof.has_value(), first >= 128);
        }
    }
}

TEST(CandidateListDeathTest, AssertsOnAnEndpointNobodyCanReach) {
    FixedBytes<64> out{};
    Writer writer{out};
    EXPECT_DEATH(
        write_candidates(writer, {Candidate{.type = CandidateType::kHost, .endpoint = {}}}),
        "port != 0");
}

}  // namespace
}  // namespace pinhole::wire::test
