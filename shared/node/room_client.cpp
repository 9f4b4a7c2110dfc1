#include "shared/node/room_client.hpp"

#include "shared/node/room_name.hpp"

namespace pinhole::node {
namespace {

/// A `join` or `leave` that is not answered yet is repeated like everything else that we ask.
constexpr Backoff kQuick{50ms, 1s};
/// So long without an answer, and the server knows no rooms.
constexpr Duration kPatience = 10s;
/// After a refusal: somebody may leave a full room, and an old server be replaced.
constexpr Duration kSlowFirst = 10s;
constexpr Duration kSlowMax = 60s;

RoomTrouble trouble_of(wire::ErrorCode code) {
    switch (code) {
        case wire::ErrorCode::kRoomFull: return RoomTrouble::kFull;
        case wire::ErrorCode::kIdTaken:
        case wire::ErrorCode::kUnknownPeer:
        case wire::ErrorCode::kUnreachable:
        case wire::ErrorCode::kLimit:
        case wire::ErrorCode::kStorage:
        case wire::ErrorCode::kNotRegistered:
        case wire::ErrorCode::kFlapping: break;
    }
    return RoomTrouble::kLimit;
}

}  // namespace

void RoomClient::join(Instant now, const Id& name) {
    const Id name_on_wire = room_name_on_wire(name, group_key_);
    Room* room = find(name_on_wire);
    if (room == nullptr) {
        room = &rooms_.emplace_back(
            Room{.name = name, .name_on_wire = name_on_wire, .repeat = kQuick});
    } else if (room->state != State::kLeaving) {
        return;
    }
    ask(now, *room, State::kAsking);
}

void RoomClient::leave(Instant now, const Id& name) {
    Room* room = find(room_name_on_wire(name, group_key_));
    if (room == nullptr || room->state == State::kLeaving) return;
    room->trouble.reset();
    ask(now, *room, State::kLeaving);
}

void RoomClient::ask(Instant now, Room& room, State state) {
    room.state = state;
    room.version = 0;
    room.repeat = kQuick;
    room.repeat.start(now);
    room.patient_until = now + kPatience;
    room.is_overdue = false;
    room.is_slow = false;
}

void RoomClient::on_registered(Instant now) {
    for (Room& room : rooms_) {
        ask(now, room, room.state == State::kLeaving ? State::kLeaving : State::kAsking);
    }
}

void RoomClient::on_keepalive(Instant now) {
    for (Room& room : rooms_) {
        if (room.state == State::kMember) room.repeat.start(now);
    }
}

void RoomClient::on_server_alive(Instant now) {
    for (Room& room : rooms_) {
        if (room.is_overdue) refuse(now, room, RoomTrouble::kNoAnswer);
    }
}

Parsed<void> RoomClient::handle_members(const wire::Members& in) {
    Room* room = find(in.room);
    if (room == nullptr) return dropped(Drop::kStale);
    if (room->state == State::kLeaving) {
        if (in.version != 0) return dropped(Drop::kStale);
        std::erase_if(rooms_, [room](const Room& any) { return &any == room; });
        return {};
    }
    const bool is_new = room->version == 0 || wire::is_newer_version(in.version, room->version);
    if (in.version == 0 || !is_new) return dropped(Drop::kStale);
    room->state = State::kMember;
    room->version = in.version;
    room->repeat.stop();
    room->patient_until = kNever;
    room->is_overdue = false;
    room->is_slow = false;
    room->trouble.reset();
    RoomMembers members{.room = room->name, .members = {}};
    for (const wire::Members::Member& member : in.members) {
        members.members.push_back({.id = member.id, .key = crypto::PublicKey{member.key}});
    }
    events_.emplace_back(std::move(members));
    return {};
}

Parsed<void> RoomClient::handle_error(Instant now, const wire::Error& in) {
    Room* room = find(in.room);
    if (room == nullptr || room->state == State::kLeaving) return dropped(Drop::kStale);
    refuse(now, *room, trouble_of(in.code));
    return {};
}

void RoomClient::refuse(Instant now, Room& room, RoomTrouble why) {
    room.is_overdue = false;
    room.state = State::kAsking;
    room.version = 0;
    room.patient_until = kNever;
    // Each copy of the question may draw its refusal: the first one counts.
    if (!std::exchange(room.is_slow, true)) {
        room.repeat = Backoff{kSlowFirst, kSlowMax};
        room.repeat.start(now + kSlowFirst);
    }
    if (room.trouble == why) return;
    room.trouble = why;
    events_.emplace_back(RoomRefused{.room = room.name, .why = why});
}

void RoomClient::end_patience(Instant now) {
    for (Room& room : rooms_) {
        if (room.state != State::kAsking || now < room.patient_until) continue;
        room.patient_until = kNever;
        room.is_overdue = true;
        doubts_ = true;
    }
    // A server that does not answer for so long knows no rooms, or not us.
    std::erase_if(rooms_, [now](const Room& room) {
        return room.state == State::kLeaving && now >= room.patient_until;
    });
}

std::optional<RoomClient::Frame> RoomClient::poll_frame(Instant now) {
    end_patience(now);
    for (Room& room : rooms_) {
        if (!room.repeat.take_due(now)) continue;
        if (room.state == State::kLeaving) return wire::Leave{.room = room.name_on_wire};
        // A refresh is asked once: the next one comes with the next keepalive.
        if (room.state == State::kMember) room.repeat.stop();
        return wire::Join{.room = room.name_on_wire, .version = room.version};
    }
    return std::nullopt;
}

std::optional<NodeEvent> RoomClient::poll_event() {
    if (events_.empty()) return std::nullopt;
    NodeEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

Instant RoomClient::next_timeout() const {
    Instant at = kNever;
    for (const Room& room : rooms_) at = std::min({at, room.repeat.at(), room.patient_until});
    return at;
}

RoomClient::Room* RoomClient::find(const Id& name_on_wire) {
    const auto found = std::ranges::find(rooms_, name_on_wire, &Room::name_on_wire);
    return found == rooms_.end() ? nullptr : &*found;
}

}  // namespace pinhole::node
