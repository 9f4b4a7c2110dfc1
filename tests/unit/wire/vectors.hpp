// The golden vectors of tests/vectors/wire.json, and every parser of the floor by its name there.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "shared/base/bytes.hpp"
#include "shared/base/result.hpp"

namespace pinhole::wire::test {

struct Vector {
    std::string name;
    std::string parser;
    nlohmann::json fields;
    ByteVector bytes;
    /// What encoding the fields gives: `bytes` unless they hold more than the fields.
    ByteVector canonical;
};

struct Refusal {
    std::string name;
    std::string parser;
    std::string drop;
    ByteVector bytes;
};

struct VectorFile {
    std::vector<Vector> vectors;
    std::vector<Refusal> refused;
};

/// What a parser made of some bytes: its fields, and the bytes that encoding them gives.
struct Decoded {
    nlohmann::json fields;
    ByteVector encoded;
};

[[nodiscard]] VectorFile load_vectors();

/// Runs the parser of that name, which must be one; `stun_response` is none.
[[nodiscard]] Parsed<Decoded> decode(const std::string& parser, Bytes bytes);

[[nodiscard]] std::string to_hex(Bytes bytes);
[[nodiscard]] ByteVector from_hex(const std::string& text);

}  // namespace pinhole::wire::test
