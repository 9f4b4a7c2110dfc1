#include "peer/room.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pinhole::peer {
namespace {

template <class Value>
std::optional<Value> take_front(std::deque<Value>& queue) {
    if (queue.empty()) return std::nullopt;
    const Value out = queue.front();
    queue.pop_front();
    return out;
}

}  // namespace

// ---- what comes in

void Room::on_members(Instant now, std::span<const Listed> members) {
    const bool is_first = !std::exchange(is_known_, true);
    for (auto& [id, entry] : entries_) entry.is_listed = false;
    for (const Listed& listed : members) {
        if (listed.id == self_) continue;
        Entry& entry = entries_[listed.id];
        entry.is_listed = entry.is_member = true;
        entry.has_left = false;
        entry.is_welcome = listed.is_welcome;
        entry.was_here_first = entry.was_here_first || is_first;
    }
    for (auto& [id, entry] : entries_) plan_call(now, id, entry);
    handle_timeout(now);
}

void Room::on_connected(Instant now, const Id& peer) {
    Entry& entry = entries_[peer];
    entry.link = Link::kUp;
    entry.call_at = kNever;
    entry.refuses_us = false;
    entry.has_left = false;
    entry.is_member = entry.is_member || entry.is_listed;
    settle(now, peer);
}

void Room::on_closed(Instant now, const Id& peer, End end) {
    Entry& entry = entries_[peer];
    entry.link = Link::kNone;
    entry.is_called = false;
    entry.has_left = end == End::kGoodbye;
    plan_call(now, peer, entry);
    settle(now, peer);
    handle_timeout(now);
}

void Room::on_path_lost(Instant now, const Id& peer) {
    const auto found = entries_.find(peer);
    if (found == entries_.end() || found->second.link != Link::kUp) return;
    found->second.link = Link::kLost;
    settle(now, peer);
    handle_timeout(now);
}

void Room::on_call_refused(const Id& peer) {
    const auto found = entries_.find(peer);
    if (found == entries_.end() || found->second.link != Link::kNone) return;
    found->second.refuses_us = true;
}

// ---- calls

void Room::plan_call(Instant now, const Id& peer, Entry& entry) {
    const bool is_wanted = entry.is_listed && entry.is_welcome && !entry.has_left;
    if (!is_wanted || entry.link != Link::kNone) {
        entry.call_at = kNever;
        // A call that nobody has taken up yet.
        if (std::erase(calls_, peer) > 0) entry.is_called = false;
    } else if (!entry.is_called && entry.call_at == kNever) {
        entry.call_at = self_ < peer ? now : now + kCallPatience;
    }
}

void Room::handle_timeout(Instant now) {
    judge_all(now);
    for (auto& [id, entry] : entries_) {
        if (now < entry.call_at) continue;
        entry.call_at = kNever;
        entry.is_called = true;
        calls_.push_back(id);
    }
}

Instant Room::next_timeout() const {
    Instant at = kNever;
    for (const auto& [id, entry] : entries_) at = std::min({at, entry.call_at, entry.gone_at});
    return at;
}

std::optional<Id> Room::poll_call() {
    return take_front(calls_);
}

std::optional<Id> Room::poll_give_up() {
    return take_front(given_up_);
}

// ---- news

void Room::settle(Instant now, const Id& peer) {
    const auto found = entries_.find(peer);
    if (found != entries_.end() && judge(now, peer, found->second)) entries_.erase(found);
}

void Room::judge_all(Instant now) {
    for (auto at = entries_.begin(); at != entries_.end();) {
        at = judge(now, at->first, at->second) ? entries_.erase(at) : std::next(at);
    }
}

bool Room::judge(Instant now, const Id& peer, Entry& entry) {
    const bool is_up = entry.link == Link::kUp;
    if (entry.is_listed || is_up) {
        entry.gone_at = kNever;
    } else if (entry.is_member && entry.gone_at == kNever) {
        entry.gone_at = now + kReturnPatience;
    }
    const bool is_gone = entry.has_left || now >= entry.gone_at;
    if (is_gone && entry.is_member) see_off(peer, entry);
    if (!entry.is_member) return !entry.is_listed && entry.link == Link::kNone;
    if (is_up && !std::exchange(entry.has_joined, true)) tell(peer, entry, Change::kJoined);
    if (!is_up && entry.has_joined && !std::exchange(entry.is_missed, true)) {
        tell(peer, entry, Change::kLost);
    }
    if (is_up && std::exchange(entry.is_missed, false)) tell(peer, entry, Change::kBack);
    return false;
}

void Room::see_off(const Id& peer, Entry& entry) {
    if (entry.has_joined || entry.was_here_first) tell(peer, entry, Change::kLeft);
    if (entry.is_called || entry.link != Link::kNone) given_up_.push_back(peer);
    std::erase(calls_, peer);
    entry = {.is_listed = entry.is_listed, .has_left = entry.has_left, .link = entry.link};
}

void Room::tell(const Id& peer, const Entry& entry, Change change) {
    news_.push_back({.peer = peer, .change = change, .was_here_first = entry.was_here_first});
}

std::optional<Room::News> Room::poll_news() {
    return take_front(news_);
}

// ---- what others ask

bool Room::has(const Id& peer) const {
    const auto found = entries_.find(peer);
    return found != entries_.end() && found->second.is_member;
}

bool Room::takes_texts(const Id& peer) const {
    const auto found = entries_.find(peer);
    if (found == entries_.end() || !found->second.is_member) return false;
    const Entry& entry = found->second;
    return entry.link != Link::kNone || (entry.is_welcome && !entry.refuses_us);
}

std::vector<Room::Member> Room::members() const {
    std::vector<Member> out;
    for (const auto& [id, entry] : entries_) {
        if (!entry.is_member) continue;
        const State state = entry.link == Link::kUp ? State::kConnected
                            : entry.is_missed       ? State::kLost
                            : !entry.is_welcome     ? State::kKeptOut
                            : entry.refuses_us      ? State::kRefusesUs
                                                    : State::kWaiting;
        out.push_back({.id = id, .state = state});
    }
    return out;
}

}  // namespace pinhole::peer
