#include "tests/unit/crypto/vectors.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>

namespace pinhole::crypto::test {
namespace {

unsigned digit_value(char digit) {
    if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
    if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a') + 10U;
    throw std::invalid_argument("not a hexadecimal digit");
}

}  // namespace

std::string vectors_folder() {
    const char* const chosen = std::getenv("PINHOLE_VECTORS");
    return chosen != nullptr ? chosen : PINHOLE_SOURCE_DIR "/../shared/vectors";
}

std::optional<nlohmann::json> load_vectors(std::string_view file) {
    std::ifstream stream{fmt::format("{}/{}", vectors_folder(), file)};
    if (!stream) return std::nullopt;
    return nlohmann::json::parse(stream);
}

ByteVector from_hex(std::string_view text) {
    if (text.size() % 2 != 0) throw std::invalid_argument("odd number of digits");
    ByteVector out;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        out.push_back(
            static_cast<std::byte>(digit_value(text[i]) << 4U | digit_value(text[i + 1])));
    }
    return out;
}

std::string to_hex(Bytes bytes) {
    std::string out;
    for (const std::byte octet : bytes) out += fmt::format("{:02x}", std::to_integer<int>(octet));
    return out;
}

ByteVector hex_field(const nlohmann::json& object, const char* name) {
    if (!object.contains(name)) return {};
    return from_hex(object.at(name).get<std::string>());
}

}  // namespace pinhole::crypto::test
