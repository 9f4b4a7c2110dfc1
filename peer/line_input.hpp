// Lines from a standard input that is not a prompt: a pipe, a file, a terminal without a prompt.
//
// Reads in bounded pieces between two turns of the loop.
#pragma once

#include <array>
#include <functional>
#include <string>

#include <asio/io_context.hpp>

#include "peer/input_source.hpp"
#include "peer/line_splitter.hpp"

namespace pinhole::peer {

class LineInput {
  public:
    struct Callbacks {
        /// A line without its end. May `pause` or `stop`.
        std::function<void(std::string line)> on_line;
        /// No more lines; once.
        std::function<void()> on_end;
        /// A line was longer than a text may be, so it came in pieces.
        std::function<void()> on_cut;
    };

    /// Nothing is read before `resume`. Must not be destroyed between two turns of a running loop.
    LineInput(asio::io_context& io, std::size_t line_bytes_max, Callbacks callbacks);
    LineInput(const LineInput&) = delete;
    LineInput& operator=(const LineInput&) = delete;

    /// Hands over no more lines, and soon reads no more, until `resume`.
    void pause() { paused_ = true; }
    /// Goes on, at the next turn of the loop.
    void resume();
    /// For good.
    void stop();

  private:
    void turn();
    void hand_over();
    void read();

    asio::io_context& io_;
    Callbacks callbacks_;
    LineSplitter lines_;
    InputSource source_;
    std::array<char, 16 * 1024> chunk_{};
    bool paused_ = true;
    bool stopped_ = false;
    bool at_end_ = false;
    bool ended_ = false;
    bool turn_is_due_ = false;
};

}  // namespace pinhole::peer
