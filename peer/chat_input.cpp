// Where the texts of a `Chat` come from: a prompt, or lines of a pipe.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "peer/chat.hpp"

namespace pinhole::peer {
namespace {

/// Reading a pipe pauses while this much waits for one peer.
constexpr std::size_t kWaitingBytesMax = std::size_t{1} << 20U;
constexpr std::size_t kWaitingTextsMax = 4096;

}  // namespace

void Chat::open_input() {
    if (Console::is_possible()) {
        console_.emplace(station_.io(), prompt(),
                         Console::Callbacks{
                             .on_line = [this](const std::string& line) { on_prompt_line(line); },
                             .on_end = [this] { on_prompt_line("/quit"); },
                         });
        files_.on_prompt();
        return station_.screen().set_overlay(&*console_);
    }
    input_.emplace(station_.io(), kTextBytesMax,
                   LineInput::Callbacks{
                       .on_line = [this](std::string line) { on_piped_line(std::move(line)); },
                       .on_end = [this] { on_input_end(); },
                       .on_cut =
                           [this] {
                               if (std::exchange(told_about_cut_, true)) return;
                               station_.narrator().say(fmt::format(
                                   "lines longer than {} bytes are sent in pieces", kTextBytesMax));
                           },
                   });
    input_->resume();
}

void Chat::close_input() {
    station_.screen().set_overlay(nullptr);
    if (console_) console_->stop();
    if (input_) input_->stop();
}

// ---- the prompt

void Chat::on_prompt_line(const std::string& line) {
    std::visit([this](const auto& command) { obey(command); }, parse_chat_command(line));
    station_.settle();
}

std::string Chat::prompt() const {
    return fmt::format("{}{}> ", station_.options().id, delivery_.mark(shows_utf8_));
}

void Chat::show_delivery() {
    while (const auto line = delivery_.poll_line()) station_.narrator().say(*line);
    if (!console_ || station_.is_leaving()) return;
    std::string now = prompt();
    if (shown_prompt_ == now) return;
    console_->set_prompt(now);
    shown_prompt_ = std::move(now);
    station_.screen().repaint_overlay();
}

// ---- a pipe

void Chat::on_piped_line(std::string line) {
    held_.push_back(std::move(line));
    say_held_lines();
    steer_input();
    station_.settle();
}

void Chat::on_input_end() {
    input_ended_ = true;
    leave_when_done();
    station_.settle();
}

void Chat::say_held_lines() {
    // Who is in the room is to hear the first line, too.
    if (room_ && !room_->is_known() && !is_room_refused_) return;
    std::set<Id> receivers = room_receivers();
    receivers.insert(named_.begin(), named_.end());
    if (receivers.empty() && !room_) receivers = audience_.listeners();
    if (receivers.empty()) {
        if (held_.empty() || std::exchange(told_about_held_, true)) return;
        return station_.narrator().say(room_ ? "nobody is in the room yet: what comes in waits"
                                             : "nobody is connected yet: what comes in waits");
    }
    for (; !held_.empty(); held_.pop_front()) {
        for (const Id& peer : receivers) say(peer, held_.front());
    }
    for (const Id& peer : receivers) {
        if (audience_.is_deaf(peer)) on_deaf(peer);
    }
}

void Chat::steer_input() {
    if (!input_ || input_ended_) return;
    const bool has_too_much = std::ranges::any_of(conversations_, [](const auto& entry) {
        return entry.second.waiting_bytes() > kWaitingBytesMax ||
               entry.second.waiting() > kWaitingTextsMax;
    });
    // Each text that goes out makes output as well (--json).
    if (has_too_much || held_.size() > kWaitingTextsMax || station_.screen().is_behind()) {
        input_->pause();
    } else {
        input_->resume();
    }
}

}  // namespace pinhole::peer
