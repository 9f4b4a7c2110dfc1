#include "peer/screen.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

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
        case Paint::kGood: return "\x1b[32m";
        case Paint::kWarning: return "\x1b[33m";
        case Paint::kError: return "\x1b[31m";
    }
    return {};
}

/// Cyan, magenta, green, yellow, bright blue: red is for errors.
constexpr std::array<std::string_view, 5> kNameCodes{"\x1b[36m", "\x1b[35m", "\x1b[32m", "\x1b[33m",
                                                     "\x1b[94m"};

/// The same on every machine and in every run: FNV-1a, of which the last bits are poor.
std::string_view code_of_name(std::string_view name) {
    std::uint32_t hash = 2'166'136'261U;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619U;
    return kNameCodes[(hash >> 7U) % kNameCodes.size()];
}

std::string painted(bool with_color, std::string_view code, std::string_view text) {
    if (!with_color) return std::string{text};
    return fmt::format("{}{}\x1b[0m", code, text);
}

/// Both descriptors lead to one pipe, terminal or socket. Files do not count: nothing waits there.
bool are_one_stream(int a, int b) {
    struct stat first{};
    struct stat second{};
    if (::fstat(a, &first) != 0 || ::fstat(b, &second) != 0 || S_ISREG(first.st_mode)) return false;
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace

Screen::Screen(asio::io_context& io, const Options& options, const net::Environment& environment)
    : options_(options),
      out_(io, options.out_fd, [this] { on_ready(out_); }),
      out_color_(takes_color(options.color, out_.is_terminal(), environment)),
      err_color_(false) {
    if (!are_one_stream(options.out_fd, options.err_fd)) {
        err_.emplace(io, options.err_fd, [this] { on_ready(err()); });
    }
    err_color_ = takes_color(options.color, err().is_terminal(), environment);
}

void Screen::data(std::string_view line) {
    if (!precious_data(line) && out_.error() == 0) ++data_left_out_;
}

std::optional<OutputMark> Screen::precious_data(std::string_view line) {
    if (out_.error() != 0 || out_.waiting() > kDataWaitingMax) return std::nullopt;
    put(out_, line);
    if (out_.error() != 0) return std::nullopt;
    return out_.taken();
}

void Screen::talk(std::string_view line) {
    if (!options_.quiet) warn(line);
}

void Screen::warn(std::string_view line) {
    if (err().waiting() > kTalkWaitingMax) {
        ++talk_left_out_;
    } else {
        put(err(), line);
    }
}

void Screen::state(std::string_view line) {
    if (!talks_to_terminal() || options_.quiet || overlay_ != nullptr) return;
    if (err().waiting() > 0) return;  // It would be old before anybody sees it.
    has_state_ = true;
    err().take(fmt::format("{}{}", kClearLine, line));
    pump(err());
}

void Screen::clear_key_echo() {
    if (!talks_to_terminal() || overlay_ != nullptr) return;
    has_state_ = true;
    clear_state();
}

std::string Screen::painted_data(Paint paint, std::string_view text) const {
    return painted(out_color_, code_of(paint), text);
}

std::string Screen::painted_talk(Paint paint, std::string_view text) const {
    return painted(err_color_, code_of(paint), text);
}

std::string Screen::data_painted_as(std::string_view name, std::string_view text) const {
    return painted(out_color_, code_of_name(name), text);
}

std::string Screen::talk_painted_as(std::string_view name, std::string_view text) const {
    return painted(err_color_, code_of_name(name), text);
}

void Screen::set_overlay(Overlay* overlay) {
    clear_state();
    overlay_ = overlay;
    overlay_is_away_ = false;
}

void Screen::repaint_overlay() {
    if (overlay_ != nullptr) pump(err());
}

void Screen::put(Outlet& to, std::string_view line) {
    clear_state();
    to.take(line);
    to.take("\n");
    pump(to);
}

void Screen::clear_state() {
    if (!std::exchange(has_state_, false)) return;
    err().take(kClearLine);
    pump(err());
}

void Screen::pump(Outlet& to) {
    const bool has_prompt = overlay_ != nullptr && to.is_terminal();
    if (has_prompt && !overlay_is_away_) {
        // The prompt cannot be taken away from a terminal that stands still.
        if (!to.is_ready()) return to.wait();
        overlay_is_away_ = true;
        overlay_->hide();
    }
    to.flush();
    if (to.waiting() > 0) return to.wait();
    if (has_prompt && std::exchange(overlay_is_away_, false)) overlay_->show();
}

void Screen::on_ready(Outlet& to) {
    pump(to);
    tell_what_was_left_out();
    if (on_progress_) on_progress_();
}

void Screen::tell_what_was_left_out() {
    if (data_left_out_ > 0 && out_.waiting() == 0) {
        warn(fmt::format("{} lines of data are missing on standard output: nobody read them",
                         std::exchange(data_left_out_, 0)));
    }
    if (talk_left_out_ > 0 && err().waiting() == 0) {
        warn(fmt::format("({} lines are missing here: nobody read them)",
                         std::exchange(talk_left_out_, 0)));
    }
}

}  // namespace pinhole::peer
