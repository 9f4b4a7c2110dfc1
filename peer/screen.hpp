// Where words go: stdout carries data and nothing else, all talk is on stderr.
//
// One call is one line. On a terminal there may be a state line that is repainted in place, and a
// prompt (`Overlay`) that gives way to every line. On anything else there are no escape bytes,
// ever, unless the user asks for colour.
//
// Nobody waits for a reader that does not read: lines wait instead, up to a bound. What comes
// beyond it is left out, and the user is told how much as soon as there is somebody to tell.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "peer/outlet.hpp"
#include "shared/net/state_dir.hpp"

namespace pinhole::peer {

enum class ColorMode : std::uint8_t { kAuto, kAlways, kNever };
enum class Paint : std::uint8_t { kGood, kWarning, kError };

/// Data that may wait for the reader of stdout: more than four peers have in flight that send
/// nothing but texts of the greatest length (64 of 60000 bytes each).
inline constexpr std::size_t kDataWaitingMax = std::size_t{16} << 20U;
/// Talk that may wait for the reader of stderr: thousands of lines.
inline constexpr std::size_t kTalkWaitingMax = std::size_t{1} << 20U;
/// When this much data waits, nobody should make more: as much as a pipe holds.
inline constexpr std::size_t kBehindBytes = std::size_t{64} << 10U;

/// A place in what went to stdout, to ask later whether it is written.
using OutputMark = std::uint64_t;

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
        /// The same as `err_fd` when standard output is not ours: then data counts as talk, for
        /// which nobody waits and without which the show goes on.
        int out_fd = 1;
        int err_fd = 2;
        bool quiet = false;
        ColorMode color = ColorMode::kAuto;
    };

    /// Borrows the descriptors. `io` writes what has to wait.
    Screen(asio::io_context& io, const Options& options, const net::Environment& environment);

    /// Called inside the loop when something that had to wait is written, or never will be.
    void set_listener(std::function<void()> on_progress) { on_progress_ = std::move(on_progress); }

    /// Data, to stdout. Left out when too much waits.
    void data(std::string_view line);
    /// Data that must not be left out. Nothing when too much waits or nobody reads; the caller then
    /// sees to it that it comes again or is given up aloud.
    [[nodiscard]] std::optional<OutputMark> precious_data(std::string_view line);
    /// Talk, to stderr, unless quiet.
    void talk(std::string_view line);
    /// What the user must hear even when quiet.
    void warn(std::string_view line);
    /// Replaces the state line: only on a terminal, only when not quiet, and not above a prompt.
    void state(std::string_view line);
    /// What the terminal shows of the key that interrupts us (`^C`) goes: the next line, or the
    /// shell's prompt, is not to stand behind it.
    void clear_key_echo();

    /// `text` in colour if the stream takes it.
    [[nodiscard]] std::string painted_data(Paint paint, std::string_view text) const;
    [[nodiscard]] std::string painted_talk(Paint paint, std::string_view text) const;
    /// `text` in the colour that `name` always has: one of a few that are read well on dark and on
    /// light, so two names may share it.
    [[nodiscard]] std::string data_painted_as(std::string_view name, std::string_view text) const;
    [[nodiscard]] std::string talk_painted_as(std::string_view name, std::string_view text) const;

    /// Null for none. Must outlive its stay here.
    void set_overlay(Overlay* overlay);
    /// Takes the overlay away and shows it again, as soon as the terminal takes that.
    void repaint_overlay();

    [[nodiscard]] bool talks_to_terminal() const { return err().is_terminal(); }
    [[nodiscard]] bool shows_data_on_terminal() const { return has_data() && out_.is_terminal(); }
    /// Everything up to there is written.
    [[nodiscard]] bool is_out(OutputMark mark) const { return out_.written() >= mark; }
    /// So much waits that nobody should make more data for now.
    [[nodiscard]] bool is_behind() const { return out_.waiting() > kBehindBytes; }
    /// Data that no reader has taken yet.
    [[nodiscard]] std::size_t waiting_bytes() const { return has_data() ? out_.waiting() : 0; }
    /// Why stdout takes nothing any more, as an errno: EPIPE when nobody reads. 0 while it does.
    [[nodiscard]] int broken_by() const { return has_data() ? out_.error() : 0; }

  private:
    [[nodiscard]] Outlet& err() { return err_ ? *err_ : out_; }
    [[nodiscard]] const Outlet& err() const { return err_ ? *err_ : out_; }
    [[nodiscard]] bool has_data() const { return options_.out_fd != options_.err_fd; }
    void put(Outlet& to, std::string_view line);
    void pump(Outlet& to);
    void on_ready(Outlet& to);
    void tell_what_was_left_out();
    void clear_state();

    Options options_;
    Outlet out_;
    /// Empty when stderr is the same stream as stdout: one queue keeps the order.
    std::optional<Outlet> err_;
    std::function<void()> on_progress_;
    bool out_color_;
    bool err_color_;
    bool has_state_ = false;
    std::size_t data_left_out_ = 0;
    std::size_t talk_left_out_ = 0;
    Overlay* overlay_ = nullptr;
    bool overlay_is_away_ = false;
};

}  // namespace pinhole::peer
