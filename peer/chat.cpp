#include "peer/chat.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace pinhole::peer {
namespace {

/// Texts that a connection carries unacknowledged: far below what ENet takes (8 MiB a peer).
constexpr std::size_t kInFlightMax = 64;
/// Reading a pipe pauses while this much waits for one peer.
constexpr std::size_t kWaitingBytesMax = std::size_t{1} << 20U;
constexpr std::size_t kWaitingTextsMax = 4096;
/// Conversations that are kept to tell repeats, of peers that are not here.
constexpr std::size_t kConversationsMax = 1024;

std::string count_of_texts(std::size_t count) {
    return count == 1 ? "1 text" : fmt::format("{} texts", count);
}

}  // namespace

Chat::Chat(Station& station, const ChatOptions& options)
    : station_(station),
      options_(options),
      run_(station.random().u32()),
      named_(options.peers.begin(), options.peers.end()) {}

// ---- life

void Chat::on_start() {
    if (is_one_shot()) {
        say(options_.peers.front(), *options_.message);
        if (options_.timeout != Duration::max()) deadline_ = station_.now() + options_.timeout;
    } else if (!Console::is_possible()) {
        // A prompt comes up when there is something to talk through.
        open_input();
    }
    for (const Id& peer : options_.peers) {
        station_.connect(peer, !is_one_shot() || options_.wait);
    }
}

void Chat::on_registered() {
    if (!is_one_shot() && !console_ && !input_) open_input();
    leave_when_done();
}

