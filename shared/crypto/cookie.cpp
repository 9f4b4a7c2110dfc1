#include "shared/crypto/cookie.hpp"

#include <utility>

#include <sodium.h>

#include "shared/base/cursor.hpp"
#include "shared/crypto/octets.hpp"

namespace pinhole::crypto {
namespace {

Cookie cookie_under(const SecretBytes<crypto_shorthash_siphashx24_KEYBYTES>& secret,
                    const Endpoint& endpoint) {
    FixedBytes<18> input;
    Writer{input}.bytes(endpoint.ip.v6_bytes()).u16(endpoint.port);
    Cookie cookie;
    static_assert(sizeof cookie == crypto_shorthash_siphashx24_BYTES);
    crypto_shorthash_siphashx24(octets(MutableBytes{cookie}), octets(Bytes{input}), input.size(),
                                octets(secret.bytes()));
    return cookie;
}

}  // namespace

bool is_zero(const Cookie& cookie) {
    return equal_in_constant_time(cookie, Cookie{});
}

Cookie CookieJar::make(Instant now, const Endpoint& endpoint) {
    rotate(now);
    return cookie_under(current_, endpoint);
}

bool CookieJar::is_valid(Instant now, const Endpoint& endpoint, const Cookie& cookie) {
    rotate(now);
    const bool is_current = equal_in_constant_time(cookie, cookie_under(current_, endpoint));
    const bool is_previous = equal_in_constant_time(cookie, cookie_under(previous_, endpoint));
    const bool is_none = is_zero(cookie);
    return (is_current || is_previous) && !is_none;
}

void CookieJar::rotate(Instant now) {
    if (since_ && now - *since_ < kCookieRotation) return;
    const bool is_one_late = since_ && now - *since_ < 2 * kCookieRotation;
    // After a longer pause the secret of before is too old to be honoured, so both are new.
    previous_ = is_one_late ? std::move(current_) : Secret::random(random_);
    current_ = Secret::random(random_);
    since_ = since_ ? *since_ + (now - *since_) / kCookieRotation * kCookieRotation : now;
}

}  // namespace pinhole::crypto
