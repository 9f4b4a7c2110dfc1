// A directory of its own for each test, gone afterwards.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace pinhole::test {

class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        std::string name = ::testing::TempDir() + "pinhole-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

/// The permission bits of a file.
inline std::filesystem::perms mode_of(const std::filesystem::path& path) {
    return std::filesystem::status(path).permissions();
}

}  // namespace pinhole::test
