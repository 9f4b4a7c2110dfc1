#include "shared/crypto/mac.hpp"

#include <gtest/gtest.h>

#include "tests/unit/crypto/vectors.hpp"

namespace pinhole::crypto {
namespace {

using test::to_hex;

// The expected values are Python's: hashlib.blake2b(data, digest_size=32, key=..., person=...).

template <std::size_t N>
FixedBytes<N> counting_bytes() {
    FixedBytes<N> bytes;
    for (std::size_t i = 0; i < N; ++i) bytes[i] = static_cast<std::byte>(i);
    return bytes;
}

TEST(Mac1, KeyComesFromTheResponder) {
    const PublicKey responder{counting_bytes<32>()};
    EXPECT_EQ(to_hex(mac1_key(responder)),
              "f22c8f64214038bd44916f037a8deee5cc7ae943b07d08245396ee45b7b139e6");
}

TEST(Mac16, IsKeyedBlake2b) {
    EXPECT_EQ(to_hex(mac16(counting_bytes<16>(), as_bytes("hello"))),
              "6edede28e1df477d7c6c0d4e1b8d0e47");
}

TEST(NonceTag, IsAHashOfTheNonce) {
    EXPECT_EQ(to_hex(nonce_tag(counting_bytes<16>())), "f66633180db8bade");
}

TEST(OpenerMac, TellsTheRoles) {
    EXPECT_EQ(to_hex(opener_mac(counting_bytes<16>(), Role::kAsker)),
              "b5f6817659d3f3150830a63f4760b6d2");
    EXPECT_EQ(to_hex(opener_mac(counting_bytes<16>(), Role::kAnswerer)),
              "3d60919faa330ef17e2121fdffc927f3");
    EXPECT_EQ(other(Role::kAsker), Role::kAnswerer);
    EXPECT_EQ(other(Role::kAnswerer), Role::kAsker);
}

TEST(GoneToken, DependsOnTheServerAndTheIndex) {
    const GoneKey key = GoneKey::derive(SecretKey{counting_bytes<32>()});
    EXPECT_EQ(to_hex(key.secret.bytes()),
              "bb5dcedd9ce96b7e8c6bdfb85b9bd0fe7d475ceb1b93bb7007a596a981f862d3");
    EXPECT_EQ(to_hex(gone_token(key, SessionIndex{0x01020304})),
              "528c30f218635a5b9881930dc1c48448");
    EXPECT_NE(gone_token(key, SessionIndex{0x01020304}), gone_token(key, SessionIndex{0x04030201}));
}

TEST(Mac16, KeepsUsesApart) {
    // One key and one text, three uses: no output may pass for another.
    const auto nonce = counting_bytes<16>();
    const FixedBytes<1> role{std::byte{0}};
    EXPECT_NE(mac16(nonce, role), opener_mac(nonce, Role::kAsker));
    const GoneKey key{SecretBytes<32>{counting_bytes<32>()}};
    EXPECT_NE(mac16(counting_bytes<32>(), FixedBytes<4>{}), gone_token(key, SessionIndex{0}));
}

}  // namespace
}  // namespace pinhole::crypto
