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

/// libsodium's form of a key, or OpenSSL's.
enum class Form : bool { kSmall, kHastened };

Aead make_aead(CipherSuite suite, const nlohmann::json& vector, Form form,
               BulkAead::Direction direction) {
    Aead aead{suite, SecretBytes<32>{hex_field(vector, "key")}};
    if (form == Form::kHastened) aead.hasten(direction);
    EXPECT_EQ(aead.is_hastened(), form == Form::kHastened);
    EXPECT_EQ(aead.suite(), suite);
    return aead;
}

/// Opens what the vector says, and seals it again when it is valid.
void run_vector(CipherSuite suite, Form form, const nlohmann::json& vector, Tally& tally) {
    SCOPED_TRACE(vector.at("tcId").get<int>());
    const Aead opener = make_aead(suite, vector, form, BulkAead::Direction::kOpen);
    const auto nonce = to_fixed<kAeadNonceSize>(hex_field(vector, "iv"));
    const ByteVector associated_data = hex_field(vector, "aad");
    const ByteVector text = hex_field(vector, "msg");
    ByteVector sealed = hex_field(vector, "ct");
    const ByteVector tag = hex_field(vector, "tag");
    sealed.insert(sealed.end(), tag.begin(), tag.end());

    ByteVector opened = sealed;
    if (vector.at("result") != "valid") {
        EXPECT_FALSE(opener.open_in_place(nonce, associated_data, opened));
        // What did not verify is not to be had.
        const std::size_t size = opened.size() - std::min(opened.size(), kTagSize);
        EXPECT_EQ(to_hex(Bytes{opened}.first(size)), to_hex(ByteVector(size)));
        ++tally.invalid;
        return;
    }
    EXPECT_TRUE(opener.open_in_place(nonce, associated_data, opened));
    EXPECT_EQ(to_hex(Bytes{opened}.first(text.size())), to_hex(text));

    const Aead sealer = make_aead(suite, vector, form, BulkAead::Direction::kSeal);
    ByteVector resealed = text;
    resealed.resize(text.size() + kTagSize);
    sealer.seal_in_place(nonce, associated_data, resealed);
    EXPECT_EQ(to_hex(resealed), to_hex(sealed));
    ++tally.valid;
}

/// Every group with the sizes that we use: 256-bit key, 96-bit nonce, 128-bit tag.
Tally run_file(CipherSuite suite, Form form, const nlohmann::json& file) {
    Tally tally;
    for (const auto& group : file.at("testGroups")) {
        if (group.at("keySize") != 256 || group.at("ivSize") != 96) continue;
        if (group.at("tagSize") != 128) continue;
        for (const auto& vector : group.at("tests")) run_vector(suite, form, vector, tally);
    }
    std::cout << tally.valid << " valid and " << tally.invalid << " invalid vectors\n";
    return tally;
}

void pass_wycheproof(CipherSuite suite, const nlohmann::json& file) {
    for (const Form form : {Form::kSmall, Form::kHastened}) {
        const Tally tally = run_file(suite, form, file);
        EXPECT_GT(tally.valid, 0);
        EXPECT_GT(tally.invalid, 0);
    }
}

TEST(Aead, ChaCha20Poly1305PassesWycheproof) {
    PINHOLE_LOAD_VECTORS(file, "wycheproof-chacha20_poly1305.json");
    pass_wycheproof(CipherSuite::kChaCha20Poly1305, file);
}

TEST(Aead, Aes256GcmPassesWycheproof) {
    if (!is_aes256gcm_available()) GTEST_SKIP() << "this CPU has no AES instructions";
    PINHOLE_LOAD_VECTORS(file, "wycheproof-aes_gcm.json");
    pass_wycheproof(CipherSuite::kAes256Gcm, file);
}

}  // namespace
}  // namespace pinhole::crypto
