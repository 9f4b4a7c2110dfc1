#include "peer/line_input.hpp"

#include <cerrno>
#include <string_view>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pinhole::peer {
namespace {

/// A description of our own for standard input, or -1 when that needs none.
int open_stream() {
    struct stat status{};
    if (::fstat(STDIN_FILENO, &status) != 0 || S_ISREG(status.st_mode)) return -1;
    const bool is_terminal = ::isatty(STDIN_FILENO) == 1;
    if (S_ISCHR(status.st_mode) && !is_terminal) return -1;
    int fd = is_terminal ? ::open("/dev/tty", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) : -1;
    if (fd < 0) fd = ::open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    // A socket, or another user's pipe, cannot be opened anew.
    return fd < 0 ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : fd;
}

}  // namespace

LineInput::LineInput(asio::io_context& io, std::size_t line_bytes_max, Callbacks callbacks)
    : io_(io), callbacks_(std::move(callbacks)), lines_(line_bytes_max) {
    if (const int fd = open_stream(); fd >= 0) stream_.emplace(io, fd);
}

void LineInput::resume() {
    paused_ = false;
    if (std::exchange(turn_is_due_, true)) return;
    asio::post(io_, [this] {
        turn_is_due_ = false;
        turn();
    });
}

void LineInput::stop() {
    stopped_ = true;
    if (stream_) stream_->cancel();
}

void LineInput::turn() {
    hand_over();
    if (paused_ || stopped_ || ended_) return;
    if (at_end_) {
        ended_ = true;
        return callbacks_.on_end();
    }
    read_more();
}

void LineInput::hand_over() {
    while (!paused_ && !stopped_) {
        auto line = lines_.next();
        if (lines_.take_was_cut()) callbacks_.on_cut();
        if (!line) return;
        callbacks_.on_line(std::move(*line));
    }
}

void LineInput::read_more() {
    if (std::exchange(reading_, true)) return;
    if (!stream_) {
        asio::post(io_, [this] { read_always_ready(); });
        return;
    }
    stream_->async_read_some(asio::buffer(chunk_), [this](std::error_code error, std::size_t size) {
        on_read(error, size);
    });
}

void LineInput::read_always_ready() {
    ssize_t got = -1;
    do {
        got = ::read(STDIN_FILENO, chunk_.data(), chunk_.size());
    } while (got < 0 && errno == EINTR);
    // An input that cannot be read, such as a closed one, is at its end.
    on_read(got > 0 ? std::error_code{} : std::make_error_code(std::errc::io_error),
            got > 0 ? static_cast<std::size_t>(got) : 0);
}

void LineInput::on_read(std::error_code error, std::size_t size) {
    reading_ = false;
    if (stopped_) return;
    if (error) {
        at_end_ = true;
        lines_.finish();
    } else {
        lines_.feed(std::string_view{chunk_.data(), size});
    }
    turn();
}

}  // namespace pinhole::peer
