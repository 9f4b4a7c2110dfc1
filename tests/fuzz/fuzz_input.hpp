// What fuzz targets share: the input as `Bytes`, and the property that every parser must have.
//
// What parses is encoded again, parsed again and encoded once more. Both encodings must be the
// same, which says that the struct survived, and none may be longer than the input it came from,
// which the assert inside `Writer` checks because the storage is exactly that long.
#pragma once

#include <cassert>
#include <variant>

#include "shared/base/bytes.hpp"

namespace pinhole::fuzz {

/// libFuzzer's input as bytes. Borrowed for the length of the call.
[[nodiscard]] inline Bytes input_bytes(const std::uint8_t* data, std::size_t size) {
    return std::as_bytes(std::span{data, size});
}

/// What an older version leaves out at the end, and this one writes: a NAT behavior.
inline constexpr std::size_t kAppendedMax = 12;

/// `parse` maps bytes to a `Parsed<T>`; `encode` writes a `T` and returns the size.
template <class Parse, class Encode>
void check_round_trip(Bytes input, Parse parse, Encode encode) {
    const auto first = parse(input);
    if (!first) return;
    ByteVector once(input.size() + kAppendedMax);
    once.resize(encode(*first, MutableBytes{once}));

    const auto second = parse(Bytes{once});
    assert(second.has_value());
    ByteVector twice(once.size());
    twice.resize(encode(*second, MutableBytes{twice}));
    assert(once == twice);
}

/// `encode` of whatever the variant `frame` holds.
template <class Variant>
[[nodiscard]] std::size_t encode_any(const Variant& frame, MutableBytes out) {
    return std::visit([out](const auto& held) { return encode(held, out); }, frame);
}

}  // namespace pinhole::fuzz
