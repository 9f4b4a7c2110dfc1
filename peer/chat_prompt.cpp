// What a `Chat` does with each line at its prompt.
#include <fmt/format.h>

#include "peer/chat.hpp"
#include "peer/status_report.hpp"

namespace pinhole::peer {
namespace {

std::string_view word_of(Room::State state) {
    switch (state) {
        case Room::State::kWaiting: return "waiting";
        case Room::State::kConnected: return "connected";
        case Room::State::kLost: return "lost, trying again";
        case Room::State::kRefusesUs: return "takes no call of ours, trying again";
        case Room::State::kKeptOut: return "kept out";
    }
    return "?";
}

}  // namespace

void Chat::obey(const SayToAll& what) {
    std::set<Id> receivers = room_receivers();
    receivers.merge(audience_.with(named_));
    if (receivers.empty()) {
        return station_.narrator().warn("nobody is connected, so that was not sent; /connect NAME");
    }
    say_typed(receivers, what.text);
}

void Chat::obey(const SayTo& what) {
    if (!station_.is_connected(what.peer) && !(room_ && room_->takes_texts(what.peer))) {
        return station_.narrator().warn(
            fmt::format("{0} is not connected, so that was not sent; /connect {0}", what.peer));
    }
    say_typed({what.peer}, what.text);
    if (audience_.is_deaf(what.peer)) on_deaf(what.peer);
}

void Chat::obey(const ConnectTo& what) {
    if (what.peer == station_.options().id) return station_.narrator().warn("that is you");
    if (station_.is_connected(what.peer)) {
        return station_.narrator().warn(fmt::format("{} is connected", what.peer));
    }
    named_.insert(what.peer);
    station_.connect(what.peer, true);
}

void Chat::obey(const ShowHelp& /*help*/) {
    station_.narrator().warn(kChatHelp);
}

void Chat::obey(const ShowPaths& /*paths*/) {
    bool is_anybody_here = false;
    for (const auto& peer : station_.peers()) {
        if (!peer.is_connected || !peer.path) continue;
        is_anybody_here = true;
        const auto loss = loss_percent(peer);
        station_.narrator().warn(fmt::format(
            "{}: {}{}", peer.id, station_.narrator().words_of(*peer.path),
            loss ? fmt::format(", {:.1f} % had to be sent again", *loss) : std::string{}));
    }
    if (!is_anybody_here) station_.narrator().warn("nobody is connected; /connect NAME");
}

void Chat::obey(const ShowPeers& /*peers*/) {
    const auto peers = station_.peers();
    if (peers.empty()) station_.narrator().warn("nobody is connected; /connect NAME");
    for (const auto& peer : peers) {
        station_.narrator().warn(
            fmt::format("{} {} {}", peer.id, peer.is_connected ? "connected" : "waiting",
                        peer.key ? peer.key->to_string() : std::string{"(key not known yet)"}));
    }
}

void Chat::obey(const ShowRoom& /*room*/) {
    if (!room_) return station_.narrator().warn("not in a room; start with --room NAME");
    const auto members = room_->members();
    if (members.empty()) {
        return station_.narrator().warn(fmt::format("{}: nobody else is here", *options_.room));
    }
    for (const auto& member : members) {
        station_.narrator().warn(
            fmt::format("{}: {} {}", *options_.room, member.id, word_of(member.state)));
    }
}

void Chat::obey(const Quit& /*quit*/) {
    station_.leave(code_of_leaving());
}

void Chat::obey(const NotUnderstood& what) {
    station_.narrator().warn(what.sentence);
}

void Chat::obey(const Nothing& /*nothing*/) {}

}  // namespace pinhole::peer
