#include "shared/wire/binding.hpp"

#include <gtest/gtest.h>

#include "tests/unit/wire/wire_random.hpp"

namespace pinhole::wire::test {
namespace {

BindingResponse random_response(Random& random) {
    BindingResponse response;
    response.transaction = random.bytes<8>();
    response.mapped = random_endpoint(random);
    response.cookie = random.bytes<16>();
    const std::uint64_t others = random.below(4);
    for (std::uint64_t i = 0; i < others; ++i) {
        response.other_endpoints.push_back(random_endpoint(random));
    }
    if (random.below(2) == 0) response.server_key = random.bytes<32>();
    return response;
}

TEST(BindingRequest, SurvivesTheWireAndClearsItsPadding) {
    for (unsigned flags = 0; flags < 16; ++flags) {
        BindingRequest request{.wants_server_key = (flags & 1U) != 0,
                               .from_other_port = (flags & 2U) != 0,
                               .from_other_address = (flags & 4U) != 0,
                               .transaction = {std::byte{1}, std::byte{2}},
                               .cookie = {std::byte{3}}};
        if ((flags & 8U) != 0) request.answer_to = Endpoint::parse("192.0.2.1:80");
        const std::size_t size = request.answer_to ? 27 + kEndpointSize : 27;
        FixedBytes<kBindingRequestSize> out;
        out.fill(std::byte{0xAA});
        ASSERT_EQ(encode(request, out), kBindingRequestSize);
        EXPECT_EQ(parse_binding_request(out).value(), request);
        for (const std::byte octet : Bytes{out}.subspan(size)) EXPECT_EQ(octet, std::byte{0});
    }
}

TEST(BindingRequest, HasOneSizeOnly) {
    ByteVector out(512);
    const std::size_t size = encode(BindingRequest{}, out);
    for (std::size_t cut = 0; cut <= out.size(); ++cut) {
        const auto parsed = parse_binding_request(Bytes{out}.first(cut));
        ASSERT_EQ(parsed.has_value(), cut == size) << cut;
        if (cut < size) {
            EXPECT_EQ(parsed.error(), Drop::kRunt);
        }
        if (cut > size) {
            EXPECT_EQ(parsed.error(), Drop::kBadLength);
        }
    }
}

TEST(BindingResponse, SurvivesTheWire) {
    constexpr std::uint64_t kSeed = 5;
    SeededRandom random{kSeed};
    for (int round = 0; round < 200; ++round) {
        const BindingResponse response = random_response(random);
        FixedBytes<kBindingResponseSizeMax> out{};
        const std::size_t size = encode(response, out);
        EXPECT_EQ(parse_binding_response(Bytes{out}.first(size)).value(), response)
            << "seed " << kSeed << " round " << round;
    }
}

TEST(BindingResponse, IsNeverLongerThanItsRequest) {
    BindingResponse response;
    response.mapped = Endpoint::parse("192.0.2.1:80").value();
    while (response.other_endpoints.push_back(response.mapped)) continue;
    response.server_key = FixedBytes<32>{};
    ByteVector out(512);
    EXPECT_EQ(encode(response, out), kBindingResponseSizeMax);
    EXPECT_LE(kBindingResponseSizeMax, kBindingRequestSize);
}

TEST(BindingResponse, RefusesEveryCountAboveThree) {
    for (unsigned count = 0; count < 256; ++count) {
        FixedBytes<kBindingResponseSizeMax> out{};
        BindingResponse response;
        response.mapped = Endpoint::parse("192.0.2.1:80").value();
        while (response.other_endpoints.push_back(response.mapped)) continue;
        const std::size_t size = encode(response, out);
        out[46] = static_cast<std::byte>(count);
        const auto parsed = parse_binding_response(Bytes{out}.first(size));
        ASSERT_EQ(parsed.has_value(), count <= 3) << count;
        if (!parsed) {
            EXPECT_EQ(parsed.error(), Drop::kBadField);
        }
    }
}

TEST(BindingResponse, RefusesAnotherEndpointWithoutPort) {
    BindingResponse response;
    response.mapped = Endpoint::parse("192.0.2.1:80").value();
    response.other_endpoints.push_back(Endpoint::parse("192.0.2.1:0").value());
    FixedBytes<kBindingResponseSizeMax> out{};
    const std::size_t size = encode(response, out);
    EXPECT_EQ(parse_binding_response(Bytes{out}.first(size)).error(), Drop::kBadField);
}

TEST(BindingDeathTest, AssertsOnStorageThatIsTooSmall) {
    FixedBytes<kBindingRequestSize - 1> out{};
    EXPECT_DEATH(encode(BindingRequest{}, out), "output_");
}

}  // namespace
}  // namespace pinhole::wire::test
