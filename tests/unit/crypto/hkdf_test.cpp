#include "shared/crypto/hkdf.hpp"

#include <iostream>

#include <gtest/gtest.h>

#include "tests/unit/crypto/vectors.hpp"

namespace pinhole::crypto {
namespace {

using test::from_hex;
using test::hex_field;
using test::to_hex;

TEST(HmacSha256, PassesWycheproof) {
    PINHOLE_LOAD_VECTORS(file, "wycheproof-hmac_sha256.json");
    int valid = 0;
    int invalid = 0;
    for (const auto& group : file.at("testGroups")) {
        const auto tag_size = group.at("tagSize").get<std::size_t>() / 8;
        for (const auto& vector : group.at("tests")) {
            SCOPED_TRACE(vector.at("tcId").get<int>());
            const auto mac = hmac_sha256(hex_field(vector, "key"), hex_field(vector, "msg"));
            const std::string ours = to_hex(mac.bytes().first(tag_size));
            if (vector.at("result") == "valid") {
                EXPECT_EQ(ours, vector.at("tag").get<std::string>());
                ++valid;
            } else {
                EXPECT_NE(ours, vector.at("tag").get<std::string>());
                ++invalid;
            }
        }
    }
    std::cout << "hmac_sha256: " << valid << " valid, " << invalid << " invalid\n";
    EXPECT_GT(valid, 0);
    EXPECT_GT(invalid, 0);
}

TEST(Hkdf, FollowsRfc5869WithoutInfo) {
    // RFC 5869 A.3: no salt, no info. Its 42 bytes are the first output and 10 of the second.
    const ByteVector input(22, std::byte{0x0b});
    const auto two = hkdf<2>({}, input);
    EXPECT_EQ(to_hex(two[0].bytes()),
              "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
    EXPECT_EQ(to_hex(two[1].bytes().first(10)), "9d201395faa4b61a96c8");
}

TEST(Hkdf, ThirdOutputContinuesTheChain) {
    const auto two = hkdf<2>(as_bytes("salt"), as_bytes("input"));
    const auto three = hkdf<3>(as_bytes("salt"), as_bytes("input"));
    EXPECT_EQ(to_hex(three[0].bytes()), to_hex(two[0].bytes()));
    EXPECT_EQ(to_hex(three[1].bytes()), to_hex(two[1].bytes()));
    // RFC 5869 2.3: T(3) = HMAC(PRK, T(2) || 0x03).
    ByteVector chain = to_vector(two[1].bytes());
    chain.push_back(std::byte{3});
    const auto extracted = hmac_sha256(as_bytes("salt"), as_bytes("input"));
    EXPECT_EQ(to_hex(three[2].bytes()), to_hex(hmac_sha256(extracted.bytes(), chain).bytes()));
}

TEST(TransportKey, IsDerivedUnderItsLabel) {
    ByteVector raw(32);
    for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<std::byte>(i);
    const SecretBytes<32> noise_key{raw};
    // Python: T(1) of HKDF-SHA-256 with this label as salt, by hmac.new twice.
    EXPECT_EQ(to_hex(derive_transport_key(noise_key, "pinhole aes-256-gcm").bytes()),
              "653159e2166e0a3c139f7c69ea8deed4ec67472333209eb998bd4354b5c5a7e4");
    EXPECT_NE(to_hex(derive_transport_key(noise_key, "other").bytes()),
              to_hex(derive_transport_key(noise_key, "pinhole aes-256-gcm").bytes()));
}

}  // namespace
}  // namespace pinhole::crypto
