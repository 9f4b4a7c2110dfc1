// Files of tests, written and read in one piece.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include "tests/support/seeded_random.hpp"

namespace pinhole::test {

/// Makes the directories above it, too.
inline void write_file(const std::filesystem::path& path, std::string_view content) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream out{path, std::ios::binary};
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
}

/// Empty for one that is not there.
[[nodiscard]] inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

/// Bytes without a pattern.
[[nodiscard]] inline std::string content_of(std::size_t size, std::uint64_t seed = 1) {
    std::string out(size, '\0');
    SeededRandom{seed}.fill(std::as_writable_bytes(std::span{out.data(), out.size()}));
    return out;
}

}  // namespace pinhole::test
