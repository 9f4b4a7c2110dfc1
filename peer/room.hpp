// A room as one of its members sees it: who is in it, whom to call, and what is news.
//
// The rendezvous only says who is there; every two members connect directly. Of two the smaller id
// calls at once, and the other one when no call has come by then, so a pair is rarely called twice.
//
// Owns no connection and reads no clock: snapshots of the room and what becomes of connections come
// in, and calls to make, calls to give up and news come out. It believes no snapshot that a
// connection contradicts: while the server forgets somebody, the talk with him goes on.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "shared/base/time.hpp"
#include "shared/wire/id.hpp"

namespace pinhole::peer {

using wire::Id;

/// How long the greater id of two waits for the other one's call: some round trips, and a
/// handshake through the relay.
inline constexpr Duration kCallPatience = 2s;
/// Who is neither listed nor connected may be back so soon: a program that starts anew, or a server
/// that does, takes a moment to be listed again.
inline constexpr Duration kReturnPatience = 3s;

class Room {
  public:
    /// Somebody whom the rendezvous lists.
    struct Listed {
        Id id;
        /// False for one whom we do not let in: never called, and no text waits for it.
        bool is_welcome = true;

        friend bool operator==(const Listed&, const Listed&) = default;
    };

    enum class Change : std::uint8_t {
        kJoined,  ///< in the room and connected, for the first time
        kLeft,    ///< gone, from the room and from us
        kLost,    ///< no connection any more, while the room still lists it
        kBack,    ///< connected again after kLost
    };
    struct News {
        Id peer;
        Change change = Change::kJoined;
        /// It was in the room when we came.
        bool was_here_first = false;

        friend bool operator==(const News&, const News&) = default;
    };

    enum class End : std::uint8_t {
        kGoodbye,  ///< the peer ended it, of its own will
        kBroken,
    };

    /// How a member stands, for whoever asks.
    enum class State : std::uint8_t { kWaiting, kConnected, kLost, kRefusesUs, kKeptOut };
    struct Member {
        Id id;
        State state = State::kWaiting;
    };

    explicit Room(const Id& self) : self_(self) {}

    /// Everybody in the room but us. The first one tells who was here before us.
    void on_members(Instant now, std::span<const Listed> members);
    /// Of any peer, whether it is in the room or not.
    void on_connected(Instant now, const Id& peer);
    void on_closed(Instant now, const Id& peer, End end);
    /// No path works, and the node looks for one.
    void on_path_lost(Instant now, const Id& peer);
    void on_path_found(Instant now, const Id& peer) { on_connected(now, peer); }
    /// It turned our call away. Calling goes on, but nobody should wait for it.
    void on_call_refused(const Id& peer);

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    /// Whom to call, again and again until it answers or is given up.
    [[nodiscard]] std::optional<Id> poll_call();
    /// Who is gone: end what is left of calls and connections.
    [[nodiscard]] std::optional<Id> poll_give_up();
    [[nodiscard]] std::optional<News> poll_news();

    /// A first snapshot came.
    [[nodiscard]] bool is_known() const { return is_known_; }
    /// It is a member, listed or at least connected.
    [[nodiscard]] bool has(const Id& peer) const;
    /// It is in the room, and a text to it is delivered now or once it is connected.
    [[nodiscard]] bool takes_texts(const Id& peer) const;
    /// Everybody who is in the room, by id.
    [[nodiscard]] std::vector<Member> members() const;

  private:
    enum class Link : std::uint8_t { kNone, kUp, kLost };

    struct Entry {
        bool is_listed = false;
        /// It was listed, and is not gone since. Others are here only for their connection.
        bool is_member = false;
        bool is_welcome = true;
        bool was_here_first = false;
        /// It said goodbye: not called before the room says anew that it is there.
        bool has_left = false;
        bool refuses_us = false;
        Link link = Link::kNone;
        /// A call of ours goes on.
        bool is_called = false;
        Instant call_at = kNever;
        /// When it counts as gone unless it is listed or connected by then.
        Instant gone_at = kNever;
        /// kJoined was told, and no kLeft since.
        bool has_joined = false;
        /// kLost was told, and no kBack since.
        bool is_missed = false;
    };

    void plan_call(Instant now, const Id& peer, Entry& entry);
    /// Tells what is new about an entry; true when nothing of it is left to remember.
    [[nodiscard]] bool judge(Instant now, const Id& peer, Entry& entry);
    void judge_all(Instant now);
    void see_off(const Id& peer, Entry& entry);
    void tell(const Id& peer, const Entry& entry, Change change);
    void settle(Instant now, const Id& peer);

    Id self_;
    bool is_known_ = false;
    std::map<Id, Entry> entries_;
    std::deque<Id> calls_;
    std::deque<Id> given_up_;
    std::deque<News> news_;
};

}  // namespace pinhole::peer
