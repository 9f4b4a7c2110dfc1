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

template <KeyForm kForm>
void BasicCipher<kForm>::seal(std::uint64_t counter, Bytes associated_data, Bytes text,
                              MutableBytes text_and_tag) {
    if (is_time_to_hasten(counter)) aead_.hasten(BulkAead::Direction::kSeal);
    aead_.seal(nonce_of(suite(), counter), associated_data, text, text_and_tag);
}

template <KeyForm kForm>
bool BasicCipher<kForm>::open(std::uint64_t counter, Bytes associated_data, Bytes text_and_tag,
                              MutableBytes text) {
    if (!aead_.open(nonce_of(suite(), counter), associated_data, text_and_tag, text)) return false;
    // Not before the message is known to be the peer's: it allocates.
    if (is_time_to_hasten(counter)) aead_.hasten(BulkAead::Direction::kOpen);
    return true;
}

template class BasicCipher<KeyForm::kFastWhenBusy>;
template class BasicCipher<KeyForm::kAlwaysSmall>;

}  // namespace pinhole::crypto
