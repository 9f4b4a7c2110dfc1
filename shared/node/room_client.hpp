// Our side of the rendezvous's rooms: in which we are, and who else is.
//
//     join  -> asking -> member         `members` came; a refresh goes with every keepalive
//                ^  ^       |
//                |  +-------+           a new registration: asked anew
//                +-> asking slowly      refused, or a server that knows no rooms
//     leave -> leaving -> forgotten     the server says that we are not in it
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
    /// The server answered something: what it did not answer so long it does not know.
    void on_server_alive(Instant now);
    /// Drops: kStale.
    [[nodiscard]] Parsed<void> handle_members(const wire::Members& in);
    /// An `error` that names a room. Drops: kStale.
    [[nodiscard]] Parsed<void> handle_error(Instant now, const wire::Error& in);

    /// What is to be sent now.
    [[nodiscard]] std::optional<Frame> poll_frame(Instant now);
    /// True once when a `join` has waited long for its answer: only a server that shows that it is
    /// there can be said to know no rooms.
    [[nodiscard]] bool take_doubt() { return std::exchange(doubts_, false); }
    [[nodiscard]] std::optional<NodeEvent> poll_event();
    [[nodiscard]] Instant next_timeout() const;

  private:
    enum class State : std::uint8_t { kAsking, kMember, kLeaving };
    struct Room {
        Id name;
        Id name_on_wire;
        State state = State::kAsking;
        /// Of the last `members` that came since we began to ask; 0 before it did.
        std::uint32_t version = 0;
        Backoff repeat;
        /// When the patience with a server that does not answer ends.
        Instant patient_until = kNever;
        /// It has ended, and the server has not shown yet that it is there.
        bool is_overdue = false;
        /// It was refused.
        bool is_slow = false;
        /// The last one that was raised.
        std::optional<RoomTrouble> trouble{};
    };

    static void ask(Instant now, Room& room, State state);
    void end_patience(Instant now);
    void refuse(Instant now, Room& room, RoomTrouble why);
    [[nodiscard]] Room* find(const Id& name_on_wire);

    const crypto::Psk& group_key_;
    std::vector<Room> rooms_;
    bool doubts_ = false;
    std::deque<NodeEvent> events_;
};

}  // namespace pinhole::node
