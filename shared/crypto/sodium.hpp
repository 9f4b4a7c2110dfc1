// The few things of libsodium that everything else here stands on: start-up, entropy, secrets that
// are wiped, comparison in constant time.
//
// This is the only place of the library that reads the operating system's entropy. It owns no
// state. It refuses to print, compare or copy a secret by accident.
#pragma once

#include "shared/base/bytes.hpp"
#include "shared/base/random.hpp"

namespace pinhole::crypto {

/// Prepares libsodium (CPU features, entropy source). May be called any number of times; each
/// `main` calls it first. A machine without entropy is not one we can run on: asserts.
void initialize();

/// Overwrites `secret` in a way that the compiler cannot remove.
void wipe(MutableBytes secret);

/// True when both spans have one length and hold the same bytes. The time taken depends on the
/// length alone.
[[nodiscard]] bool equal_in_constant_time(Bytes a, Bytes b);

/// The operating system's entropy.
class SystemRandom final : public Random {
  public:
    SystemRandom() { initialize(); }
    void fill(MutableBytes out) override;
};

/// `N` secret bytes: wiped when they die or move away, copied only by `clone()`, and without `==`
/// or a formatter. Starts as zeros, and is zeros again after a move.
template <std::size_t N>
class SecretBytes {
  public:
    SecretBytes() = default;

    /// A copy of `bytes`, of which there must be exactly `N`. The original stays its owner's to
    /// wipe.
    explicit SecretBytes(Bytes bytes) : bytes_(to_fixed<N>(bytes)) {}

    /// `N` fresh bytes.
    [[nodiscard]] static SecretBytes random(Random& random) {
        SecretBytes out;
        random.fill(out.bytes_);
        return out;
    }

    SecretBytes(const SecretBytes&) = delete;
    SecretBytes& operator=(const SecretBytes&) = delete;

    SecretBytes(SecretBytes&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }
    SecretBytes& operator=(SecretBytes&& other) noexcept {
        if (this != &other) {
            bytes_ = other.bytes_;
            wipe(other.bytes_);
        }
        return *this;
    }

    ~SecretBytes() { wipe(bytes_); }

    /// The deliberate copy.
    [[nodiscard]] SecretBytes clone() const { return SecretBytes{bytes_}; }

    [[nodiscard]] static constexpr std::size_t size() { return N; }
    /// Borrowed until the secret moves or dies.
    [[nodiscard]] Bytes bytes() const { return bytes_; }
    [[nodiscard]] MutableBytes mutable_bytes() { return bytes_; }

  private:
    FixedBytes<N> bytes_{};
};

}  // namespace pinhole::crypto
