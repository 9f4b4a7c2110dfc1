// Where words go: stdout carries data and nothing else, all talk is on stderr.
//
// One call is one line, written at once. On a terminal there may be a state line that is repainted
// in place, and a prompt (`Overlay`) that gives way to every line. On anything else there are no
// escape bytes, ever, unless the user asks for colour.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shared/net/state_dir.hpp"

namespace pinhole::peer {

enum class ColorMode : std::uint8_t { kAuto, kAlways, kNever };
enum class Paint : std::uint8_t { kName, kGood, kWarning, kError };

/// What stands on the terminal and must be taken away for the time of a line.
class Overlay {
  public:
    virtual ~Overlay() = default;
    virtual void hide() = 0;
    virtual void show() = 0;
};

class Screen {
  public:
    struct Options {
        int out_fd = 1;
        int err_fd = 2;
        bool quiet = false;
        ColorMode color = ColorMode::kAuto;
    };

    /// Borrows the descriptors.
    Screen(const Options& options, const net::Environment& environment);

    /// Data, to stdout. False once nobody reads it.
    bool data(std::string_view line);
    /// Talk, to stderr, unless quiet.
    void talk(std::string_view line);
    /// What the user must hear even when quiet.
    void warn(std::string_view line);
    /// Replaces the state line: only on a terminal, only when not quiet, and not above a prompt.
    void state(std::string_view line);

    /// `text` in colour if the stream takes it.
    [[nodiscard]] std::string painted_data(Paint paint, std::string_view text) const;
    [[nodiscard]] std::string painted_talk(Paint paint, std::string_view text) const;

    /// Null for none. Must outlive its stay here.
    void set_overlay(Overlay* overlay);

    [[nodiscard]] bool talks_to_terminal() const { return err_is_terminal_; }
    /// Nobody reads our stdout any more (EPIPE).
    [[nodiscard]] bool is_broken() const { return broken_; }

  private:
    void put(int fd, bool is_terminal, std::string_view line);
    void clear_state();
    [[nodiscard]] bool write_all(int fd, std::string_view text);

    Options options_;
    bool out_is_terminal_;
    bool err_is_terminal_;
    bool out_color_;
    bool err_color_;
    bool has_state_ = false;
    bool broken_ = false;
    Overlay* overlay_ = nullptr;
};

}  // namespace pinhole::peer
