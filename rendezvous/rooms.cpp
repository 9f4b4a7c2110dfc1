#include "rendezvous/rooms.hpp"

namespace pinhole::rendezvous {

Parsed<void> Rooms::handle_join(Instant now, Client& client, const wire::Join& frame) {
    if (!client.is_registered()) return dropped(Drop::kUnexpected);
    const bool is_new = !memberships_.contains({client.name, frame.room});
    if (is_new) {
        if (const auto why = refusal(now, client, frame.room)) {
            parts_.metrics.happened.add(Happening::kRoomRefused);
            parts_.outbox.send(client, wire::Error{.code = *why, .room = frame.room});
            return {};
        }
        const IpAddress prefix = subscriber_prefix(client.path.remote.ip);
        memberships_.emplace(std::pair{client.name, frame.room}, prefix);
        ++memberships_of_prefix_[prefix];
        Room& room = rooms_[frame.room];
        room.members.push_back({.client = client.name});
        touch(now, frame.room, room);
        parts_.metrics.happened.add(Happening::kRoomJoined);
    }
    Room& room = rooms_.at(frame.room);
    if (frame.version == room.version) return {};
    Member& member = *std::ranges::find(room.members, client.name, &Member::client);
    if (is_new) {
        tell(frame.room, room, member);
    } else {
        // However often it asks: with the next push, at their pace.
        member.told = 0;
        deadlines_.arm(frame.room, room.alarm, std::max(now, room.next_push));
    }
    return {};
}

std::optional<wire::ErrorCode> Rooms::refusal(Instant now, const Client& client,
                                              const wire::Id& name) {
    const auto first = memberships_.lower_bound({client.name, wire::Id{}});
    const auto behind = memberships_.lower_bound({ClientId{client.name.value() + 1}, wire::Id{}});
    const auto own = static_cast<std::size_t>(std::distance(first, behind));
    if (own >= kRoomsPerClient || !has_place_for(subscriber_prefix(client.path.remote.ip))) {
        return wire::ErrorCode::kLimit;
    }
    const auto room = rooms_.find(name);
    if (room != rooms_.end() && room->second.members.full()) return wire::ErrorCode::kRoomFull;
    if (!parts_.budgets.joins.try_take(now, client.session.remote().bytes())) {
        return wire::ErrorCode::kLimit;
    }
    return std::nullopt;
}

bool Rooms::has_place_for(const IpAddress& prefix) const {
    if (memberships_.size() >= kRoomMembershipsMax) return false;
    const auto found = memberships_of_prefix_.find(prefix);
    return found == memberships_of_prefix_.end() || found->second < kRoomMembershipsPerPrefix;
}

Parsed<void> Rooms::handle_leave(Instant now, Client& client, const wire::Leave& frame) {
    if (!client.is_registered()) return dropped(Drop::kUnexpected);
    // A repetition finds nothing, and is told again that the client is not in it.
    end(now, client.name, frame.room);
    parts_.outbox.send(client, wire::Members{.room = frame.room, .version = 0});
    return {};
}

void Rooms::forget(Instant now, ClientId client) {
    while (true) {
        const auto found = memberships_.lower_bound({client, wire::Id{}});
        if (found == memberships_.end() || found->first.first != client) return;
        const wire::Id name = found->first.second;
        end(now, client, name);
    }
}

void Rooms::end(Instant now, ClientId client, const wire::Id& name) {
    const auto membership = memberships_.find({client, name});
    if (membership == memberships_.end()) return;
    const auto of_prefix = memberships_of_prefix_.find(membership->second);
    if (--of_prefix->second == 0) memberships_of_prefix_.erase(of_prefix);
    memberships_.erase(membership);
    const auto found = rooms_.find(name);
    Room& room = found->second;
    auto* const gone = std::ranges::find(room.members, client, &Member::client);
    std::ranges::copy(gone + 1, room.members.end(), gone);
    room.members.pop_back();
    if (room.members.empty()) {
        rooms_.erase(found);
    } else {
        touch(now, name, room);
    }
}

void Rooms::touch(Instant now, const wire::Id& name, Room& room) {
    if (++changes_ == 0) ++changes_;
    room.version = changes_;
    deadlines_.arm(name, room.alarm, std::max(now, room.next_push));
}

void Rooms::handle_timeout(Instant now) {
    while (const auto due = deadlines_.take(now)) {
        const auto found = rooms_.find(due->name);
        if (found == rooms_.end() || found->second.alarm.at != due->at) continue;
        Room& room = found->second;
        room.alarm = {};
        room.next_push = now + kRoomPushInterval;
        for (Member& member : room.members) {
            if (member.told != room.version) tell(due->name, room, member);
        }
    }
}

void Rooms::tell(const wire::Id& name, const Room& room, Member& member) {
    Client* to = parts_.clients.find(member.client);
    if (to == nullptr) return;
    wire::Members frame{.room = name, .version = room.version};
    for (const Member& other : room.members) {
        const Client* client = parts_.clients.find(other.client);
        if (client == nullptr || client == to) continue;
        frame.members.push_back({.id = client->id(), .key = client->session.remote().raw});
    }
    parts_.outbox.send(*to, frame);
    member.told = room.version;
    parts_.metrics.happened.add(Happening::kMembersSent);
}

}  // namespace pinhole::rendezvous
