#include "shared/crypto/aead.hpp"

#include <iostream>

#include <gtest/gtest.h>

#include "tests/unit/crypto/vectors.hpp"

namespace pinhole::crypto {
namespace {

using test::hex_field;
using test::to_hex;

struct Tally {
    int valid = 0;
    int invalid = 0;
};

/// Opens what the vector says, and seals it again when it is valid.
void run_vector(CipherSuite suite, const nlohmann::json& vector, Tally& tally) {
    SCOPED_TRACE(vector.at("tcId").get<int>());
    const Aead aead{suite, SecretBytes<32>{hex_field(vector, "key")}};
    const auto nonce = to_fixed<kAeadNonceSize>(hex_field(vector, "iv"));
    const ByteVector associated_data = hex_field(vector, "aad");
    const ByteVector text = hex_field(vector, "msg");
    ByteVector sealed = hex_field(vector, "ct");
    const ByteVector tag = hex_field(vector, "tag");
    sealed.insert(sealed.end(), tag.begin(), tag.end());

    ByteVector opened = sealed;
    if (vector.at("result") != "valid") {
        EXPECT_FALSE(aead.open_in_place(nonce, associated_data, opened));
        ++tally.invalid;
        return;
    }
    EXPECT_TRUE(aead.open_in_place(nonce, associated_data, opened));
    EXPECT_EQ(to_hex(Bytes{opened}.first(text.size())), to_hex(text));

    ByteVector resealed = text;
    resealed.resize(text.size() + kTagSize);
    aead.seal_in_place(nonce, associated_data, resealed);
    EXPECT_EQ(to_hex(resealed), to_hex(sealed));
    ++tally.valid;
}

/// Every group with the sizes that we use: 256-bit key, 96-bit nonce, 128-bit tag.
Tally run_file(CipherSuite suite, const nlohmann::json& file) {
    Tally tally;
    for (const auto& group : file.at("testGroups")) {
        if (group.at("keySize") != 256 || group.at("ivSize") != 96) continue;
        if (group.at("tagSize") != 128) continue;
        for (const auto& vector : group.at("tests")) run_vector(suite, vector, tally);
    }
    std::cout << tally.valid << " valid and " << tally.invalid << " invalid vectors\n";
    return tally;
}

TEST(Aead, ChaCha20Poly1305PassesWycheproof) {
    PINHOLE_LOAD_VECTORS(file, "wycheproof-chacha20_poly1305.json");
    const Tally tally = run_file(CipherSuite::kChaCha20Poly1305, file);
    EXPECT_GT(tally.valid, 0);
    EXPECT_GT(tally.invalid, 0);
}

TEST(Aead, Aes256GcmPassesWycheproof) {
    if (!is_aes256gcm_available()) GTEST_SKIP() << "this CPU has no AES instructions";
    PINHOLE_LOAD_VECTORS(file, "wycheproof-aes_gcm.json");
    const Tally tally = run_file(CipherSuite::kAes256Gcm, file);
    EXPECT_GT(tally.valid, 0);
    EXPECT_GT(tally.invalid, 0);
}

}  // namespace
}  // namespace pinhole::crypto
