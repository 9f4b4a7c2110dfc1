#include "shared/crypto/mac.hpp"

#include "shared/base/cursor.hpp"
#include "shared/crypto/digest.hpp"

namespace pinhole::crypto {
namespace {

template <std::size_t N>
FixedBytes<N> first_bytes(const FixedBytes<32>& digest) {
    return to_fixed<N>(Bytes{digest}.first<N>());
}

}  // namespace

FixedBytes<32> mac1_key(const PublicKey& responder) {
    return blake2b("pinhole mac1 key", {}, responder.bytes());
}

Mac16 mac16(Bytes key, Bytes data) {
    assert(key.size() >= 16);
    return first_bytes<16>(blake2b("pinhole mac16", key, data));
}

NonceTag nonce_tag(const IntroductionNonce& nonce) {
    return first_bytes<8>(blake2b("pinhole nonce", {}, nonce));
}

Mac16 opener_mac(const IntroductionNonce& nonce, Role sender) {
    const FixedBytes<1> role{static_cast<std::byte>(sender)};
    return first_bytes<16>(blake2b("pinhole opener", nonce, role));
}

GoneKey GoneKey::derive(const SecretKey& static_secret) {
    FixedBytes<32> digest = blake2b("pinhole gone key", static_secret.bytes(), {});
    GoneKey key{SecretBytes<32>{digest}};
    wipe(digest);
    return key;
}

Mac16 gone_token(const GoneKey& key, SessionIndex index) {
    FixedBytes<4> field;
    Writer{field}.u32(index.value());
    return first_bytes<16>(blake2b("pinhole gone", key.secret.bytes(), field));
}

}  // namespace pinhole::crypto
