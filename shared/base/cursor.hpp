// A bounds-checked reader and writer of big-endian fields: the only way bytes become numbers here.
//
// `Reader` never runs past its input: a read that does not fit returns zeros and makes the reader
// fail for good, so a parser reads all its fields in a row and asks `ok()` once. `Writer` writes
// into storage that its caller sized; running out of it is our own bug and asserts.
#pragma once

#include <cassert>
#include <concepts>

#include "shared/base/bytes.hpp"

namespace pinhole {

class Reader {
  public:
    explicit Reader(Bytes input) : rest_(input) {}

    [[nodiscard]] std::uint8_t u8() { return number<std::uint8_t>(); }
    [[nodiscard]] std::uint16_t u16() { return number<std::uint16_t>(); }
    [[nodiscard]] std::uint32_t u32() { return number<std::uint32_t>(); }
    [[nodiscard]] std::uint64_t u64() { return number<std::uint64_t>(); }

    /// The next `count` bytes, borrowed from the input; empty when they are not there.
    [[nodiscard]] Bytes take(std::size_t count) {
        if (count > rest_.size()) {
            failed_ = true;
            rest_ = {};
            return {};
        }
        const Bytes out = rest_.first(count);
        rest_ = rest_.subspan(count);
        return out;
    }

    /// A copy of the next `N` bytes; zeros when they are not there.
    template <std::size_t N>
    [[nodiscard]] FixedBytes<N> fixed() {
        FixedBytes<N> out{};
        std::ranges::copy(take(N), out.begin());
        return out;
    }

    void skip(std::size_t count) { static_cast<void>(take(count)); }

    /// Everything that is left, borrowed from the input.
    [[nodiscard]] Bytes take_rest() { return take(rest_.size()); }
    [[nodiscard]] std::size_t remaining() const { return rest_.size(); }

    /// False once a read did not fit.
    [[nodiscard]] bool ok() const { return !failed_; }

  private:
    template <std::unsigned_integral T>
    T number() {
        const Bytes raw = take(sizeof(T));
        T value = 0;
        for (const std::byte octet : raw) {
            value = static_cast<T>((static_cast<std::uint64_t>(value) << 8U) |
                                   std::to_integer<std::uint64_t>(octet));
        }
        return value;
    }

    Bytes rest_;
    bool failed_ = false;
};

class Writer {
  public:
    explicit Writer(MutableBytes output) : output_(output) {}

    Writer& u8(std::uint8_t value) { return number(value); }
    Writer& u16(std::uint16_t value) { return number(value); }
    Writer& u32(std::uint32_t value) { return number(value); }
    Writer& u64(std::uint64_t value) { return number(value); }

    Writer& bytes(Bytes value) {
        std::ranges::copy(value, claim(value.size()).begin());
        return *this;
    }

    Writer& zeros(std::size_t count) {
        std::ranges::fill(claim(count), std::byte{0});
        return *this;
    }

    /// The next `count` bytes of the output, for the caller to fill.
    [[nodiscard]] MutableBytes claim(std::size_t count) {
        assert(count <= output_.size() - size_);
        const MutableBytes out = output_.subspan(size_, count);
        size_ += count;
        return out;
    }

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t remaining() const { return output_.size() - size_; }
    /// What was written so far.
    [[nodiscard]] MutableBytes written() const { return output_.first(size_); }

  private:
    template <std::unsigned_integral T>
    Writer& number(T value) {
        const MutableBytes out = claim(sizeof(T));
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            out[i] = static_cast<std::byte>(value >> (8U * (sizeof(T) - 1U - i)));
        }
        return *this;
    }

    MutableBytes output_;
    std::size_t size_ = 0;
};

}  // namespace pinhole
