#include "shared/crypto/cipher.hpp"

#include <type_traits>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"
#include "tests/unit/crypto/vectors.hpp"

namespace pinhole::crypto {
namespace {

using test::from_hex;
using test::to_hex;

static_assert(std::is_nothrow_move_constructible_v<Cipher>);
static_assert(!std::is_copy_constructible_v<Cipher>);
static_assert(sizeof(Cipher) == 40, "a million server sessions hold two each");

constexpr std::uint64_t kCounter = 0x0102030405060708;

class CipherOfSuite : public testing::TestWithParam<CipherSuite> {
  protected:
    void SetUp() override {
        if (GetParam() == CipherSuite::kAes256Gcm && !is_aes256gcm_available()) {
            GTEST_SKIP() << "this CPU has no AES instructions";
        }
    }

    SecretBytes<32> key() {
        pinhole::test::SeededRandom random{21};
        return SecretBytes<32>::random(random);
    }

    /// "attack at dawn", sealed under `kCounter` with "header".
    ByteVector sealed(Cipher& cipher) {
        ByteVector message = to_vector(as_bytes("attack at dawn"));
        message.resize(message.size() + kTagSize);
        cipher.seal_in_place(kCounter, as_bytes("header"), message);
        return message;
    }
};

INSTANTIATE_TEST_SUITE_P(Suites, CipherOfSuite,
                         testing::Values(CipherSuite::kChaCha20Poly1305, CipherSuite::kAes256Gcm),
                         [](const auto& suite) {
                             return suite.param == CipherSuite::kAes256Gcm ? "Aes256Gcm" : "ChaCha";
                         });

TEST_P(CipherOfSuite, OpensWhatItSealed) {
    Cipher cipher{GetParam(), key()};
    ByteVector message = sealed(cipher);
    ASSERT_TRUE(cipher.open_in_place(kCounter, as_bytes("header"), message));
    EXPECT_EQ(as_text(Bytes{message}.first(14)), "attack at dawn");
    EXPECT_EQ(cipher.suite(), GetParam());
}

TEST_P(CipherOfSuite, MakesTheNonceThatNoiseSays) {
    const bool is_aes = GetParam() == CipherSuite::kAes256Gcm;
    Cipher cipher{GetParam(), key()};
    const Aead aead{GetParam(), key()};
    ByteVector expected = to_vector(as_bytes("attack at dawn"));
    expected.resize(expected.size() + kTagSize);
    aead.seal_in_place(
        to_fixed<12>(from_hex(is_aes ? "000000000102030405060708" : "000000000807060504030201")),
        as_bytes("header"), expected);
    EXPECT_EQ(to_hex(sealed(cipher)), to_hex(expected));
}

TEST_P(CipherOfSuite, SealsTheSameOnceItIsBusy) {
    Cipher sender{GetParam(), key()};
    Cipher receiver{GetParam(), key()};
    Cipher newcomer{GetParam(), key()};
    for (std::uint64_t counter = 0; counter < Cipher::kBusyFrom + 20; ++counter) {
        ByteVector message(40 + kTagSize);
        sender.seal_in_place(counter, as_bytes("header"), message);
        ByteVector copy = message;
        // Forged ones in between make nobody believe that the key is busy, or lose it.
        copy[3] ^= std::byte{1};
        EXPECT_FALSE(receiver.open_in_place(counter, as_bytes("header"), copy));
        copy = message;
        EXPECT_TRUE(receiver.open_in_place(counter, as_bytes("header"), copy));
        EXPECT_EQ(to_hex(Bytes{copy}.first(40)), to_hex(ByteVector(40)));
        // One that missed the moment opens what the fast form sealed.
        if (counter <= Cipher::kBusyFrom) continue;
        EXPECT_TRUE(newcomer.open_in_place(counter, as_bytes("header"), message));
    }
}

TEST_P(CipherOfSuite, RefusesAnythingThatChanged) {
    Cipher cipher{GetParam(), key()};
    const ByteVector genuine = sealed(cipher);
    for (std::size_t bit = 0; bit < genuine.size() * 8; ++bit) {
        ByteVector forged = genuine;
        forged[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        EXPECT_FALSE(cipher.open_in_place(kCounter, as_bytes("header"), forged)) << bit;
    }
    for (std::size_t size = 0; size < genuine.size(); ++size) {
        ByteVector cut{genuine.begin(), genuine.begin() + static_cast<std::ptrdiff_t>(size)};
        EXPECT_FALSE(cipher.open_in_place(kCounter, as_bytes("header"), cut)) << size;
    }
    ByteVector other_counter = genuine;
    EXPECT_FALSE(cipher.open_in_place(kCounter + 1, as_bytes("header"), other_counter));
    ByteVector other_data = genuine;
    EXPECT_FALSE(cipher.open_in_place(kCounter, as_bytes("Header"), other_data));
}

TEST_P(CipherOfSuite, DestroysATextThatDoesNotVerify) {
    Cipher cipher{GetParam(), key()};
    ByteVector forged = sealed(cipher);
    forged.back() ^= std::byte{1};
    ASSERT_FALSE(cipher.open_in_place(kCounter, as_bytes("header"), forged));
    EXPECT_EQ(to_hex(Bytes{forged}.first(14)), std::string(28, '0'));
}

TEST_P(CipherOfSuite, SealsAndOpensFromOnePlaceIntoAnother) {
    Cipher cipher{GetParam(), key()};
    const Bytes text = as_bytes("attack at dawn");
    ByteVector sealed_elsewhere(text.size() + kTagSize);
    cipher.seal(kCounter, as_bytes("header"), text, sealed_elsewhere);
    EXPECT_EQ(to_hex(sealed_elsewhere), to_hex(sealed(cipher)));
    const ByteVector kept = sealed_elsewhere;
    ByteVector opened(text.size());
    ASSERT_TRUE(cipher.open(kCounter, as_bytes("header"), sealed_elsewhere, opened));
    EXPECT_EQ(to_hex(opened), to_hex(text));
    EXPECT_EQ(sealed_elsewhere, kept);
    sealed_elsewhere.back() ^= std::byte{1};
    EXPECT_FALSE(cipher.open(kCounter, as_bytes("header"), sealed_elsewhere, opened));
    EXPECT_EQ(to_hex(opened), std::string(28, '0'));
}

TEST_P(CipherOfSuite, SealsAnEmptyText) {
    Cipher cipher{GetParam(), key()};
    FixedBytes<kTagSize> message{};
    cipher.seal_in_place(0, as_bytes("header"), message);
    EXPECT_TRUE(cipher.open_in_place(0, as_bytes("header"), message));
}

TEST_P(CipherOfSuite, KeepsItsKeyWhenMoved) {
    Cipher first{GetParam(), key()};
    const ByteVector genuine = sealed(first);
    Cipher second{std::move(first)};
    EXPECT_EQ(second.suite(), GetParam());
    EXPECT_EQ(sealed(second), genuine);
}

}  // namespace
}  // namespace pinhole::crypto
