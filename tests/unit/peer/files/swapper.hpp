// Somebody on this machine swaps a directory for a link that leads elsewhere, and back.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include <fcntl.h>
#include <stdio.h>

namespace pinhole::peer::files::test {

class Swapper {
  public:
    /// As fast as he can, or with a pause after each time; at most `times`.
    struct Way {
        int times = 1'000'000'000;
        std::chrono::microseconds pause{0};
    };

    Swapper(const std::filesystem::path& directory, const std::filesystem::path& outside,
            const Way& way)
        : thread_([this, directory, link = std::filesystem::path{directory.string() + ".link"},
                   outside, way] {
              std::filesystem::create_directory_symlink(outside, link);
              for (; !stop_ && swaps_ < way.times; ++swaps_) {
                  ::renameat2(AT_FDCWD, directory.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE);
                  if (way.pause.count() > 0) std::this_thread::sleep_for(way.pause);
              }
          }) {}
    Swapper(const Swapper&) = delete;
    Swapper& operator=(const Swapper&) = delete;
    ~Swapper() {
        stop_ = true;
        thread_.join();
    }

    [[nodiscard]] int swaps() const { return swaps_; }

  private:
    std::atomic<bool> stop_ = false;
    std::atomic<int> swaps_ = 0;
    std::thread thread_;
};

}  // namespace pinhole::peer::files::test
