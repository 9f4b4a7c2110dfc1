#include "shared/node/room_client.hpp"

#include "shared/node/room_name.hpp"

namespace pinhole::node {
namespace {

/// A `join` or `leave` that is not answered yet is repeated like everything else that we ask.
constexpr Backoff kQuick{50ms, 1s};
/// So long without an answer, and it is doubtful whether the server knows rooms. It does not if it
/// then shows so often that it is there, each time after another question that it did not answer: a
/// network that is back after a gap brings one answer with the other. Together these are 10 s.
constexpr Duration kPatience = 8s;
constexpr int kSilencesMax = 3;
/// After a refusal: somebody may leave a full room, and an old server be replaced.
constexpr Duration kSlowFirst = 10s;
constexpr Duration kSlowMax = 60s;
/// So many rooms that nobody has let us out of yet are kept in mind: four times as many as the
/// server lets one client be in.
constexpr std::size_t kLeavingMax = 16;
/// From a push about a room that we do not know to our `leave`. With the bound above it is the pace
/// at which a server can make us speak, and a push that was only overtaken is over by then.
constexpr Duration kUnasked = 1s;

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
    // It may be one that only the server told us of.
    room->name = name;
    ask(now, *room, State::kAsking);
}

void RoomClient::leave(Instant now, const Id& name) {
    const Id name_on_wire = room_name_on_wire(name, group_key_);
    const Room* room = find(name_on_wire);
    if (room == nullptr || room->state == State::kLeaving) return;
    forget(name_on_wire);
    // The oldest makes place: should we still be in it, the next push tells.
    if (!has_place_to_leave()) {
        rooms_.erase(std::ranges::find(rooms_, State::kLeaving, &Room::state));
    }
    ask(now,
        rooms_.emplace_back(Room{.name = name, .name_on_wire = name_on_wire, .repeat = kQuick}),
        State::kLeaving);
}

void RoomClient::ask(Instant at, Room& room, State state) {
    room.state = state;
    room.version = 0;
    room.repeat = kQuick;
    room.repeat.start(at);
    room.patient_until = at + kPatience;
    room.is_in_doubt = false;
    room.silences = 0;
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
        if (!std::exchange(room.is_in_doubt, false) || ++room.silences < kSilencesMax) continue;
        if (room.state == State::kLeaving) {
            ask_slowly(now, room);
        } else {
            refuse(now, room, RoomTrouble::kNoAnswer);
        }
    }
}

Parsed<void> RoomClient::handle_members(Instant now, const wire::Members& in) {
    if (in.version == 0) return handle_absence(now, in.room);
    Room* room = find(in.room);
    if (room == nullptr) {
        // A late copy of a `join` has put us back after we left.
        if (has_place_to_leave()) {
            ask(now + kUnasked,
                rooms_.emplace_back(Room{.name_on_wire = in.room, .repeat = kQuick}),
                State::kLeaving);
        }
        return dropped(Drop::kStale);
    }
    const bool is_new = room->version == 0 || wire::is_newer_version(in.version, room->version);
    if (room->state == State::kLeaving || !is_new) return dropped(Drop::kStale);
    room->state = State::kMember;
    room->version = in.version;
    room->repeat.stop();
    room->patient_until = kNever;
    room->is_in_doubt = false;
    room->is_slow = false;
    room->trouble.reset();
    RoomMembers members{.room = room->name, .members = {}};
    for (const wire::Members::Member& member : in.members) {
        members.members.push_back({.id = member.id, .key = crypto::PublicKey{member.key}});
    }
    events_.emplace_back(std::move(members));
    return {};
}

Parsed<void> RoomClient::handle_absence(Instant now, const Id& name_on_wire) {
    Room* room = find(name_on_wire);
    if (room == nullptr || room->state == State::kAsking) return dropped(Drop::kStale);
    if (room->state == State::kMember) {
        // A late copy of a `leave` has put us out after we came back.
        ask(now, *room, State::kAsking);
    } else {
        forget(name_on_wire);
    }
    return {};
}

Parsed<void> RoomClient::handle_error(Instant now, const wire::Error& in) {
    Room* room = find(in.room);
    if (room == nullptr || room->state == State::kLeaving) return dropped(Drop::kStale);
    refuse(now, *room, trouble_of(in.code));
    return {};
}

void RoomClient::refuse(Instant now, Room& room, RoomTrouble why) {
    room.state = State::kAsking;
    room.version = 0;
    // Each copy of the question may draw its refusal: the first one counts.
    if (!room.is_slow) ask_slowly(now, room);
    if (room.trouble == why) return;
    room.trouble = why;
    events_.emplace_back(RoomRefused{.room = room.name, .why = why});
}

void RoomClient::ask_slowly(Instant now, Room& room) {
    room.is_slow = true;
    room.is_in_doubt = false;
    room.patient_until = kNever;
    room.repeat = Backoff{kSlowFirst, kSlowMax};
    room.repeat.start(now + kSlowFirst);
}

std::optional<RoomClient::Frame> RoomClient::poll_frame(Instant now) {
    for (Room& room : rooms_) {
        if (!room.repeat.take_due(now)) continue;
        if (now >= room.patient_until) room.is_in_doubt = doubts_ = true;
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
    for (const Room& room : rooms_) at = std::min(at, room.repeat.at());
    return at;
}

bool RoomClient::has_place_to_leave() const {
    const auto leaving = std::ranges::count(rooms_, State::kLeaving, &Room::state);
    return static_cast<std::size_t>(leaving) < kLeavingMax;
}

void RoomClient::forget(const Id& name_on_wire) {
    std::erase_if(rooms_, [&](const Room& room) { return room.name_on_wire == name_on_wire; });
}

RoomClient::Room* RoomClient::find(const Id& name_on_wire) {
    const auto found = std::ranges::find(rooms_, name_on_wire, &Room::name_on_wire);
    return found == rooms_.end() ? nullptr : &*found;
}

}  // namespace pinhole::node
