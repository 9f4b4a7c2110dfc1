#include "peer/narrator.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "peer/json_lines.hpp"
#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {
namespace {

using node::PathState;

/// Names of callers that were refused are said once each, up to this many.
constexpr std::size_t kRefusedMax = 100;

std::string milliseconds(Duration duration) {
    const double ms = static_cast<double>(duration.count()) / 1000.0;
    return ms < 10.0 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.0f} ms", ms);
}

}  // namespace

std::string_view word_of(Progress progress) {
    switch (progress) {
        case Progress::kResolving: return "resolving";
        case Progress::kRegistering: return "registering";
        case Progress::kWaiting: return "waiting";
        case Progress::kChecking: return "checking";
        case Progress::kDirect: return "direct";
        case Progress::kRelay: return "relay";
        case Progress::kLost: return "lost";
        case Progress::kReconnecting: return "reconnecting";
    }
    return "?";
}

// ---- time

void Narrator::handle_timeout(Instant now) {
    if (now >= show_progress_at_) {
        show_progress_at_ = kNever;
        if (progress_) {
            screen_.state(fmt::format("{}: {} {}", options_.self, word_of(*progress_), subject_));
        }
    }
    for (auto& [id, peer] : peers_) {
        if (now >= peer.say_by) say_path(id, peer);
    }
}

Instant Narrator::next_timeout() const {
    Instant at = show_progress_at_;
    for (const auto& [id, peer] : peers_) at = std::min(at, peer.say_by);
    return at;
}

void Narrator::progress(Instant now, Progress what, std::string subject) {
    if (started_ == kNever) started_ = now;
    subject_ = std::move(subject);
    progress_ = what;
    show_progress_at_ = std::max(now, started_ + kQuietTime);
}

void Narrator::end_progress() {
    progress_.reset();
    show_progress_at_ = kNever;
}

// ---- the rendezvous

void Narrator::registered(Instant now, const node::Registered& event, bool is_new) {
    if (options_.json) screen_.data(json::registered(event));
    server_rtt_ = event.round_trip_time;
    end_progress();
    if (is_new) {
        say(fmt::format("new rendezvous {} {}, remembered", options_.via,
                        event.server_key.to_string(crypto::kServerKeyPrefix)));
    }
    if (std::exchange(is_server_lost_, false) && was_registered_) {
        say(fmt::format("{}: rendezvous is back ({})", options_.self, milliseconds(server_rtt_)));
    }
    if (std::exchange(is_over_tcp_, event.over_tcp) != event.over_tcp) {
        say(event.over_tcp
                ? fmt::format("{}: registered at {} over TCP: UDP does not get out of this network",
                              options_.self, options_.via)
                : fmt::format("{}: registered at {} over UDP again", options_.self, options_.via));
    }
    const bool is_first = !std::exchange(was_registered_, true);
    if (is_first && options_.only_listens) {
        rendezvous_told_ = true;
        say(fmt::format("{}: rendezvous ok {}; on another machine run: peer --id NAME --via {} {}",
                        options_.self, milliseconds(server_rtt_), options_.via, options_.self));
    } else if (is_first) {
        progress(now, Progress::kWaiting, "for an answer");
    }
}

void Narrator::server_lost(const node::ServerLost& event, const Problem& problem) {
    server_gone(event);
    is_server_lost_ = true;
    if (event.trouble == node::ServerTrouble::kNoAnswer ||
        event.trouble == node::ServerTrouble::kShutdown) {
        say(fmt::format("{}: lost rendezvous {}; the talk goes on, new calls have to wait",
                        options_.self, options_.via));
    } else {
        warn(fmt::format("{}: {}", options_.self, problem.text));
    }
}

void Narrator::server_gone(const node::ServerLost& event) {
    if (options_.json) screen_.data(json::server_lost(event));
}

// ---- peers

void Narrator::introduced(Instant now, const node::PeerIntroduced& event) {
    if (options_.json) screen_.data(json::introduced(event));
    if (!event.incoming)
        progress(now, Progress::kChecking, fmt::format("the paths to {}", event.id));
}

