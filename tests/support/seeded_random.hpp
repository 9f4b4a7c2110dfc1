// A `Random` that repeats: the same seed gives the same bytes on every machine.
#pragma once

#include "shared/base/random.hpp"

namespace pinhole::test {

/// SplitMix64 (Steele, Lea, Flood 2014): tiny, and every seed gives a full-period stream.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}

    void fill(MutableBytes out) override {
        for (std::size_t i = 0; i < out.size(); i += 8) {
            std::uint64_t word = next();
            for (std::size_t j = i; j < std::min(i + 8, out.size()); ++j) {
                out[j] = static_cast<std::byte>(word);
                word >>= 8U;
            }
        }
    }

  private:
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31U);
    }

    std::uint64_t state_;
};

}  // namespace pinhole::test
