// Randomness as the core knows it: an argument.
//
// Two bodies exist: the operating system's entropy (`crypto::SystemRandom`) in a process and a
// seeded stream in tests, which makes whole traces repeat byte for byte.
#pragma once

#include "shared/base/bytes.hpp"
#include "shared/base/cursor.hpp"
#include "shared/base/time.hpp"

namespace pinhole {

class Random {
  public:
    virtual ~Random() = default;

    /// Fills `out` with bytes that nobody else can predict.
    virtual void fill(MutableBytes out) = 0;

    template <std::size_t N>
    [[nodiscard]] FixedBytes<N> bytes() {
        FixedBytes<N> out;
        fill(out);
        return out;
    }

    [[nodiscard]] std::uint32_t u32() { return Reader{bytes<4>()}.u32(); }
    [[nodiscard]] std::uint64_t u64() { return Reader{bytes<8>()}.u64(); }

    /// A number in [0, bound); `bound` must not be 0. The bias is at most bound / 2^64.
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) {
        assert(bound > 0);
        return u64() % bound;
    }

    /// A duration in [0, bound]: the jitter of a retry or a keepalive.
    [[nodiscard]] Duration jitter(Duration bound) {
        return Duration{
            static_cast<Duration::rep>(below(static_cast<std::uint64_t>(bound.count()) + 1))};
    }
};

}  // namespace pinhole