void Narrator::connected(Instant now, const node::PeerConnected& event, bool is_new) {
    if (options_.json) screen_.data(json::connected(event, is_new));
    end_progress();
    waiting_for_.erase(event.id);
    peers_[event.id] = {.incoming = event.incoming,
                        .is_new = is_new,
                        .key = event.key.to_string(),
                        .say_by = now + kQuietTime};
}

void Narrator::path(Instant now, const Id& id, const node::PathChanged& event) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    Peer& peer = found->second;
    if (options_.json) {
        // The round-trip time alone is no change.
        auto same = event;
        same.round_trip_time = {};
        const std::string key = json::path(id, same);
        if (std::exchange(peer.said_json, key) != key) screen_.data(json::path(id, event));
    }
    peer.path = event;
    const bool may_be_better_soon =
        event.state == PathState::kRelay && event.reason == node::Reason::kChecking;
    const bool is_half = event.state == PathState::kRelayOneWay;
    if ((may_be_better_soon || is_half) && peer.say_by > now && peer.say_by != kNever) return;
    say_path(id, peer);
}

void Narrator::say_path(const Id& id, Peer& peer) {
    const bool is_first = std::exchange(peer.say_by, kNever) != kNever;
    std::string words = peer.path ? words_of(*peer.path) : "connected";
    // The round-trip time is no news, so it is not part of what makes a line new.
    std::string news =
        peer.path ? fmt::format("{} {} {}", json::token_of(peer.path->state),
                                traversal::name_of(peer.path->reason),
                                peer.path->remote ? peer.path->remote->to_string() : std::string{})
                  : words;
    if (std::exchange(peer.said, news) == news) return;
    const bool is_lost = peer.path && peer.path->state == PathState::kLost;
    if (is_lost && members_.contains(id)) return;  // `member` tells it.
    if (is_first && !std::exchange(rendezvous_told_, true)) {
        words = fmt::format("rendezvous ok {} | {}", milliseconds(server_rtt_), words);
    }
    if (is_first && peer.is_new) {
        words += fmt::format("; new peer {} {}, remembered", id, peer.key);
    }
    say(fmt::format("{}: {}", arrow(id, peer), words));
}

std::string Narrator::words_of(const node::PathChanged& path) const {
    const std::string time = path.round_trip_time > Duration{}
                                 ? fmt::format(" ({})", milliseconds(path.round_trip_time))
                                 : std::string{};
    const auto why = traversal::sentence_of(path.reason);
    switch (path.state) {
        case PathState::kDirect: {
            const std::string where = path.remote ? " " + path.remote->to_string() : "";
            return screen_.painted_talk(Paint::kGood, word_of(Progress::kDirect)) + where + time;
        }
        case PathState::kRelay:
            return fmt::format("{}{}: {}",
                               screen_.painted_talk(Paint::kWarning, word_of(Progress::kRelay)),
                               time, why);
        case PathState::kRelayOneWay:
            return fmt::format(
                "{}{}: {}",
                screen_.painted_talk(Paint::kWarning, json::token_of(PathState::kRelayOneWay)),
                time, why);
        case PathState::kLost:
            return fmt::format("{}: {}, {}",
                               screen_.painted_talk(Paint::kError, word_of(Progress::kLost)), why,
                               word_of(Progress::kReconnecting));
    }
    return {};
}

std::string Narrator::arrow(const Id& id, const Peer& peer) const {
    return fmt::format("{} {} {}", options_.self, peer.incoming ? "<-" : "->", id);
}

void Narrator::closed(Instant now, const Id& id, node::CloseReason reason) {
    if (options_.json) screen_.data(json::closed(id, reason));
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    // A short visit is told of all the same, with the key that we remember from it.
    if (found->second.say_by != kNever) say_path(id, found->second);
    peers_.erase(found);
    if (reason == node::CloseReason::kPeerRestarted) {
        progress(now, Progress::kReconnecting, std::string{id.text()});
    }
    if (members_.contains(id)) return;  // `member` tells it.
    if (reason == node::CloseReason::kDone) return say(fmt::format("{} left", id));
    if (reason != node::CloseReason::kLocal) say(fmt::format("{}: {}", id, node::name_of(reason)));
}

