// Who is in which room: `join`, `leave`, and the snapshots that everybody in a room gets.
//
// A membership is a registered client's, and ends with `leave` or with the registration; a client
// that comes back over a new session (same process, same name) keeps it. Whoever is in is told of
// all others at once, the others of each change: at once after a quiet time, else together with the
// changes that follow within `kRoomPushInterval`. A snapshot that is lost is sent again when the
// client asks with the version that it has, at the pace of changes.
//
// Joins are what costs: each makes up to 15 snapshots, and its end as many again. So each takes
// from its key's budget, and leaving is free. What a room of one key after another could be made to
// send is bounded by the interval. An empty room is no room. Keys cost nothing, so the memberships
// that fit into the table are shared out by the subscribers' prefixes from which they were asked
// for.
//
// Members see each other's id and key, whatever their accept mode: who joins wants to be found. The
// name is all that protects a room (`shared/node/room_name.hpp` makes one that nobody guesses).
#pragma once

#include <map>
#include <utility>

#include "rendezvous/budgets.hpp"
#include "rendezvous/clients.hpp"
#include "rendezvous/deadline_queue.hpp"
#include "rendezvous/outbox.hpp"

namespace pinhole::rendezvous {

class Rooms {
  public:
    /// What rooms work with. All of it must outlive them.
    struct Parts {
        Budgets& budgets;
        Clients& clients;
        Outbox& outbox;
        Metrics& metrics;
    };

    explicit Rooms(const Parts& parts) : parts_(parts) {}

    /// Frames of a client. Drops: kUnexpected when it is not registered.
    Parsed<void> handle_join(Instant now, Client& client, const wire::Join& frame);
    Parsed<void> handle_leave(Instant now, Client& client, const wire::Leave& frame);
    /// The registration of `client` ended.
    void forget(Instant now, ClientId client);

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const { return deadlines_.next(); }

    [[nodiscard]] std::size_t size() const { return rooms_.size(); }
    [[nodiscard]] std::size_t memberships() const { return memberships_.size(); }

  private:
    struct Member {
        ClientId client;
        /// The version that was sent to it last.
        std::uint32_t told = 0;
    };
    struct Room {
        /// Of its last change; never 0.
        std::uint32_t version = 0;
        BoundedVector<Member, kRoomMembersMax> members;
        Instant next_push{};
        Alarm alarm{};
    };
    static_assert(kRoomMembersMax == wire::Members::kMembersMax + 1);

    /// Why the client may not join, if it may not.
    [[nodiscard]] std::optional<wire::ErrorCode> refusal(Instant now, const Client& client,
                                                         const wire::Id& name);
    void end(Instant now, ClientId client, const wire::Id& name);
    [[nodiscard]] bool has_place_for(const IpAddress& prefix) const;
    /// Something changed: its members will be told.
    void touch(Instant now, const wire::Id& name, Room& room);
    void tell(const wire::Id& name, const Room& room, Member& member);

    Parts parts_;
    /// Names are chosen by strangers: an ordered table cannot be made slow.
    std::map<wire::Id, Room> rooms_;
    /// The same from the clients' side, and the prefix from which each was asked for; beside them,
    /// because most are in no room.
    std::map<std::pair<ClientId, wire::Id>, IpAddress> memberships_;
    std::map<IpAddress, std::size_t> memberships_of_prefix_;
    DeadlineQueue<wire::Id> deadlines_;
    /// One count for all rooms: whoever comes back to a room that was empty meanwhile never finds
    /// an older version than it had.
    std::uint32_t changes_ = 0;
};

}  // namespace pinhole::rendezvous
