#include "shared/session/epoch.hpp"

namespace pinhole::session {

EpochKeys make_epoch_keys(const crypto::NoiseHandshake& finished, crypto::CipherSuite suite,
                          const EpochIndices& indices) {
    EpochKeys out{.keys = finished.split(), .suite = suite, .indices = indices};
    if (suite == crypto::CipherSuite::kAes256Gcm) {
        // Noise named ChaCha20-Poly1305; keys for another cipher are derived anew under a label.
        static constexpr std::string_view kLabel = "pinhole aes-256-gcm";
        out.keys.send = crypto::derive_transport_key(out.keys.send, kLabel);
        out.keys.receive = crypto::derive_transport_key(out.keys.receive, kLabel);
    }
    return out;
}

}  // namespace pinhole::session