void Chat::open_input() {
    if (Console::is_possible()) {
        console_.emplace(station_.io(), fmt::format("{}> ", station_.options().id),
                         Console::Callbacks{
                             .on_line = [this](const std::string& line) { on_prompt_line(line); },
                             .on_end = [this] { on_prompt_line("/quit"); },
                         });
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

void Chat::on_leaving() {
    station_.screen().set_overlay(nullptr);
    if (console_) console_->stop();
    if (input_) input_->stop();
    for (const auto& [peer, talk] : conversations_) {
        if (talk.waiting() == 0) continue;
        station_.narrator().warn(fmt::format("{} to {}: not confirmed, perhaps not shown",
                                             count_of_texts(talk.waiting()), peer));
    }
    for (const auto& [peer, count] : unshown_.counts()) {
        station_.narrator().warn(fmt::format(
            "{} from {}: nobody reads our output, so not confirmed", count_of_texts(count), peer));
    }
    if (!held_.empty()) {
        station_.narrator().warn(
            fmt::format("{} had nobody to go to", count_of_texts(held_.size())));
    }
}

void Chat::handle_timeout(Instant now) {
    if (now < deadline_) return;
    deadline_ = kNever;
    const Id& peer = options_.peers.front();
    const bool was_connected = station_.is_connected(peer);
    // The problem says all there is to say about it.
    conversation(peer).forget_waiting();
    station_.fail(message_timed_out(peer, was_connected));
}

void Chat::leave_when_done() {
    const bool is_over = is_one_shot() || (input_ended_ && !options_.wait);
    if (!is_over || !station_.is_registered() || undelivered() > 0) return;
    if (!unshown_.is_empty()) return;  // Their senders still wait for the confirmation.
    station_.leave(end_code_);
}

std::size_t Chat::undelivered() const {
    std::size_t count = held_.size();
    for (const auto& [peer, talk] : conversations_) count += talk.waiting();
    return count;
}

// ---- from outside

void Chat::on_prompt_line(const std::string& line) {
    std::visit([this](const auto& command) { obey(command); }, parse_chat_command(line));
    station_.settle();
}

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
    const std::set<Id>& receivers = named_.empty() ? listeners_ : named_;
    if (receivers.empty()) {
        if (held_.empty() || std::exchange(told_about_held_, true)) return;
        return station_.narrator().say("nobody is connected yet: what comes in waits");
    }
    for (; !held_.empty(); held_.pop_front()) {
        for (const Id& peer : receivers) say(peer, held_.front());
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

// ---- texts

Conversation& Chat::conversation(const Id& peer) {
    if (conversations_.size() >= kConversationsMax && !conversations_.contains(peer)) {
        std::erase_if(conversations_, [this](const auto& entry) {
            return entry.second.waiting() == 0 && !station_.is_connected(entry.first);
        });
    }
    return conversations_.try_emplace(peer, run_).first->second;
}

void Chat::say(const Id& peer, std::string text) {
    conversation(peer).say(std::move(text));
    pump(peer);
}

void Chat::pump(const Id& peer) {
    if (!station_.is_connected(peer)) return;
    Conversation& talk = conversation(peer);
    while (talk.in_flight() < kInFlightMax) {
        const auto next = talk.next_unsent();
        if (!next || !station_.send(peer, *next)) return;
        talk.on_sent();
    }
}

void Chat::on_text(const Id& peer, const ChatText& text) {
    if (hung_up_on_.contains(peer)) return;
    // Said again after a new connection, while its line still waits: confirmed when that is out.
    if (unshown_.contains(peer, text.name)) return;
    if (!conversation(peer).is_new(text.name)) {
        station_.send(peer, Ack{text.name});
        return;
    }
    if (unshown_.is_full()) return hang_up_on(peer);
    const auto end = station_.narrator().message(peer, text.name.number, text.text);
    if (!end) return hang_up_on(peer);
    conversation(peer).on_shown(text.name);
    unshown_.add({.peer = peer, .name = text.name, .end = *end});
    on_output();
}

void Chat::hang_up_on(const Id& peer) {
    if (station_.screen().broken_by() != 0) return;
    // Nothing that comes after it may be shown, or it would count as shown itself.
    hung_up_on_.insert(peer);
    station_.narrator().warn(
        fmt::format("{}: nobody reads our output, and it is full; hung up. What is not confirmed "
                    "is said again after a new connection",
                    peer));
    station_.disconnect(peer);
}

void Chat::on_output() {
    while (const auto shown = unshown_.take_shown(station_.screen())) {
        station_.send(shown->peer, Ack{shown->name});
    }
    steer_input();
    if (unshown_.is_empty()) leave_when_done();
}

void Chat::on_control(const Id& peer, const Control& message) {
    if (const auto* hello = std::get_if<Hello>(&message)) {
        if (!hello->takes_texts) return;
        listeners_.insert(peer);
        say_held_lines();
        steer_input();
    } else if (const auto* ack = std::get_if<Ack>(&message)) {
        if (!conversation(peer).on_ack(ack->text)) return;
        station_.narrator().delivered(peer, ack->text.number);
        pump(peer);
        steer_input();
        leave_when_done();
    }
}

// ---- peers

void Chat::on_connected(const Id& peer) {
    hung_up_on_.erase(peer);
    station_.send(peer, Hello{.takes_texts = true});
    conversation(peer).on_new_connection();
    pump(peer);
}

void Chat::on_closed(const Id& peer, node::CloseReason reason) {
    listeners_.erase(peer);
    conversation(peer).on_new_connection();
    if (reason == node::CloseReason::kPeerRestarted) return;
    if (is_named(peer)) return station_.connect(peer, !is_one_shot() || options_.wait);
    give_up_undelivered(peer);
    leave_when_done();
}

void Chat::give_up_undelivered(const Id& peer) {
    Conversation& talk = conversation(peer);
    if (talk.waiting() == 0) return;
    if (end_code_ == ExitCode::kOk) end_code_ = ExitCode::kOther;
    station_.narrator().warn(fmt::format("{} to {}: not confirmed, perhaps not shown",
                                         count_of_texts(talk.waiting()), peer));
    talk.forget_waiting();
}

void Chat::on_connect_failed(const node::ConnectFailed& event) {
    if (!is_named(event.id)) return;
    // Another group key does not become ours by waiting.
    const bool is_hopeless = event.reason == node::CloseReason::kGroupKey;
    if (event.retrying && !is_hopeless) {
        return station_.narrator().waiting(station_.now(), event.id, event.reason);
    }
    give_up(event.id, not_connected(event.id, event.reason, station_.options().via));
}

void Chat::on_key_changed(const Id& peer, const Problem& problem) {
    if (is_named(peer) && !station_.is_connected(peer)) return give_up(peer, problem);
    station_.narrator().warn(problem.text);
}

void Chat::on_server_trouble(const Problem& problem) {
    if (is_one_shot() && problem.code != ExitCode::kRendezvousUnreachable) {
        conversation(options_.peers.front()).forget_waiting();
        station_.fail(problem);
    }
}

void Chat::give_up(const Id& peer, const Problem& problem) {
    named_.erase(peer);
    // Whom the command line named, and nobody else, is why we are here.
    const bool was_only_one = named_.empty() && options_.peers.size() == 1;
    if (was_only_one) {
        conversation(peer).forget_waiting();
        return station_.fail(problem);
    }
    end_code_ = problem.code;
    station_.narrator().warn(problem.text);
    give_up_undelivered(peer);
    leave_when_done();
}

ExitCode run_chat(const ChatOptions& options, const net::Environment& environment) {
    Station station{options.station, options.peers.empty(), environment};
    Chat chat{station, options};
    return station.run(chat);
}

}  // namespace pinhole::peer
