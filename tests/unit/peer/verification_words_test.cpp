#include "peer/verification_words.hpp"

#include <set>

#include <gtest/gtest.h>

#include "peer/qr_code.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::peer {
namespace {

crypto::PublicKey key(std::uint64_t seed) {
    crypto::PublicKey out;
    test::SeededRandom{seed}.fill(out.raw);
    return out;
}

// The examples of arXiv 0901.4016, section 2: IPv4 addresses, half by half.
TEST(VerificationWords, AreProquints) {
    EXPECT_EQ(word_of(0x7f00), "lusab");
    EXPECT_EQ(word_of(0x0001), "babad");
    EXPECT_EQ(word_of(0x3f54), "gutih");
    EXPECT_EQ(word_of(0xdcc1), "tugad");
}

TEST(VerificationWords, AreEqualOnBothSides) {
    EXPECT_EQ(verification_words(key(1), key(2)), verification_words(key(2), key(1)));
}

TEST(VerificationWords, DifferWithEitherKey) {
    std::set<std::array<std::string, kVerificationWords>> seen;
    for (std::uint64_t seed = 2; seed < 100; ++seed) {
        EXPECT_TRUE(seen.insert(verification_words(key(1), key(seed))).second);
    }
    crypto::PublicKey near = key(2);
    near.raw.back() ^= std::byte{1};
    const auto words = verification_words(key(1), key(2));
    const auto other = verification_words(key(1), near);
    for (std::size_t i = 0; i < words.size(); ++i) EXPECT_NE(words[i], other[i]) << i;
}

// Made by Python's hashlib from two keys of ones and of twos: blake2b of the larger key, with the
// smaller one as its key and 32 bytes of output.
TEST(VerificationWords, AreWhatOthersMakeOfTheKeys) {
    crypto::PublicKey ones;
    ones.raw.fill(std::byte{1});
    crypto::PublicKey twos;
    twos.raw.fill(std::byte{2});
    std::string all;
    for (const std::string& word : verification_words(twos, ones)) all += word + " ";
    EXPECT_EQ(all, "fanug zakub ropok lupus doput fuguk pizod jafis hoziz kuzif fohun nalid ");
}

TEST(QrCode, IsASquareWithItsFinderPatternsAndAQuietZone) {
    const std::string code = qr_code("alice pk:" + std::string(52, 'a'), false);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < code.size();) {
        const std::size_t end = code.find('\n', at);
        lines.push_back(code.substr(at, end - at));
        at = end + 1;
    }
    // Version 4 (62 bytes at level M): 33 modules and 8 of quiet zone, two rows a line.
    ASSERT_EQ(lines.size(), 21U);
    EXPECT_EQ(lines[0], std::string(41, ' '));
    EXPECT_EQ(lines[1], std::string(41, ' '));
    // The first two rows of the upper finder patterns: a bar of seven, then its sides.
    EXPECT_EQ(lines[2].substr(0, 4), "    ");
    EXPECT_EQ(lines[2].substr(4, 21), "█▀▀▀▀▀█");
    EXPECT_NE(qr_code("a", true), qr_code("a", false));
    EXPECT_THROW(static_cast<void>(qr_code(std::string(4000, 'x'), false)), std::runtime_error);
}

}  // namespace
}  // namespace pinhole::peer
