// Cuts a stream of bytes into lines of bounded length.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pinhole::peer {

class LineSplitter {
  public:
    /// A line longer than `bytes_max` (at least 4) comes in several pieces, cut between characters.
    explicit LineSplitter(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    void feed(std::string_view chunk) { rest_ += chunk; }
    /// Nothing follows: what is left is a line, even without its end.
    void finish() { finished_ = true; }

    /// The next line, without LF or CR LF. Nothing when more input is needed.
    [[nodiscard]] std::optional<std::string> next();

    /// True once after a line had to be cut.
    [[nodiscard]] bool take_was_cut();

  private:
    std::size_t bytes_max_;
    std::string rest_;
    bool finished_ = false;
    bool was_cut_ = false;
};

}  // namespace pinhole::peer
