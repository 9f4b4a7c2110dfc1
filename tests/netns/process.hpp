// A process under test: spawned with pipes on its three standard streams, read line by line, and
// killed by its own id when the object goes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace pinhole::netns {

using Milliseconds = std::chrono::milliseconds;

enum class Stream : std::uint8_t { kOut, kErr };

struct Line {
    Stream stream;
    Milliseconds at;  ///< since the process was started
    std::string text;
};

/// What to run. `environment` holds NAME=VALUE on top of ours, of which PINHOLE_* is left out: the
/// programs read such names as options.
struct Launch {
    std::string name;  ///< for logs
    std::vector<std::string> argv;
    std::vector<std::string> environment;
};

class Process {
  public:
    using Predicate = std::function<bool(const Line&)>;

    /// Throws `std::system_error` if the program cannot be started.
    explicit Process(const Launch& launch);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    Process(Process&&) = delete;
    Process& operator=(Process&&) = delete;

    /// Writes a line to its standard input; does nothing once that is closed or the process gone.
    void write_line(std::string_view text) const;
    void close_input();
    void send_signal(int signal) const;
    /// Leaves its standard output unread, so that its pipe fills, until `resume_output`.
    void stall_output() { is_output_stalled_ = true; }
    void resume_output() { is_output_stalled_ = false; }
    /// How much of its standard output waits in the pipe.
    [[nodiscard]] std::size_t bytes_unread() const;
    /// Nobody will ever read its standard output again.
    void close_output();

    /// The first line from `since` on that satisfies `wanted`, waiting for it as long as `timeout`.
    [[nodiscard]] std::optional<Line> wait_for_line(const Predicate& wanted, Milliseconds timeout,
                                                    std::size_t since = 0);

    /// The exit status, 128 + signal for one that was killed, nothing if it still runs at the end
    /// of `timeout`. All its output has been read when a status is returned.
    [[nodiscard]] std::optional<int> wait_for_exit(Milliseconds timeout);

    [[nodiscard]] const std::vector<Line>& lines() const { return lines_; }
    /// A mark for `wait_for_line`: only what is read from now on.
    [[nodiscard]] std::size_t mark() const { return lines_.size(); }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::string log() const;

  private:
    using Clock = std::chrono::steady_clock;

    struct Pipe {
        int fd = -1;
        std::string partial;
    };

    void pump(Milliseconds timeout);
    void read_from(Pipe& pipe, Stream stream);
    void reap();

    std::string name_;
    Clock::time_point started_ = Clock::now();
    pid_t pid_ = -1;
    int exit_fd_ = -1;  ///< pidfd: readable when the process has ended
    int input_ = -1;
    Pipe output_;
    bool is_output_stalled_ = false;
    Pipe error_;
    std::optional<int> status_;
    std::vector<Line> lines_;
};

}  // namespace pinhole::netns
