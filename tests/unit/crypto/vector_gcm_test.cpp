// That the three forms of AES-256-GCM are one, whichever of them this machine prefers.
#include "shared/crypto/vector_gcm.hpp"

#include <gtest/gtest.h>

#include "shared/crypto/aead.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/unit/crypto/vectors.hpp"

namespace pinhole::crypto {
namespace {

using test::hex_field;
using test::to_hex;

ByteVector random_bytes(Random& random, std::size_t size) {
    ByteVector out(size);
    random.fill(out);
    return out;
}

struct Sealed {
    ByteVector text;
    ByteVector tag = ByteVector(kTagSize);
};

template <class Form>
Sealed seal(Form& form, Bytes nonce, Bytes associated_data, Bytes text) {
    Sealed out{.text = ByteVector(text.size())};
    form.seal(nonce, associated_data, text, out.text, out.tag);
    return out;
}

/// What every form has to make of a vector.
template <class Form>
void run_vector(Form& sealer, Form& opener, const nlohmann::json& vector) {
    SCOPED_TRACE(vector.at("tcId").get<int>());
    const ByteVector nonce = hex_field(vector, "iv");
    const ByteVector associated_data = hex_field(vector, "aad");
    const ByteVector text = hex_field(vector, "msg");
    const ByteVector sealed = hex_field(vector, "ct");
    const ByteVector tag = hex_field(vector, "tag");
    ByteVector opened(sealed.size());
    if (vector.at("result") != "valid") {
        EXPECT_FALSE(opener.open(nonce, associated_data, sealed, tag, opened));
        EXPECT_EQ(to_hex(opened), to_hex(ByteVector(sealed.size())));
        return;
    }
    EXPECT_TRUE(opener.open(nonce, associated_data, sealed, tag, opened));
    EXPECT_EQ(to_hex(opened), to_hex(text));
    const Sealed ours = seal(sealer, nonce, associated_data, text);
    EXPECT_EQ(to_hex(ours.text), to_hex(sealed));
    EXPECT_EQ(to_hex(ours.tag), to_hex(tag));
}

/// Calls `run(vector, key)` for all with our sizes of key, nonce and tag.
template <class Run>
void for_each_vector(const nlohmann::json& file, Run run) {
    std::size_t count = 0;
    for (const auto& group : file.at("testGroups")) {
        if (group.at("keySize") != 256 || group.at("ivSize") != 96) continue;
        if (group.at("tagSize") != 128) continue;
        for (const auto& vector : group.at("tests")) {
            run(vector, hex_field(vector, "key"));
            ++count;
        }
    }
    EXPECT_GT(count, 0U);
}

TEST(VectorGcm, PassesWycheproof) {
    if (!VectorGcm::make(ByteVector(32))) GTEST_SKIP() << "not with this CPU, or this build";
    PINHOLE_LOAD_VECTORS(file, "wycheproof-aes_gcm.json");
    for_each_vector(file, [](const nlohmann::json& vector, Bytes key) {
        const auto gcm = VectorGcm::make(key);
        run_vector(*gcm, *gcm, vector);
    });
}

// The others' tests see it no more where `VectorGcm` is preferred.
TEST(BulkAead, PassesWycheproofWithAes256Gcm) {
    PINHOLE_LOAD_VECTORS(file, "wycheproof-aes_gcm.json");
    for_each_vector(file, [](const nlohmann::json& vector, Bytes key) {
        using enum BulkAead::Direction;
        const auto sealer = BulkAead::make(BulkAead::Suite::kAes256Gcm, kSeal, key);
        const auto opener = BulkAead::make(BulkAead::Suite::kAes256Gcm, kOpen, key);
        run_vector(*sealer, *opener, vector);
    });
}

TEST(VectorGcm, SealsAndOpensEachLengthAsOpenSslDoes) {
    pinhole::test::SeededRandom random{20261123};
    const ByteVector key = random_bytes(random, 32);
    const auto gcm = VectorGcm::make(key);
    if (!gcm) GTEST_SKIP() << "not with this CPU, or this build";
    const auto other = BulkAead::make(BulkAead::Suite::kAes256Gcm, BulkAead::Direction::kSeal, key);
    // All ways in which vectors of 64 bytes, sixteen at a time, can end, and a full datagram.
    const ByteVector text = random_bytes(random, 4096);
    for (std::size_t size = 0; size <= text.size(); size += size < 1200 ? 1 : 181) {
        SCOPED_TRACE(size);
        const ByteVector nonce = random_bytes(random, kAeadNonceSize);
        const ByteVector associated_data = random_bytes(random, size % 31);
        const Bytes part = Bytes{text}.last(size);
        Sealed sealed = seal(*gcm, nonce, associated_data, part);
        const Sealed expected = seal(*other, nonce, associated_data, part);
        ASSERT_EQ(sealed.text, expected.text);
        ASSERT_EQ(sealed.tag, expected.tag);
        // In place, as well.
        ASSERT_TRUE(gcm->open(nonce, associated_data, sealed.text, sealed.tag, sealed.text));
        ASSERT_EQ(sealed.text, ByteVector(part.begin(), part.end()));
        gcm->seal(nonce, associated_data, sealed.text, sealed.text, sealed.tag);
        ASSERT_EQ(sealed.text, expected.text);
        ASSERT_EQ(sealed.tag, expected.tag);
    }
}

TEST(VectorGcm, WipesWhatDoesNotVerify) {
    pinhole::test::SeededRandom random{7};
    const auto gcm = VectorGcm::make(random_bytes(random, 32));
    if (!gcm) GTEST_SKIP() << "not with this CPU, or this build";
    const ByteVector nonce = random_bytes(random, kAeadNonceSize);
    const ByteVector header = random_bytes(random, 14);
    const ByteVector text = random_bytes(random, 1200);
    for (std::size_t bit = 0; bit < kTagSize * 8; ++bit) {
        Sealed sealed = seal(*gcm, nonce, header, text);
        sealed.tag[bit / 8] ^= std::byte{1} << (bit % 8);
        EXPECT_FALSE(gcm->open(nonce, header, sealed.text, sealed.tag, sealed.text)) << bit;
        EXPECT_EQ(sealed.text, ByteVector(text.size())) << bit;
    }
}

}  // namespace
}  // namespace pinhole::crypto
