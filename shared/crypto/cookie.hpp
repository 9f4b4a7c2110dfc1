// Proof, without state per address, that somebody receives at the endpoint he sends from.
//
// A cookie is SipHash-2-4-128 over (address, port) under a secret that is replaced every 120 s. The
// current and the previous secret are accepted, so a cookie lives between 120 and 240 s. Rotation
// is lazy: it happens in the first call after its time.
#pragma once

#include <optional>

#include "shared/base/bytes.hpp"
#include "shared/base/endpoint.hpp"
#include "shared/base/random.hpp"
#include "shared/base/tagged.hpp"
#include "shared/base/time.hpp"
#include "shared/crypto/sodium.hpp"

namespace pinhole::crypto {

/// WireGuard's secret lifetime (its whitepaper, 5.4.7).
inline constexpr Duration kCookieRotation = 120s;

[[nodiscard]] bool is_zero(const Cookie& cookie);

class CookieJar {
  public:
    /// `random` must outlive the jar: secrets are drawn from it, the first ones on first use.
    explicit CookieJar(Random& random) : random_(random) {}

    /// The cookie of `endpoint` under the current secret.
    [[nodiscard]] Cookie make(Instant now, const Endpoint& endpoint);

    /// True when this jar made `cookie` for exactly this endpoint, not too long ago. Takes the same
    /// time for every wrong cookie. A zero cookie is never valid.
    [[nodiscard]] bool is_valid(Instant now, const Endpoint& endpoint, const Cookie& cookie);

  private:
    using Secret = SecretBytes<16>;

    void rotate(Instant now);

    Random& random_;
    Secret current_;
    Secret previous_;
    /// When the current secret came into use, on a grid of `kCookieRotation` from the first use.
    std::optional<Instant> since_;
};

}  // namespace pinhole::crypto
