#include "peer/console.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <utility>

#include <asio/posix/stream_descriptor.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <histedit.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "peer/interrupts.hpp"
#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {
namespace {

constexpr int kHistoryLines = 500;
constexpr char kEndOfInput = 4;  // Ctrl-D

struct FileCloser {
    void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

struct EditorCloser {
    void operator()(EditLine* editor) const { el_end(editor); }
};
struct HistoryCloser {
    void operator()(History* history) const { history_end(history); }
};

int open_terminal_fd() {
    int fd = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    // Standard input can be a terminal that is not the one that controls us.
    if (fd < 0) fd = ::open("/proc/self/fd/0", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "cannot open the terminal");
    return fd;
}

File open_terminal(const char* mode) {
    const int fd = open_terminal_fd();
    File file{::fdopen(fd, mode)};
    if (!file) throw std::system_error(errno, std::generic_category(), "fdopen");
    return file;
}

/// The terminal without its own echo, until this goes: libedit shows what is typed. Between two
/// lines it leaves the mode in which keys come one by one, and what is typed just then would be
/// shown twice.
class EchoOff {
  public:
    explicit EchoOff(int fd) : fd_(fd), has_modes_(::tcgetattr(fd, &before_) == 0) {
        Interrupts::remember_terminal(fd);
        if (!has_modes_) return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(fd_, TCSANOW, &quiet);
    }
    ~EchoOff() {
        restore();
        Interrupts::remember_terminal(-1);
    }
    EchoOff(const EchoOff&) = delete;
    EchoOff& operator=(const EchoOff&) = delete;

    void restore() const {
        if (has_modes_) ::tcsetattr(fd_, TCSANOW, &before_);
    }

  private:
    int fd_;
    termios before_{};
    bool has_modes_;
};

}  // namespace

struct Console::Terminal {
    Terminal(asio::io_context& io, std::string prompt_text)
        : prompt(std::move(prompt_text)),
          in(open_terminal("r")),
          out(open_terminal("w")),
          echo_off(fileno(in.get())),
          watcher(io, open_terminal_fd()),
          history(history_init()),
          editor(el_init("peer", in.get(), out.get(), out.get())) {
        if (!editor || !history)
            throw std::system_error(ENOMEM, std::generic_category(), "libedit");
        HistEvent event{};
        ::history(history.get(), &event, H_SETSIZE, kHistoryLines);
        ::history(history.get(), &event, H_SETUNIQUE, 1);
        el_set(editor.get(), EL_CLIENTDATA, this);
        el_set(editor.get(), EL_PROMPT, &Terminal::prompt_of);
        el_set(editor.get(), EL_EDITOR, "emacs");
        // Else it would switch the echo on between two lines.
        el_set(editor.get(), EL_SETTY, "-x", "-echo", nullptr);
        el_set(editor.get(), EL_HIST, ::history, history.get());
        el_source(editor.get(), nullptr);
        el_set(editor.get(), EL_UNBUFFERED, 1);
    }

    static char* prompt_of(EditLine* editor) {
        void* self = nullptr;
        el_get(editor, EL_CLIENTDATA, &self);
        return static_cast<Terminal*>(self)->prompt.data();
    }

