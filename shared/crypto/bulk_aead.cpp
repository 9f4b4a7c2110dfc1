#include "shared/crypto/bulk_aead.hpp"

#include <cassert>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "shared/crypto/octets.hpp"

namespace pinhole::crypto {
namespace {

struct ContextDeleter {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

const EVP_CIPHER* cipher_of(BulkAead::Suite suite) {
    switch (suite) {
        case BulkAead::Suite::kChaCha20Poly1305: return EVP_chacha20_poly1305();
        case BulkAead::Suite::kAes256Gcm: return EVP_aes_256_gcm();
    }
    return nullptr;
}

int length_of(Bytes bytes) {
    return static_cast<int>(bytes.size());
}

/// Feeds the nonce, the associated data and the text. All of it succeeds, or we did it wrong.
[[nodiscard]] bool run(EVP_CIPHER_CTX* context, Bytes nonce, Bytes associated_data, Bytes in,
                       MutableBytes out) {
    int done = 0;
    return EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, octets(nonce), -1) == 1 &&
           EVP_CipherUpdate(context, nullptr, &done, octets(associated_data),
                            length_of(associated_data)) == 1 &&
           (in.empty() ||
            EVP_CipherUpdate(context, octets(out), &done, octets(in), length_of(in)) == 1);
}

}  // namespace

struct BulkAead::Context {
    std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter> handle;
};

BulkAead::BulkAead(std::unique_ptr<Context> context) : context_(std::move(context)) {}
BulkAead::~BulkAead() = default;

std::unique_ptr<BulkAead> BulkAead::make(Suite suite, Direction direction, Bytes key) {
    assert(key.size() == 32);
    auto context = std::make_unique<Context>();
    context->handle.reset(EVP_CIPHER_CTX_new());
    if (!context->handle) return nullptr;
    const int encrypts = direction == Direction::kSeal ? 1 : 0;
    // Nonces of 12 bytes are the default of both suites.
    if (EVP_CipherInit_ex(context->handle.get(), cipher_of(suite), nullptr, octets(key), nullptr,
                          encrypts) != 1) {
        return nullptr;
    }
    return std::unique_ptr<BulkAead>{new BulkAead{std::move(context)}};
}

void BulkAead::seal(Bytes nonce, Bytes associated_data, Bytes text, MutableBytes out,
                    MutableBytes tag) {
    EVP_CIPHER_CTX* const context = context_->handle.get();
    int done = 0;
    unsigned char nothing = 0;
    const bool is_sealed = run(context, nonce, associated_data, text, out) &&
                           EVP_CipherFinal_ex(context, &nothing, &done) == 1 &&
                           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG,
                                               static_cast<int>(tag.size()), octets(tag)) == 1;
    assert(is_sealed);
}

bool BulkAead::open(Bytes nonce, Bytes associated_data, Bytes in, Bytes tag, MutableBytes out) {
    EVP_CIPHER_CTX* const context = context_->handle.get();
    int done = 0;
    unsigned char nothing = 0;
    // It only reads the tag.
    auto* const expected = const_cast<unsigned char*>(octets(tag));
    const bool is_opened = run(context, nonce, associated_data, in, out) &&
                           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG,
                                               static_cast<int>(tag.size()), expected) == 1 &&
                           EVP_CipherFinal_ex(context, &nothing, &done) == 1;
    if (!is_opened && !out.empty()) OPENSSL_cleanse(out.data(), out.size());
    return is_opened;
}

}  // namespace pinhole::crypto
