#include "peer/chat.hpp"

#include <algorithm>

#include "shared/net/clock.hpp"

namespace pinhole::peer {
Chat::Chat(Station& station, const ChatOptions& options, ChatFiles& files, bool shows_utf8)
    : station_(station),
      options_(options),
      files_(files),
      shows_utf8_(shows_utf8),
      named_(options.peers.begin(), options.peers.end()),
      clock_(net::wall_now()) {}

// ---- life

void Chat::on_start() {
    files_.on_start([this] { leave_when_done(); });
    if (is_one_shot()) {
        for (const Id& peer : options_.peers) say(peer, *options_.message);
        if (options_.timeout != Duration::max()) deadline_ = station_.now() + options_.timeout;
    } else if (!Console::is_possible()) {
        // A prompt comes up when there is something to talk through.
        open_input();
    }
    if (options_.room) {
        room_.emplace(station_.options().id);
        station_.join(*options_.room);
    }
    for (const Id& peer : options_.peers) {
        station_.connect(peer, !is_one_shot() || options_.wait);
    }
}

void Chat::on_registered() {
    if (!is_one_shot() && !console_ && !input_) open_input();
    leave_when_done();
}

void Chat::on_leaving() {
    close_input();
    files_.on_leaving();
    tell_what_is_undelivered();
}

Instant Chat::next_timeout() const {
    const Instant call_at = room_ ? room_->next_timeout() : kNever;
    return std::min({deadline_, delivery_.next_timeout(), files_.next_timeout(), call_at});
}

void Chat::handle_timeout(Instant now) {
    files_.handle_timeout(now);
    delivery_.handle_timeout(now);
    show_delivery();
    if (room_) {
        room_->handle_timeout(now);
        follow_room();
        // Texts to somebody who does not come back may have been the last.
        leave_when_done();
    }
    if (now >= deadline_) on_message_timed_out();
}

void Chat::on_message_timed_out() {
    deadline_ = kNever;
    std::size_t unconfirmed = 0;
    for (const auto& [peer, talk] : conversations_) unconfirmed += talk.waiting() > 0 ? 1 : 0;
    forget_undelivered();
    if (options_.room) return station_.fail(room_message_timed_out(*options_.room, unconfirmed));
    const Id& peer = options_.peers.front();
    station_.fail(message_timed_out(peer, station_.is_connected(peer)));
}

void Chat::leave_when_done() {
    const bool is_over = is_one_shot() || (input_ended_ && !options_.wait);
    if (!is_over || !station_.is_registered() || undelivered() > 0) return;
    if (is_one_shot() && options_.room && !said_to_room_) return;
    if (!unshown_.is_empty()) return;  // Their senders still wait for the confirmation.
    if (files_.is_busy()) return;
    station_.leave(end_code_);
}

ExitCode Chat::code_of_leaving() const {
    const bool is_all_there =
        undelivered() == 0 && !has_lost_texts_ && !files_.is_sending() && !files_.has_failed();
    return is_all_there ? ExitCode::kOk : ExitCode::kOther;
}

// ---- peers

void Chat::on_connected(const Id& peer) {
    hung_up_on_.erase(peer);
    audience_.on_connected(peer);
    station_.send(peer, Hello{.takes_texts = true});
    conversation(peer).on_new_connection();
    pump(peer);
    files_.on_connected(peer);
    if (!room_) return;
    room_->on_connected(station_.now(), peer);
    follow_room();
}

void Chat::on_path(const Id& peer, const node::PathChanged& path) {
    if (path.state == node::PathState::kLost) files_.on_path_lost(peer);
    if (!room_) return;
    if (path.state == node::PathState::kLost) {
        room_->on_path_lost(station_.now(), peer);
    } else {
        room_->on_path_found(station_.now(), peer);
    }
    follow_room();
    leave_when_done();
}

void Chat::on_control(const Id& peer, const Control& message) {
    if (const auto* hello = std::get_if<Hello>(&message)) {
        audience_.on_hello(peer, hello->takes_texts);
        if (!hello->takes_texts) return on_deaf(peer);
        say_held_lines();
        steer_input();
    } else if (const auto* ack = std::get_if<Ack>(&message)) {
        on_confirmed(peer, ack->text);
    }
}

void Chat::on_closed(const Id& peer, node::CloseReason reason) {
    audience_.on_closed(peer);
    conversation(peer).on_new_connection();
    files_.on_closed(peer, reason);
    if (reason == node::CloseReason::kPeerRestarted) return;
    if (room_) {
        const bool is_goodbye = reason == node::CloseReason::kDone;
        room_->on_closed(station_.now(), peer,
                         is_goodbye ? Room::End::kGoodbye : Room::End::kBroken);
        follow_room();
    }
    if (is_named(peer)) return station_.connect(peer, !is_one_shot() || options_.wait);
    give_up_unreachable();
    leave_when_done();
}

void Chat::on_connect_failed(const node::ConnectFailed& event) {
    if (!is_named(event.id)) {
        if (room_ && room_->has(event.id)) on_member_not_reached(event);
        return;
    }
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
        forget_undelivered();
        station_.fail(problem);
    }
}

void Chat::give_up(const Id& peer, const Problem& problem) {
    named_.erase(peer);
    // Whom the command line named, and nobody else, is why we are here.
    const bool was_only_one = named_.empty() && options_.peers.size() == 1 && !room_;
    if (was_only_one) {
        conversation(peer).forget_waiting();
        return station_.fail(problem);
    }
    end_code_ = problem.code;
    station_.narrator().warn(problem.text);
    give_up_undelivered(peer);
    files_.on_given_up(peer);
    leave_when_done();
}

ExitCode run_chat(const ChatOptions& options, const net::Environment& environment) {
    const bool only_listens = options.peers.empty() && !options.room;
    Station station{options.station, only_listens, environment};
    ChatFiles files{station, options.into, environment};
    Chat chat{station, options, files, shows_utf8(environment)};
    return station.run(chat);
}

}  // namespace pinhole::peer