    [[nodiscard]] std::size_t columns() const {
        winsize size{};
        if (::ioctl(fileno(out.get()), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
        return size.ws_col;
    }

    void take_next_prompt() {
        if (!next_prompt.empty()) prompt = std::exchange(next_prompt, {});
    }

    /// Back to the start of the prompt, however many rows the line takes, and clears from there.
    void erase() const {
        if (!takes_output()) return;
        const LineInfo* line = el_line(editor.get());
        const std::string_view before{line->buffer,
                                      static_cast<std::size_t>(line->cursor - line->buffer)};
        const std::size_t rows = rows_below(prompt + std::string{before}, columns());
        const std::string up = rows == 0 ? "" : fmt::format("\x1b[{}A", rows);
        fmt::print(out.get(), "{}\r\x1b[J", up);
        static_cast<void>(std::fflush(out.get()));
    }

    /// False for a terminal that stands still (Ctrl-S, a frozen window): a write would wait.
    [[nodiscard]] bool takes_output() const {
        pollfd watched{.fd = fileno(out.get()), .events = POLLOUT, .revents = 0};
        return ::poll(&watched, 1, 0) > 0;
    }

    [[nodiscard]] bool has_hung_up() const {
        pollfd watched{.fd = fileno(in.get()), .events = POLLIN, .revents = 0};
        return ::poll(&watched, 1, 0) > 0 && (watched.revents & (POLLHUP | POLLERR)) != 0;
    }

    void remember(const std::string& line) const {
        HistEvent event{};
        if (!line.empty()) ::history(history.get(), &event, H_ENTER, line.c_str());
    }

    /// As it stands on the terminal.
    std::string prompt;
    /// As it is to stand there; empty for no change.
    std::string next_prompt;
    File in;
    File out;
    EchoOff echo_off;
    asio::posix::stream_descriptor watcher;
    std::unique_ptr<History, HistoryCloser> history;
    std::unique_ptr<EditLine, EditorCloser> editor;
    /// The prompt is on the terminal and keys are ours.
    bool is_active = true;
    bool is_stopped = false;
};

Console::Console(asio::io_context& io, const std::string& prompt, Callbacks callbacks)
    : terminal_(std::make_unique<Terminal>(io, prompt)), callbacks_(std::move(callbacks)) {
    wait();
}

Console::~Console() {
    stop();
}

bool Console::is_possible() {
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

void Console::hide() {
    if (terminal_->is_active) terminal_->erase();
}

void Console::set_prompt(std::string prompt) {
    terminal_->next_prompt = std::move(prompt);
}

void Console::show() {
    if (!terminal_->is_active) return;
    terminal_->take_next_prompt();
    el_resize(terminal_->editor.get());
    el_set(terminal_->editor.get(), EL_REFRESH);
}

void Console::stop() {
    if (std::exchange(terminal_->is_stopped, true)) return;
    hide();
    terminal_->is_active = false;
    el_set(terminal_->editor.get(), EL_UNBUFFERED, 0);
    terminal_->echo_off.restore();
    terminal_->watcher.cancel();
}

void Console::wait() {
    terminal_->watcher.async_wait(asio::posix::stream_descriptor::wait_read,
                                  [this](std::error_code error) {
                                      if (!error) on_readable();
                                  });
}

void Console::wait_for_output() {
    terminal_->watcher.async_wait(asio::posix::stream_descriptor::wait_write,
                                  [this](std::error_code error) {
                                      if (!error) wait();
                                  });
}

void Console::on_readable() {
    if (terminal_->is_stopped) return;
    // The echo of a key must not keep us from the network.
    if (!terminal_->takes_output()) return wait_for_output();
    EditLine* const editor = terminal_->editor.get();
    int count = 0;
    const char* const typed = el_gets(editor, &count);
    const std::string_view line{typed == nullptr ? "" : typed,
                                static_cast<std::size_t>(std::max(count, 0))};
    const bool is_end =
        line == std::string_view{&kEndOfInput, 1} || (line.empty() && terminal_->has_hung_up());
    const bool is_line = line.ends_with('\n') || line.ends_with('\r');
    if (!is_end && !is_line) return wait();
    terminal_->is_active = false;
    el_set(editor, EL_UNBUFFERED, 0);
    if (is_end) {
        fmt::print(terminal_->out.get(), "\n");
        static_cast<void>(std::fflush(terminal_->out.get()));
        return callbacks_.on_end();
    }
    std::string whole{line.substr(0, line.size() - 1)};
    terminal_->remember(whole);
    callbacks_.on_line(std::move(whole));
    if (terminal_->is_stopped) return;
    terminal_->take_next_prompt();
    el_set(editor, EL_UNBUFFERED, 1);
    terminal_->is_active = true;
    wait();
}

}  // namespace pinhole::peer
