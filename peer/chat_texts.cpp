// The texts of a `Chat`: said, carried, shown, confirmed, and given up aloud.
#include <utility>

#include <fmt/format.h>

#include "peer/chat.hpp"
#include "shared/net/clock.hpp"

namespace pinhole::peer {
namespace {

/// Texts that a connection carries unacknowledged: far below what ENet takes (8 MiB a peer).
constexpr std::size_t kInFlightMax = 64;
/// Conversations that are kept to tell repeats, of peers that are not here.
constexpr std::size_t kConversationsMax = 1024;

std::string count_of_texts(std::size_t count) {
    return count == 1 ? "1 text" : fmt::format("{} texts", count);
}

}  // namespace

Conversation& Chat::conversation(const Id& peer) {
    if (conversations_.size() >= kConversationsMax && !conversations_.contains(peer)) {
        std::erase_if(conversations_, [this](const auto& entry) {
            return entry.second.waiting() == 0 && !station_.is_connected(entry.first);
        });
    }
    const auto known = conversations_.find(peer);
    if (known != conversations_.end()) return known->second;
    // A name of its own for each: numbers begin anew, and the other side may remember the old ones.
    return conversations_.try_emplace(peer, station_.random().u32()).first->second;
}

// ---- ours

std::uint32_t Chat::say(const Id& peer, std::string text) {
    const std::uint32_t number = conversation(peer).say(std::move(text));
    pump(peer);
    return number;
}

void Chat::say_typed(const std::set<Id>& peers, const std::string& text) {
    if (text.size() > kTextBytesMax) {
        return station_.narrator().warn("that is too long for one text; not sent");
    }
    std::vector<Delivery::Copy> copies;
    for (const Id& peer : peers) copies.push_back({.peer = peer, .number = say(peer, text)});
    delivery_.on_said(station_.now(), copies);
    show_delivery();
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

void Chat::on_confirmed(const Id& peer, const TextName& name) {
    if (!conversation(peer).on_ack(name)) return;
    station_.narrator().delivered(peer, name.number);
    delivery_.on_confirmed(peer, name.number);
    show_delivery();
    pump(peer);
    steer_input();
    leave_when_done();
}

void Chat::give_up_undelivered(const Id& peer) {
    Conversation& talk = conversation(peer);
    if (talk.waiting() == 0) return;
    if (end_code_ == ExitCode::kOk) end_code_ = ExitCode::kOther;
    has_lost_texts_ = true;
    tell_unconfirmed(peer, talk);
    talk.forget_waiting();
    delivery_.on_given_up(peer);
    show_delivery();
    // It may have been what a pipe waited for.
    if (!station_.is_leaving()) steer_input();
}

void Chat::on_deaf(const Id& peer) {
    if (conversation(peer).waiting() == 0 || options_.wait) return;
    station_.narrator().warn(fmt::format("{} is there, but shows no texts", peer));
    give_up_undelivered(peer);
    leave_when_done();
}

std::size_t Chat::undelivered() const {
    std::size_t count = held_.size();
    for (const auto& [peer, talk] : conversations_) count += talk.waiting();
    return count;
}

void Chat::tell_unconfirmed(const Id& peer, const Conversation& talk) const {
    station_.narrator().warn(fmt::format("{} to {}: not confirmed, perhaps not shown",
                                         count_of_texts(talk.waiting()), peer));
}

void Chat::tell_what_is_undelivered() const {
    for (const auto& [peer, talk] : conversations_) {
        if (talk.waiting() > 0) tell_unconfirmed(peer, talk);
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

void Chat::forget_undelivered() {
    for (auto& [peer, talk] : conversations_) talk.forget_waiting();
}

// ---- theirs

void Chat::on_text(const Id& peer, const ChatText& text) {
    if (hung_up_on_.contains(peer)) return;
    // Said again after a new connection, while its line still waits: confirmed when that is out.
    if (unshown_.contains(peer, text.name)) return;
    if (!conversation(peer).is_new(text.name)) {
        station_.send(peer, Ack{text.name});
        return;
    }
    if (unshown_.is_full()) return hang_up_on(peer);
    const auto end = station_.narrator().message(peer, text, time_of_line());
    if (!end) return hang_up_on(peer);
    conversation(peer).on_shown(text.name);
    unshown_.add({.peer = peer, .name = text.name, .end = *end});
    on_output();
}

std::string Chat::time_of_line() {
    if (!station_.screen().shows_data_on_terminal()) return {};
    const WallTime now = net::wall_now();
    if (const auto day = clock_.take_new_day(now)) {
        station_.narrator().say(fmt::format("-- {} --", *day));
    }
    return DayClock::time_of_day(now);
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

}  // namespace pinhole::peer
