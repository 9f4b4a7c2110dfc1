#include "shared/crypto/cipher.hpp"

namespace pinhole::crypto {
namespace {

FixedBytes<kAeadNonceSize> nonce_of(CipherSuite suite, std::uint64_t counter) {
    FixedBytes<kAeadNonceSize> nonce{};
    const MutableBytes field = MutableBytes{nonce}.subspan(4);
    for (std::size_t i = 0; i < 8; ++i) {
        const bool is_little_endian = suite == CipherSuite::kChaCha20Poly1305;
        field[is_little_endian ? i : 7 - i] = static_cast<std::byte>(counter >> (8 * i));
    }
    return nonce;
}

}  // namespace

void Cipher::seal(std::uint64_t counter, Bytes associated_data, Bytes text,
                  MutableBytes text_and_tag) const {
    aead_.seal(nonce_of(suite(), counter), associated_data, text, text_and_tag);
}

bool Cipher::open(std::uint64_t counter, Bytes associated_data, Bytes text_and_tag,
                  MutableBytes text) const {
    return aead_.open(nonce_of(suite(), counter), associated_data, text_and_tag, text);
}

void Cipher::seal_in_place(std::uint64_t counter, Bytes associated_data,
                           MutableBytes text_and_tag) const {
    aead_.seal_in_place(nonce_of(suite(), counter), associated_data, text_and_tag);
}

bool Cipher::open_in_place(std::uint64_t counter, Bytes associated_data,
                           MutableBytes text_and_tag) const {
    return aead_.open_in_place(nonce_of(suite(), counter), associated_data, text_and_tag);
}

}  // namespace pinhole::crypto
