// Public test vectors (Noise, Wycheproof) as JSON, read from a folder beside the source tree.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "shared/base/bytes.hpp"

namespace pinhole::crypto::test {

/// The folder: the environment's PINHOLE_VECTORS, else ../shared/vectors beside the source tree.
[[nodiscard]] std::string vectors_folder();

/// The parsed file, or nothing when the folder does not have it.
[[nodiscard]] std::optional<nlohmann::json> load_vectors(std::string_view file);

/// The bytes of a text of hexadecimal digits. Throws on anything else.
[[nodiscard]] ByteVector from_hex(std::string_view text);
[[nodiscard]] std::string to_hex(Bytes bytes);

/// The bytes of field `name` of `object`, empty when it has none.
[[nodiscard]] ByteVector hex_field(const nlohmann::json& object, const char* name);

}  // namespace pinhole::crypto::test

/// Binds `name` to the vectors in `file`, or skips the test and says why.
#define PINHOLE_LOAD_VECTORS(name, file)                                                   \
    const auto loaded_##name = ::pinhole::crypto::test::load_vectors(file);                \
    if (!loaded_##name)                                                                    \
        GTEST_SKIP() << "no vectors: " << ::pinhole::crypto::test::vectors_folder() << "/" \
                     << file;                                                              \
    const nlohmann::json& name = *loaded_##name
