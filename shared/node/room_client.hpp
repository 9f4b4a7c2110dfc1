// Our side of the rendezvous's rooms: in which we are, and who else is.
//
//     join  -> asking -> member         `members` came; a refresh goes with every keepalive
//                ^  ^       |
//                |  +-------+           a new registration, or the server says that we are not in
//                it
//                +-> asking slowly      refused, or a server that knows no rooms
//     leave -> leaving -> forgotten     the server says that we are not in it
//     `members` of a room that we do not know -> leaving
//
// Speaks only while we are registered: the owner polls no frames otherwise, and nothing is raised
// then. Raises `RoomMembers` and `RoomRefused`, under the names that the rooms were joined by.
// Calls nobody.
#pragma once

#include <deque>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "shared/node/backoff.hpp"
#include "shared/node/event.hpp"
#include "shared/wire/rendezvous_frame.hpp"

namespace pinhole::node {

class RoomClient {
  public:
    using Frame = std::variant<wire::Join, wire::Leave>;

    /// `group_key` closes the rooms, unless it is all zero; it must outlive the client.
    explicit RoomClient(const crypto::Psk& group_key) : group_key_(group_key) {}

    void join(Instant now, const Id& room);
    void leave(Instant now, const Id& room);

    /// The server may know nothing of us any more: asks for every room anew.
    void on_registered(Instant now);
    /// A keepalive goes out: the versions that we have go with it, so that a `members` that was
    /// lost is sent again.
    void on_keepalive(Instant now);
    /// The server answered something. What it did not answer meanwhile, and for long before, it
    /// does not know.
    void on_server_alive(Instant now);
    /// Drops: kStale.
    [[nodiscard]] Parsed<void> handle_members(Instant now, const wire::Members& in);
    /// An `error` that names a room. Drops: kStale.
    [[nodiscard]] Parsed<void> handle_error(Instant now, const wire::Error& in);

    /// What is to be sent now.
    [[nodiscard]] std::optional<Frame> poll_frame(Instant now);
    /// True once after each question that was sent although answers to it are overdue: only a
    /// server that shows now that it is there can be said to know no rooms.
    [[nodiscard]] bool take_doubt() { return std::exchange(doubts_, false); }
    [[nodiscard]] std::optional<NodeEvent> poll_event();
    [[nodiscard]] Instant next_timeout() const;

  private:
    enum class State : std::uint8_t { kAsking, kMember, kLeaving };
    struct Room {
        /// Empty while only the server told us of the room.
        Id name{};
        Id name_on_wire;
        State state = State::kAsking;
        /// Of the last `members` that came since we began to ask; 0 before it did.
        std::uint32_t version = 0;
        Backoff repeat;
        /// When the patience with a server that does not answer ends.
        Instant patient_until = kNever;
        /// It has ended, and since we asked last the server has not shown that it is there.
        bool is_in_doubt = false;
        /// So often it has shown that it is there, and did not answer.
        int silences = 0;
        /// It was refused.
        bool is_slow = false;
        /// The last one that was raised.
        std::optional<RoomTrouble> trouble{};
    };

    /// The server says that we are not in the room.
    [[nodiscard]] Parsed<void> handle_absence(Instant now, const Id& name_on_wire);
    static void ask(Instant at, Room& room, State state);
    static void ask_slowly(Instant now, Room& room);
    void refuse(Instant now, Room& room, RoomTrouble why);
    [[nodiscard]] bool has_place_to_leave() const;
    void forget(const Id& name_on_wire);
    [[nodiscard]] Room* find(const Id& name_on_wire);

    const crypto::Psk& group_key_;
    std::vector<Room> rooms_;
    bool doubts_ = false;
    std::deque<NodeEvent> events_;
};

}  // namespace pinhole::node
