// Tells the user what happens: JSON lines on stdout, or words on stderr and texts on stdout.
//
// Each thing is said once. On the way to a peer it keeps quiet for a moment, so that a connection
// that is direct at once is one line:
//
//     bob -> alice: rendezvous ok 38 ms | direct 198.51.100.4:40112 (12 ms); new peer alice pk:...
//
// Time is an argument; who owns the narrator calls `handle_timeout`.
#pragma once

#include <map>
#include <set>
#include <string>

#include "peer/chat_protocol.hpp"
#include "peer/problems.hpp"
#include "peer/room.hpp"
#include "peer/screen.hpp"
#include "shared/node/event.hpp"

namespace pinhole::peer {

/// How long nothing is said about what will be over in a moment.
inline constexpr Duration kQuietTime = 300ms;

/// The closed set of words for what goes on.
enum class Progress : std::uint8_t {
    kResolving,
    kRegistering,
    kWaiting,
    kChecking,
    kDirect,
    kRelay,
    kLost,
    kReconnecting,
};
[[nodiscard]] std::string_view word_of(Progress progress);

class Narrator {
  public:
    struct Options {
        bool json = false;
        Id self;
        std::string via;
        /// Nobody is called: tell how others can call us.
        bool only_listens = false;
    };

    /// `screen` must outlive the narrator.
    Narrator(Screen& screen, Options options) : screen_(screen), options_(std::move(options)) {}

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    void resolving(Instant now) { progress(now, Progress::kResolving, options_.via); }
    void registering(Instant now) { progress(now, Progress::kRegistering, options_.via); }
    /// `is_new`: the server's key was not known before.
    void registered(Instant now, const node::Registered& event, bool is_new);
    /// A trouble that does not end us.
    void server_lost(const node::ServerLost& event, const Problem& problem);
    /// `event` as JSON; the words come with `fail`.
    void server_gone(const node::ServerLost& event);
    void introduced(Instant now, const node::PeerIntroduced& event);
    void connected(Instant now, const node::PeerConnected& event, bool is_new);
    void path(Instant now, const Id& peer, const node::PathChanged& event);
    void closed(Instant now, const Id& peer, node::CloseReason reason);
    /// A try to connect failed and goes on.
    void waiting(Instant now, const Id& peer, node::CloseReason reason);
    void call_refused(const node::CallRefused& event);

    /// Who is in our room; words only the first time. Of its members `member` tells from now on.
    void room(const node::RoomMembers& event);
    void member(const Id& room, const Room::News& news);
    /// A member is not reached yet; calling goes on. Once for each reason.
    void member_waits(const Id& room, const Id& peer, node::CloseReason reason);

    /// A text was received; `Screen::is_out` tells when the user has it. Nothing when it cannot be
    /// handed to the user. `time` stands before it in words, unless it is empty.
    [[nodiscard]] std::optional<OutputMark> message(const Id& peer, const ChatText& text,
                                                    std::string_view time);
    void delivered(const Id& peer, std::uint32_t number);
    /// A measurement, as a line of data.
    void pong(std::string_view words, const std::string& json_line);

    /// Ends in an error.
    void failed(const Problem& problem);
    /// Goes on in spite of it.
    void warn(std::string_view words) { screen_.warn(words); }
    void say(std::string_view words) { screen_.talk(words); }

    [[nodiscard]] Screen& screen() { return screen_; }

    /// "direct 198.51.100.4:40112 (12 ms)" or "relay (12 ms): why".
    [[nodiscard]] std::string words_of(const node::PathChanged& path) const;

  private:
    struct Peer {
        bool incoming = false;
        bool is_new = false;
        std::string key;
        /// The first line about this connection is still to be said, at the latest at this time.
        Instant say_by = kNever;
        std::optional<node::PathChanged> path{};
        /// What was said last, so that nothing is said twice.
        std::string said{};
        std::string said_json{};
    };

    void progress(Instant now, Progress what, std::string subject);
    void end_progress();
    /// It was not said yet that this peer is waited for because of this.
    [[nodiscard]] bool is_new_reason(const Id& peer, node::CloseReason reason);
    void say_path(const Id& id, Peer& peer);
    [[nodiscard]] std::string painted(const Id& peer) const;
    [[nodiscard]] std::string arrow(const Id& id, const Peer& peer) const;

    Screen& screen_;
    Options options_;
    std::map<Id, Peer> peers_;
    std::set<Id> refused_;
    /// Members who are connected, or were and are missed.
    std::set<Id> members_;
    std::map<Id, node::CloseReason> waiting_for_;
    std::optional<Progress> progress_;
    std::string subject_;
    Instant show_progress_at_ = kNever;
    Instant started_ = kNever;
    Duration server_rtt_{};
    bool was_registered_ = false;
    bool is_server_lost_ = false;
    bool is_over_tcp_ = false;
    bool rendezvous_told_ = false;
    bool room_told_ = false;
};

}  // namespace pinhole::peer