bool Narrator::is_new_reason(const Id& peer, node::CloseReason reason) {
    const auto [known, is_new] = waiting_for_.try_emplace(peer, reason);
    return is_new || std::exchange(known->second, reason) != reason;
}

void Narrator::waiting(Instant now, const Id& id, node::CloseReason reason) {
    if (!is_new_reason(id, reason)) return;
    progress(now, Progress::kWaiting, fmt::format("for {}", id));
    const bool is_offline =
        reason == node::CloseReason::kUnknownPeer || reason == node::CloseReason::kUnreachable;
    say(fmt::format(
        "{} -> {}: {}: {}{}", options_.self, id, word_of(Progress::kWaiting), node::name_of(reason),
        is_offline ? fmt::format("; on its machine run: peer --id {} --via {}", id, options_.via)
                   : ""));
}

void Narrator::call_refused(const node::CallRefused& event) {
    if (refused_.size() >= kRefusedMax || !refused_.insert(event.id).second) return;
    say(fmt::format("{}: refused a call of {} {} (--accept)", options_.self, event.id, event.key));
}

// ---- rooms

std::string Narrator::painted(const Id& peer) const {
    return screen_.talk_painted_as(peer.text(), peer.text());
}

void Narrator::room(const node::RoomMembers& event) {
    if (options_.json) screen_.data(json::room(event));
    if (std::exchange(room_told_, true)) return;
    end_progress();
    if (event.members.empty()) {
        return say(
            fmt::format("{0}: nobody else is here yet; on another machine run: peer --id NAME "
                        "--via {1} --room {0}",
                        event.room, options_.via));
    }
    std::string names;
    for (const auto& member : event.members) {
        names += (names.empty() ? "" : ", ") + painted(member.id);
    }
    const std::size_t count = event.members.size();
    say(fmt::format("{}: {} other{} here: {}", event.room, count, count == 1 ? "" : "s", names));
}

void Narrator::member(const Id& room, const Room::News& news) {
    if (options_.json) screen_.data(json::member(room, news.peer, news.change));
    const std::string name = painted(news.peer);
    switch (news.change) {
        case Room::Change::kJoined:
            members_.insert(news.peer);
            // Whom we found here we did not see come.
            if (!news.was_here_first) say(fmt::format("{} joined {}", name, room));
            return;
        case Room::Change::kLeft:
            members_.erase(news.peer);
            waiting_for_.erase(news.peer);
            return say(fmt::format("{} left {}", name, room));
        case Room::Change::kLost: return say(fmt::format("lost {}; trying again", name));
        case Room::Change::kBack: return say(fmt::format("{} is back", name));
    }
}

void Narrator::member_waits(const Id& room, const Id& peer, node::CloseReason reason) {
    if (!is_new_reason(peer, reason)) return;
    say(fmt::format("{}: {} for {}: {}; trying again", room, word_of(Progress::kWaiting),
                    painted(peer), node::name_of(reason)));
}

// ---- texts and ends

std::optional<OutputMark> Narrator::message(const Id& peer, const ChatText& text,
                                            std::string_view time) {
    if (options_.json) {
        return screen_.precious_data(json::message(peer, text.name.number, text.text));
    }
    return screen_.precious_data(fmt::format(
        "{}{}{} {}", time, time.empty() ? "" : " ",
        screen_.data_painted_as(peer.text(), fmt::format("{}:", peer)), sanitized(text.text)));
}

void Narrator::delivered(const Id& peer, std::uint32_t number) {
    if (options_.json) screen_.data(json::delivered(peer, number));
}

void Narrator::pong(std::string_view words, const std::string& json_line) {
    screen_.data(options_.json ? std::string_view{json_line} : words);
}

void Narrator::failed(const Problem& problem) {
    end_progress();
    if (options_.json) screen_.data(json::error(problem.code, problem.text));
    screen_.warn(fmt::format("{} {}", screen_.painted_talk(Paint::kError, "peer:"), problem.text));
}

}  // namespace pinhole::peer
