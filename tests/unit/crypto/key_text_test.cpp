#include "shared/crypto/key_text.hpp"

#include <gtest/gtest.h>

#include "tests/unit/crypto/vectors.hpp"

namespace pinhole::crypto {
namespace {

using test::to_hex;

SecretBytes<32> counting_secret() {
    SecretBytes<32> secret;
    for (std::size_t i = 0; i < 32; ++i) secret.mutable_bytes()[i] = static_cast<std::byte>(i);
    return secret;
}

// The checksums are Python's: hashlib.blake2b(line + secret, digest_size=32,
// person=b'pinhole key file').digest()[:5], in base32.
constexpr std::string_view kIdentityFile =
    "pinhole-identity-key 1\n"
    "aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq\n"
    "x2jihs4q\n";
constexpr std::string_view kGroupFile =
    "pinhole-group-key 1\n"
    "aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq\n"
    "ufnv52dq\n";

TEST(KeyText, WritesTheDocumentedForm) {
    EXPECT_EQ(encode_identity(counting_secret()).view(), kIdentityFile);
    EXPECT_EQ(encode_psk(counting_secret()).view(), kGroupFile);
}

TEST(KeyText, ReadsWhatItWrote) {
    const auto identity = decode_identity(kIdentityFile);
    ASSERT_TRUE(identity);
    EXPECT_EQ(to_hex(identity->bytes()), to_hex(counting_secret().bytes()));
    const auto psk = decode_psk(kGroupFile);
    ASSERT_TRUE(psk);
    EXPECT_EQ(to_hex(psk->bytes()), to_hex(counting_secret().bytes()));
}

TEST(KeyText, ForgivesSpacesAndForeignLineEnds) {
    std::string text;
    for (const char letter : kIdentityFile)
        text += letter == '\n' ? std::string{" \r\n"} : std::string{letter};
    EXPECT_TRUE(decode_identity(text));
    EXPECT_TRUE(decode_identity("\n " + std::string{kIdentityFile} + "\n\n"));
    EXPECT_TRUE(decode_identity(kIdentityFile.substr(0, kIdentityFile.size() - 1)));
}

TEST(KeyText, TellsTheOtherKindOfKey) {
    EXPECT_EQ(decode_identity(kGroupFile).error(), KeyTextError::kWrongKind);
    EXPECT_EQ(decode_psk(kIdentityFile).error(), KeyTextError::kWrongKind);
}

TEST(KeyText, TellsALaterVersion) {
    std::string text{kIdentityFile};
    text[text.find('1')] = '2';
    EXPECT_EQ(decode_identity(text).error(), KeyTextError::kUnknownVersion);
}

TEST(KeyText, TellsAForeignFile) {
    EXPECT_EQ(decode_identity("").error(), KeyTextError::kNotAKeyFile);
    EXPECT_EQ(decode_identity("\n\n").error(), KeyTextError::kNotAKeyFile);
    EXPECT_EQ(decode_identity("-----BEGIN PRIVATE KEY-----\n").error(), KeyTextError::kNotAKeyFile);
    const char binary[] = {'\0', '\1', '\xff'};
    EXPECT_EQ(decode_psk({binary, sizeof binary}).error(), KeyTextError::kNotAKeyFile);
}

TEST(KeyText, EveryCutFileIsRefused) {
    for (std::size_t size = 0; size + 1 < kIdentityFile.size(); ++size) {
        EXPECT_FALSE(decode_identity(kIdentityFile.substr(0, size))) << size;
    }
    EXPECT_EQ(decode_identity(kIdentityFile.substr(0, 60)).error(), KeyTextError::kDamaged);
}

TEST(KeyText, EveryChangedCharacterIsNoticed) {
    for (std::size_t i = kIdentityFile.find('\n') + 1; i < kIdentityFile.size(); ++i) {
        if (kIdentityFile[i] == '\n') continue;
        std::string text{kIdentityFile};
        text[i] = text[i] == 'b' ? 'c' : 'b';
        const auto secret = decode_identity(text);
        ASSERT_FALSE(secret) << i;
        EXPECT_EQ(secret.error(), KeyTextError::kDamaged) << i;
    }
}

TEST(KeyText, RefusesMoreThanOneKey) {
    const std::string text = std::string{kIdentityFile} + std::string{kIdentityFile};
    EXPECT_EQ(decode_identity(text).error(), KeyTextError::kDamaged);
}

TEST(KeyText, DescribesEachError) {
    EXPECT_EQ(describe(KeyTextError::kDamaged), "is damaged");
    EXPECT_NE(describe(KeyTextError::kNotAKeyFile), describe(KeyTextError::kWrongKind));
    EXPECT_NE(describe(KeyTextError::kUnknownVersion), describe(KeyTextError::kDamaged));
}

}  // namespace
}  // namespace pinhole::crypto
