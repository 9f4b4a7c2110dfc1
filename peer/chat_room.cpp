// The room of a `Chat`: whom to let in and call, and what becomes of texts to those who go.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "peer/chat.hpp"

namespace pinhole::peer {
namespace {

/// Who comes to an open room chooses his name: so many of those kept out are told of.
constexpr std::size_t kKeptOutToldMax = 100;

}  // namespace

// ---- what the rendezvous says

void Chat::on_room_members(const node::RoomMembers& event) {
    if (!room_ || event.room != *options_.room) return;
    station_.narrator().room(event);
    std::vector<Room::Listed> listed;
    for (const auto& member : event.members) {
        listed.push_back({.id = member.id, .is_welcome = lets_in(member)});
    }
    room_->on_members(station_.now(), listed);
    follow_room();
    if (is_one_shot()) say_message_to_room();
    say_held_lines();
    steer_input();
    leave_when_done();
}

bool Chat::lets_in(const node::RoomMembers::Member& member) {
    switch (station_.standing_of(member.id, member.key)) {
        case Station::Standing::kKnown: return true;
        case Station::Standing::kOtherKey:
            station_.note_other_key(member.id, member.key);
            if (is_one_shot()) end_code_ = ExitCode::kIdentity;
            return false;
        case Station::Standing::kUnknown: break;
    }
    // Our call would make it known, which is what the user does not want.
    if (options_.station.accept != AcceptPolicy::kKnown || is_named(member.id)) return true;
    if (kept_out_.size() < kKeptOutToldMax && kept_out_.insert(member.id).second) {
        station_.narrator().say(
            fmt::format("{0}: {1} {2} is kept out, its key is not known here (--accept known); "
                        "/connect {1} lets it in",
                        *options_.room, member.id, member.key));
    }
    return false;
}

void Chat::on_room_refused(const node::RoomRefused& event) {
    if (!room_ || event.room != *options_.room) return;
    const Problem problem = room_refused(event.room, event.why, station_.options().via);
    is_room_refused_ = true;
    const bool goes_on = options_.wait || room_->is_known();
    if (!goes_on) return give_up_room(problem);
    station_.narrator().warn(problem.text);
}

void Chat::give_up_room(const Problem& problem) {
    if (named_.empty()) {
        forget_undelivered();
        return station_.fail(problem);
    }
    said_to_room_ = true;
    end_code_ = problem.code;
    station_.narrator().warn(problem.text);
    say_held_lines();
    leave_when_done();
}

// ---- members

void Chat::follow_room() {
    while (const auto news = room_->poll_news()) {
        station_.narrator().member(*options_.room, *news);
        const bool is_gone = news->change == Room::Change::kLeft && !is_named(news->peer);
        if (is_gone) files_.on_given_up(news->peer);
    }
    give_up_unreachable();
    while (const auto peer = room_->poll_give_up()) {
        if (!is_named(*peer)) station_.disconnect(*peer);
    }
    while (const auto peer = room_->poll_call()) station_.connect(*peer, true);
}

void Chat::give_up_unreachable() {
    for (const auto& [peer, talk] : conversations_) {
        const bool may_come =
            is_named(peer) || station_.is_connected(peer) || (room_ && room_->takes_texts(peer));
        if (!may_come) give_up_undelivered(peer);
    }
}

void Chat::on_member_not_reached(const node::ConnectFailed& event) {
    const bool is_refusal = event.reason == node::CloseReason::kUnknownPeer ||
                            event.reason == node::CloseReason::kGroupKey ||
                            event.reason == node::CloseReason::kKeyMismatch;
    if (is_refusal) room_->on_call_refused(event.id);
    const bool is_given_up = !room_->takes_texts(event.id) && conversation(event.id).waiting() > 0;
    if (is_given_up && end_code_ == ExitCode::kOk) {
        end_code_ = not_connected(event.id, event.reason, station_.options().via).code;
    }
    if (!station_.is_connected(event.id)) {
        station_.narrator().member_waits(*options_.room, event.id, event.reason);
    }
    follow_room();
    leave_when_done();
}

// ---- texts to the room

std::set<Id> Chat::room_receivers() const {
    std::set<Id> out;
    if (!room_) return out;
    for (const auto& member : room_->members()) {
        if (room_->takes_texts(member.id)) out.insert(member.id);
    }
    return out;
}

void Chat::say_message_to_room() {
    if (said_to_room_) return;
    const auto receivers = room_receivers();
    if (receivers.empty()) {
        if (options_.wait) return;
        // What was wrong with those who are there was said.
        if (named_.empty() && end_code_ != ExitCode::kOk) return station_.leave(end_code_);
        return give_up_room(nobody_in_room(*options_.room, station_.options().via));
    }
    said_to_room_ = true;
    for (const Id& peer : receivers) {
        if (!is_named(peer)) say(peer, *options_.message);
    }
}

}  // namespace pinhole::peer
