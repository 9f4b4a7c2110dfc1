#include "peer/screen.hpp"

#include <cerrno>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "peer/interrupts.hpp"

namespace pinhole::peer {
namespace {

constexpr std::string_view kClearLine = "\r\x1b[K";

bool takes_color(ColorMode mode, bool is_terminal, const net::Environment& environment) {
    if (mode != ColorMode::kAuto) return mode == ColorMode::kAlways;
    const auto no_color = environment("NO_COLOR");
    const auto terminal = environment("TERM");
    return is_terminal && (!no_color || no_color->empty()) && terminal && *terminal != "dumb";
}

std::string_view code_of(Paint paint) {
    switch (paint) {
        case Paint::kName: return "\x1b[36m";
        case Paint::kGood: return "\x1b[32m";
        case Paint::kWarning: return "\x1b[33m";
        case Paint::kError: return "\x1b[31m";
    }
    return {};
}

std::string painted(bool with_color, Paint paint, std::string_view text) {
    if (!with_color) return std::string{text};
    return fmt::format("{}{}\x1b[0m", code_of(paint), text);
}

}  // namespace

Screen::Screen(const Options& options, const net::Environment& environment)
    : options_(options),
      out_is_terminal_(::isatty(options.out_fd) == 1),
      err_is_terminal_(::isatty(options.err_fd) == 1),
      out_color_(takes_color(options.color, out_is_terminal_, environment)),
      err_color_(takes_color(options.color, err_is_terminal_, environment)) {}

bool Screen::data(std::string_view line) {
    put(options_.out_fd, out_is_terminal_, line);
    return !broken_;
}

void Screen::talk(std::string_view line) {
    if (!options_.quiet) warn(line);
}

void Screen::warn(std::string_view line) {
    put(options_.err_fd, err_is_terminal_, line);
}

void Screen::state(std::string_view line) {
    if (!err_is_terminal_ || options_.quiet || overlay_ != nullptr) return;
    has_state_ = true;
    static_cast<void>(write_all(options_.err_fd, fmt::format("{}{}", kClearLine, line)));
}

std::string Screen::painted_data(Paint paint, std::string_view text) const {
    return painted(out_color_, paint, text);
}

std::string Screen::painted_talk(Paint paint, std::string_view text) const {
    return painted(err_color_, paint, text);
}

void Screen::set_overlay(Overlay* overlay) {
    clear_state();
    overlay_ = overlay;
}

void Screen::put(int fd, bool is_terminal, std::string_view line) {
    clear_state();
    const bool gives_way = overlay_ != nullptr && is_terminal;
    if (gives_way) overlay_->hide();
    std::string whole{line};
    whole += '\n';
    if (!write_all(fd, whole) && fd == options_.out_fd) broken_ = true;
    if (gives_way) overlay_->show();
}

void Screen::clear_state() {
    if (!has_state_) return;
    has_state_ = false;
    static_cast<void>(write_all(options_.err_fd, kClearLine));
}

bool Screen::write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t done = ::write(fd, text.data(), text.size());
        if (done >= 0) {
            text.remove_prefix(static_cast<std::size_t>(done));
        } else if (errno == EAGAIN) {
            // Somebody who shares the description made it non-blocking.
            pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
            if (::poll(&ready, 1, -1) < 0 && Interrupts::count() > 0) return true;
        } else if (errno == EINTR) {
            // A reader that does not read must not keep us from a clean end.
            if (Interrupts::count() > 0) return true;
        } else {
            return false;
        }
    }
    return true;
}

}  // namespace pinhole::peer
