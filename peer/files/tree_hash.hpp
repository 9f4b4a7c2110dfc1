// What names the content of a file: BLAKE2b over chunks of 256 KiB, and a chain over these.
//
//     chunk(i) = BLAKE2b-256("Pinhole chunk", the bytes of chunk i)
//     tree(0)  = BLAKE2b-256("Pinhole file", size of the file (8), or 2^64-1 if nobody knows it
//     yet) tree(n)  = BLAKE2b-256("Pinhole file", tree(n-1) | chunk(n-1))
//
// The value after the last chunk stands for the whole file, an earlier one for that many chunks of
// a file of this size: two sides that have equal values have the same bytes. One value is kept, so
// a file of any length takes no memory.
#pragma once

#include <cstdint>

#include "shared/base/bytes.hpp"

namespace pinhole::peer::files {

/// All chunks of a file have this size but the last, which may be shorter.
/// What has come of one is lost with the receiver, and with it what was on its way: together that
/// stays below 1 MiB.
inline constexpr std::size_t kChunkBytes = std::size_t{256} << 10U;
/// The number of a chunk has 32 bits on the wire, with room to spare.
inline constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 50U;
/// In place of the size of a file that is sent while it comes into being.
inline constexpr std::uint64_t kSizeUnknown = ~std::uint64_t{0};

using Hash = FixedBytes<32>;

[[nodiscard]] Hash hash_of_chunk(Bytes chunk);

/// How many chunks a file of `size` bytes has, which is known; an empty one has none.
[[nodiscard]] constexpr std::uint32_t chunk_count(std::uint64_t size) {
    return static_cast<std::uint32_t>((size + kChunkBytes - 1) / kChunkBytes);
}

/// Where chunk `index` begins.
[[nodiscard]] constexpr std::uint64_t chunk_offset(std::uint32_t index) {
    return std::uint64_t{index} * kChunkBytes;
}

/// `index` must be below `chunk_count(size)`.
[[nodiscard]] constexpr std::size_t chunk_size(std::uint64_t size, std::uint32_t index) {
    const std::uint64_t rest = size - chunk_offset(index);
    return rest < kChunkBytes ? static_cast<std::size_t>(rest) : kChunkBytes;
}

class TreeHash {
  public:
    /// Of a file of `size` bytes, of which no chunk was seen yet.
    explicit TreeHash(std::uint64_t size);

    /// The next chunk, in order.
    void add(const Hash& chunk);

    [[nodiscard]] const Hash& value() const { return value_; }
    [[nodiscard]] std::uint32_t chunks() const { return chunks_; }

  private:
    Hash value_;
    std::uint32_t chunks_ = 0;
};

}  // namespace pinhole::peer::files
