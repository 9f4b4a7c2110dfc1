// A program on a pseudo-terminal: what a person types at it, and what he sees.
#pragma once

#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "tests/cli/programs.hpp"

namespace pinhole::cli {

/// A peer that has a terminal of its own as its three streams.
class TerminalPeer {
  public:
    TerminalPeer(const std::vector<std::string>& words, const std::string& home) {
        winsize size{};
        size.ws_col = 80;
        size.ws_row = 24;
        std::vector<char*> arguments;
        for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        int slave = -1;
        if (::openpty(&master_, &slave, nullptr, nullptr, &size) != 0) {
            throw std::runtime_error("openpty");
        }
        // Later the peer may have changed them already.
        modes_before_ = local_modes();
        pid_ = ::fork();
        if (pid_ < 0) throw std::runtime_error("fork");
        if (pid_ == 0) {
            ::close(master_);
            ::login_tty(slave);
            ::setenv("XDG_STATE_HOME", home.c_str(), 1);
            ::setenv("XDG_RUNTIME_DIR", home.c_str(), 1);
            ::setenv("HOME", home.c_str(), 1);
            ::setenv("TERM", "xterm", 1);
            ::setenv("LC_ALL", "C.UTF-8", 1);
            ::unsetenv("NO_COLOR");
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
        ::close(slave);
    }
    TerminalPeer(const TerminalPeer&) = delete;
    TerminalPeer& operator=(const TerminalPeer&) = delete;
    ~TerminalPeer() {
        if (!status_) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        ::close(master_);
    }

    void type(const std::string& keys) const {
        EXPECT_EQ(::write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
    }

    void send_signal(int number) const { ::kill(pid_, number); }

    /// Waits until `text` is on the terminal after what earlier calls found.
    [[nodiscard]] bool shows(const std::string& text) {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (true) {
            const auto at = seen_.find(text, looked_at_);
            if (at != std::string::npos) {
                looked_at_ = at + text.size();
                return true;
            }
            if (std::chrono::steady_clock::now() > deadline || !read_more()) return false;
        }
    }

    [[nodiscard]] int wait_for_exit() {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (!status_ && std::chrono::steady_clock::now() < deadline) {
            static_cast<void>(read_more());
            int raw = 0;
            if (::waitpid(pid_, &raw, WNOHANG) == pid_) {
                status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
            }
        }
        return status_.value_or(-1);
    }

    [[nodiscard]] tcflag_t local_modes() const {
        termios modes{};
        EXPECT_EQ(::tcgetattr(master_, &modes), 0);
        return modes.c_lflag;
    }
    /// As they were before the peer started.
    [[nodiscard]] tcflag_t local_modes_before() const { return modes_before_; }
    /// All that is on the terminal by now.
    [[nodiscard]] const std::string& seen() {
        pollfd watched{.fd = master_, .events = POLLIN, .revents = 0};
        while (::poll(&watched, 1, 0) > 0 && read_more()) {
        }
        return seen_;
    }

  private:
    bool read_more() {
        pollfd watched{.fd = master_, .events = POLLIN, .revents = 0};
        constexpr int kTurn = 50;
        if (::poll(&watched, 1, kTurn) <= 0) return true;
        std::array<char, 4096> chunk{};
        const ssize_t got = ::read(master_, chunk.data(), chunk.size());
        if (got <= 0) return false;
        seen_.append(chunk.data(), static_cast<std::size_t>(got));
        return true;
    }

    int master_ = -1;
    pid_t pid_ = -1;
    tcflag_t modes_before_ = 0;
    std::string seen_;
    std::size_t looked_at_ = 0;
    std::optional<int> status_;
};

}  // namespace pinhole::cli
