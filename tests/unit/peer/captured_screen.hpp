// A `Screen` that writes into pipes, so that a test sees each byte; neither is a terminal.
#pragma once

#include <array>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "peer/screen.hpp"

namespace pinhole::peer::test {

class CapturedPipe {
  public:
    CapturedPipe() {
        if (::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
    }
    CapturedPipe(const CapturedPipe&) = delete;
    CapturedPipe& operator=(const CapturedPipe&) = delete;
    ~CapturedPipe() {
        close_reader();
        ::close(ends_[1]);
    }

    /// What was written since the last look.
    [[nodiscard]] std::string take() const {
        std::string out;
        std::array<char, 4096> chunk{};
        ssize_t got = 0;
        while ((got = ::read(ends_[0], chunk.data(), chunk.size())) > 0) {
            out.append(chunk.data(), static_cast<std::size_t>(got));
        }
        return out;
    }
    void close_reader() {
        if (ends_[0] >= 0) ::close(ends_[0]);
        ends_[0] = -1;
    }
    [[nodiscard]] int fd() const { return ends_[1]; }

  private:
    std::array<int, 2> ends_{};
};

struct CapturedScreen {
    explicit CapturedScreen(bool quiet = false, ColorMode color = ColorMode::kAuto)
        : screen(io, {.out_fd = out.fd(), .err_fd = err.fd(), .quiet = quiet, .color = color},
                 [](std::string_view name) -> std::optional<std::string> {
                     return name == "TERM" ? std::optional<std::string>{"xterm"} : std::nullopt;
                 }) {}

    asio::io_context io;
    CapturedPipe out;
    CapturedPipe err;
    Screen screen;
};

}  // namespace pinhole::peer::test
