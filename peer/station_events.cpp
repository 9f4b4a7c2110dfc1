// What the node tells, and whom the station tells of it.

#include <exception>
#include <utility>

#include <fmt/format.h>

#include "peer/station.hpp"

namespace pinhole::peer {

void Station::on_event(const node::NodeEvent& event) {
    std::visit([this](const auto& any) { on(any); }, event);
    const bool is_traffic = std::holds_alternative<node::MessageReceived>(event) ||
                            std::holds_alternative<node::RoomToSend>(event);
    if (status_ && !is_traffic) status_->on_change();
    if (screen_.broken_by() != 0) leave_unread();
    arm();
}

void Station::on(const node::ServerProven& event) {
    if (server_key_ == event.server_key) return;
    server_key_ = event.server_key;
    trust_known_peers();
}

void Station::on(const node::Registered& event) {
    bool is_new = false;
    if (!trust_.find_server(options_.via)) {
        try {
            is_new = trust_.remember_server(options_.via, event.server_key, net::wall_now()).key ==
                     event.server_key;
        } catch (const std::exception& error) {
            narrator_.warn(fmt::format("the rendezvous's key is not remembered: {}", error.what()));
        }
    }
    was_registered_ = true;
    server_ = event;
    narrator_.registered(now(), event, is_new);
    if (!leaving_) activity_->on_registered();
}

void Station::on(const node::ServerLost& event) {
    const KnownKey* known = trust_.find_server(options_.via);
    const Problem problem = server_trouble({.trouble = event.trouble,
                                            .via = options_.via,
                                            .self = options_.id,
                                            .known = known ? std::optional{*known} : std::nullopt,
                                            .shown = event.shown_key});
    const bool node_stops = event.trouble == node::ServerTrouble::kKeyChanged ||
                            event.trouble == node::ServerTrouble::kIdTaken ||
                            event.trouble == node::ServerTrouble::kReplaced;
    const bool never_came = !was_registered_ && event.trouble == node::ServerTrouble::kNoAnswer;
    if (never_came || (node_stops && numbers_.empty())) {
        narrator_.server_gone(event);
        return fail(problem);
    }
    narrator_.server_lost(event, problem);
    if (!was_registered_ && !leaving_) activity_->on_server_trouble(problem);
}

void Station::on(const node::PeerIntroduced& event) {
    narrator_.introduced(now(), event);
}

void Station::on(const node::CallRefused& event) {
    if (!leaving_) narrator_.call_refused(event);
}

void Station::on(const node::KeyMismatch& event) {
    if (server_key_)
        note_key_change(event.id, known_key_of(event.id, event.pinned), event.announced);
}

KnownKey Station::known_key_of(const Id& id, const crypto::PublicKey& pinned) const {
    const KnownKey* known = trust_.find_peer({.id = id, .server = *server_key_});
    return known ? *known : KnownKey{.key = pinned, .first_seen = "this start"};
}

Station::Standing Station::standing_of(const Id& peer, const crypto::PublicKey& key) const {
    const auto pin = pin_of(peer);
    if (!pin) return Standing::kUnknown;
    return *pin == key ? Standing::kKnown : Standing::kOtherKey;
}

std::optional<crypto::PublicKey> Station::pin_of(const Id& peer) const {
    // A pin of this start is the user's last word.
    const auto pin = options_.pins.find(peer);
    if (pin != options_.pins.end()) return pin->second;
    if (!server_key_) return std::nullopt;
    const KnownKey* known = trust_.find_peer({.id = peer, .server = *server_key_});
    return known ? std::optional{known->key} : std::nullopt;
}

void Station::note_other_key(const Id& peer, const crypto::PublicKey& key) {
    const auto pin = pin_of(peer);
    if (pin && server_key_) note_key_change(peer, known_key_of(peer, *pin), key);
}

void Station::note_key_change(const Id& id, const KnownKey& known,
                              const crypto::PublicKey& announced) {
    const PeerName name{.id = id, .server = *server_key_};
    const bool is_unique = trust_.known().peers_called(id.text()).size() <= 1;
    const Problem problem =
        peer_key_changed({.name = name,
                          .word = is_unique ? std::string{id.text()} : name.to_string(),
                          .known = known,
                          .announced = announced});
    const auto [said, is_new] = key_problems_.try_emplace(id, problem);
    if (!is_new && std::exchange(said->second, problem).text == problem.text) return;
    if (!leaving_) activity_->on_key_changed(id, problem);
}

std::optional<bool> Station::learn(const Id& id, const crypto::PublicKey& key) {
    const PeerName name{.id = id, .server = *server_key_};
    const KnownKey* known = trust_.find_peer(name);
    bool is_new = false;
    if (known == nullptr) {
        try {
            known = &trust_.remember_peer(name, key, net::wall_now());
            is_new = true;
        } catch (const std::exception& error) {
            narrator_.warn(fmt::format("the key of {} is not remembered: {}", id, error.what()));
        }
    }
    if (known != nullptr && known->key != key) {
        note_key_change(id, *known, key);
        return std::nullopt;
    }
    node_.trust(id, key);
    return is_new;
}

void Station::trust_known_peers() {
    for (const auto& [name, known] : trust_.known().peers) {
        // A pin of this start is the user's last word.
        if (options_.pins.contains(name.id)) continue;
        if (name.server == *server_key_) node_.trust(name.id, known.key);
    }
}

void Station::on(const node::PeerConnected& event) {
    const auto is_new = learn(event.id, event.key);
    if (!is_new) {
        node_.disconnect(now(), event.peer);
        return;
    }
    ids_.insert_or_assign(event.peer, event.id);
    numbers_.insert_or_assign(event.id, event.peer);
    narrator_.connected(now(), event, *is_new);
    if (leaving_) return node_.disconnect(now(), event.peer);
    streams_.on_connected(event.id);
    activity_->on_connected(event.id);
}

void Station::on(const node::MessageReceived& event) {
    const Id* id = id_of(event.peer);
    if (id == nullptr || leaving_) return;
    const Id peer = *id;
    if (event.channel == kStreamChannel || event.channel == kStreamDatagramChannel) {
        streams_.on_message(peer, event.channel, event.bytes);
    } else if (event.channel == kChatChannel) {
        if (const auto text = parse_text(event.bytes)) activity_->on_text(peer, *text);
    } else if (event.channel == kControlChannel) {
        const auto control = parse_control(event.bytes);
        if (!control) return;
        if (const auto* echo = std::get_if<Echo>(&*control)) {
            send(peer, EchoReply{echo->token});
        } else {
            activity_->on_control(peer, *control);
        }
    }
}

void Station::on(const node::PathChanged& event) {
    const Id* id = id_of(event.peer);
    if (id == nullptr) return;
    const Id peer = *id;
    narrator_.path(now(), peer, event);
    if (!leaving_) activity_->on_path(peer, event);
}

void Station::on(const node::PeerClosed& event) {
    if (ids_.erase(event.peer) == 0) return;
    numbers_.erase(event.id);
    narrator_.closed(now(), event.id, event.reason);
    if (leaving_) {
        if (numbers_.empty()) farewell_until_ = now();
        return;
    }
    streams_.on_closed(event.id);
    activity_->on_closed(event.id, event.reason);
}

void Station::on(const node::ConnectFailed& event) {
    if (!leaving_) activity_->on_connect_failed(event);
}

void Station::on(const node::RoomToSend& event) {
    const Id* id = id_of(event.peer);
    if (id == nullptr || leaving_) return;
    const Id peer = *id;
    streams_.on_room(peer);
}

void Station::on(const node::RoomMembers& event) {
    if (!leaving_) activity_->on_room_members(event);
}

void Station::on(const node::RoomRefused& event) {
    if (!leaving_) activity_->on_room_refused(event);
}

}  // namespace pinhole::peer
