#include "shared/crypto/keys.hpp"

#include <iostream>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"
#include "tests/unit/crypto/vectors.hpp"

namespace pinhole::crypto {
namespace {

using test::from_hex;
using test::hex_field;
using test::to_hex;

TEST(PublicKey, HasOneTextForm) {
    PublicKey key;
    for (std::size_t i = 0; i < kKeySize; ++i) key.raw[i] = static_cast<std::byte>(i);
    // Python: base64.b32encode(bytes(range(32))).decode().rstrip('=').lower()
    EXPECT_EQ(key.to_string(), "pk:aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq");
    EXPECT_EQ(key.short_string(), "aaaqeaye");
    EXPECT_EQ(key.to_string("rv"), "rv:aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq");
    EXPECT_EQ(fmt::format("{}", key), key.to_string());
}

TEST(PublicKey, ReadsWhatItWrote) {
    pinhole::test::SeededRandom random{11};
    const PublicKey key = KeyPair::generate(random).public_key;
    EXPECT_EQ(PublicKey::parse(key.to_string()), key);
    EXPECT_EQ(PublicKey::parse(key.to_string(kServerKeyPrefix), kServerKeyPrefix), key);
}

TEST(PublicKey, RefusesAnotherPrefixOrLength) {
    pinhole::test::SeededRandom random{12};
    const std::string text = KeyPair::generate(random).public_key.to_string();
    EXPECT_FALSE(PublicKey::parse(text, kServerKeyPrefix));
    EXPECT_FALSE(PublicKey::parse(text.substr(3)));
    EXPECT_FALSE(PublicKey::parse(text.substr(0, text.size() - 1)));
    EXPECT_FALSE(PublicKey::parse(text + "a"));
    EXPECT_FALSE(PublicKey::parse("pk"));
    EXPECT_FALSE(PublicKey::parse("pkx" + text.substr(3)));
    EXPECT_FALSE(PublicKey::parse(""));
}

TEST(PublicKey, IsOrderedAsMemcmpOrders) {
    PublicKey small;
    PublicKey large;
    small.raw[0] = std::byte{0x7f};
    small.raw[1] = std::byte{0xff};
    large.raw[0] = std::byte{0x80};  // negative, if bytes were signed
    EXPECT_LT(small, large);
    EXPECT_GT(std::memcmp(large.raw.data(), small.raw.data(), kKeySize), 0);
    EXPECT_NE(std::hash<PublicKey>{}(small), std::hash<PublicKey>{}(large));
}

TEST(KeyPair, FollowsRfc7748) {
    // RFC 7748 6.1, as Bob sees it.
    const auto bob = KeyPair::from_secret(
        SecretKey{from_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")});
    EXPECT_EQ(to_hex(bob.public_key.bytes()),
              "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    const auto alice = PublicKey::from_bytes(
        from_hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
    const auto shared = diffie_hellman(bob.secret, alice);
    ASSERT_TRUE(shared);
    EXPECT_EQ(to_hex(shared->bytes()),
              "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

TEST(KeyPair, GeneratesFromTheGivenRandomness) {
    pinhole::test::SeededRandom one{13};
    pinhole::test::SeededRandom same{13};
    const KeyPair first = KeyPair::generate(one);
    EXPECT_EQ(first.public_key, KeyPair::generate(same).public_key);
    EXPECT_NE(first.public_key, KeyPair::generate(one).public_key);
    EXPECT_EQ(first.clone().public_key, KeyPair::from_secret(first.secret.clone()).public_key);
}

TEST(DiffieHellman, RefusesPointsOfSmallOrder) {
    pinhole::test::SeededRandom random{14};
    const SecretKey secret = SecretKey::random(random);
    PublicKey zero;
    PublicKey one;
    one.raw[0] = std::byte{1};
    for (const PublicKey& useless : {zero, one}) {
        const auto shared = diffie_hellman(secret, useless);
        ASSERT_FALSE(shared);
        EXPECT_EQ(shared.error(), Drop::kBadKey);
    }
}

TEST(DiffieHellman, PassesWycheproof) {
    PINHOLE_LOAD_VECTORS(file, "wycheproof-x25519.json");
    int accepted = 0;
    int refused = 0;
    for (const auto& group : file.at("testGroups")) {
        for (const auto& vector : group.at("tests")) {
            SCOPED_TRACE(vector.at("tcId").get<int>());
            const ByteVector expected = hex_field(vector, "shared");
            const auto shared = diffie_hellman(SecretKey{hex_field(vector, "private")},
                                               PublicKey::from_bytes(hex_field(vector, "public")));
            if (std::ranges::count(expected, std::byte{0}) == kKeySize) {
                ASSERT_FALSE(shared);
                EXPECT_EQ(shared.error(), Drop::kBadKey);
                ++refused;
            } else {
                ASSERT_TRUE(shared);
                EXPECT_EQ(to_hex(shared->bytes()), to_hex(expected));
                ++accepted;
            }
        }
    }
    std::cout << "x25519: " << accepted << " accepted, " << refused << " refused\n";
    EXPECT_GT(accepted, 0);
    EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace pinhole::crypto
