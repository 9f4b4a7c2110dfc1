#include "peer/line_input.hpp"

#include <cerrno>
#include <span>
#include <string_view>
#include <utility>

#include <asio/post.hpp>
#include <unistd.h>

namespace pinhole::peer {

LineInput::LineInput(asio::io_context& io, std::size_t line_bytes_max, Callbacks callbacks)
    : io_(io),
      callbacks_(std::move(callbacks)),
      lines_(line_bytes_max),
      source_(io, STDIN_FILENO, [this] { read(); }) {}

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
}

void LineInput::turn() {
    hand_over();
    if (paused_ || stopped_ || ended_) return;
    if (at_end_) {
        ended_ = true;
        return callbacks_.on_end();
    }
    source_.wait();
}

void LineInput::hand_over() {
    while (!paused_ && !stopped_) {
        auto line = lines_.next();
        if (lines_.take_was_cut()) callbacks_.on_cut();
        if (!line) return;
        callbacks_.on_line(std::move(*line));
    }
}

void LineInput::read() {
    if (stopped_ || at_end_) return;
    const long got = source_.read(std::as_writable_bytes(std::span{chunk_}));
    if (got < 0 && errno == EAGAIN) return source_.wait();
    if (got > 0) {
        lines_.feed(std::string_view{chunk_.data(), static_cast<std::size_t>(got)});
    } else {
        // An input that cannot be read, such as a closed one, is at its end.
        at_end_ = true;
        lines_.finish();
    }
    turn();
}

}  // namespace pinhole::peer
