// Byte spans and fixed buffers: the vocabulary in which every floor passes raw data.
//
// A `Bytes` is borrowed and lives for one call; whoever keeps bytes copies them into an owned
// buffer (`FixedBytes`, `ByteBuffer` or a container). Nothing here allocates except `ByteVector`.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace pinhole {

/// A borrowed, read-only run of bytes. Valid for the length of the call it is passed to.
using Bytes = std::span<const std::byte>;

/// A borrowed, writable run of bytes.
using MutableBytes = std::span<std::byte>;

/// Owned bytes of a length known at compile time, such as a key, a nonce or a MAC.
template <std::size_t N>
using FixedBytes = std::array<std::byte, N>;

/// Owned bytes of any length. Not for hot paths.
using ByteVector = std::vector<std::byte>;

/// The bytes of a text, without a terminator. Borrows from `text`.
[[nodiscard]] inline Bytes as_bytes(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}

/// The text that `bytes` spell. Borrows from `bytes`; makes no claim about encoding.
[[nodiscard]] inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// An owned copy of `bytes`.
[[nodiscard]] inline ByteVector to_vector(Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}

/// An owned copy of exactly `N` bytes. `bytes.size()` must be `N`: a caller that holds remote data
/// has checked the length before.
template <std::size_t N>
[[nodiscard]] FixedBytes<N> to_fixed(Bytes bytes) {
    assert(bytes.size() == N);
    FixedBytes<N> out;
    std::ranges::copy(bytes, out.begin());
    return out;
}

/// True when both spans hold the same bytes. Not constant-time: never for secrets or MACs (see
/// `crypto::equal_in_constant_time`).
[[nodiscard]] inline bool same_bytes(Bytes a, Bytes b) {
    return std::ranges::equal(a, b);
}

/// Owned bytes with inline storage and a length of at most `Capacity`. Never allocates.
template <std::size_t Capacity>
class ByteBuffer {
  public:
    ByteBuffer() = default;

    /// Copies `bytes`, which must fit.
    explicit ByteBuffer(Bytes bytes) { assign(bytes); }

    /// Replaces the content with a copy of `bytes`, which must fit.
    void assign(Bytes bytes) {
        assert(bytes.size() <= Capacity);
        std::ranges::copy(bytes, storage_.begin());
        size_ = bytes.size();
    }

    /// Sets the length; bytes beyond the old length are whatever the storage held.
    void resize(std::size_t size) {
        assert(size <= Capacity);
        size_ = size;
    }

    [[nodiscard]] static constexpr std::size_t capacity() { return Capacity; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] Bytes bytes() const { return Bytes{storage_.data(), size_}; }
    [[nodiscard]] MutableBytes bytes() { return MutableBytes{storage_.data(), size_}; }
    /// The whole storage, for a writer that sets the length afterwards by `resize`.
    [[nodiscard]] MutableBytes storage() { return MutableBytes{storage_}; }

  private:
    std::array<std::byte, Capacity> storage_;
    std::size_t size_ = 0;
};

}  // namespace pinhole
