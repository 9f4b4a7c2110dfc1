// One peer at work: identity, known keys, node, sockets, loop. What a verb does with them is an
// `Activity`.
//
// Owns everything from the key file to the signals. It judges keys, says what happens through the
// narrator, and ends in good order: goodbyes are said, for at most `kFarewellTime`, and output is
// written to its end unless a signal ends us.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include <asio/io_context.hpp>

#include "peer/chat_protocol.hpp"
#include "peer/interrupts.hpp"
#include "peer/narrator.hpp"
#include "peer/problems.hpp"
#include "peer/station_options.hpp"
#include "peer/status_report.hpp"
#include "peer/status_socket.hpp"
#include "peer/stream_hub.hpp"
#include "peer/trust_store.hpp"
#include "shared/crypto/sodium.hpp"
#include "shared/net/deadline_timer.hpp"
#include "shared/net/driver.hpp"
#include "shared/net/key_file.hpp"
#include "shared/net/resolver.hpp"
#include "shared/node/node.hpp"

namespace pinhole::peer {

using node::PeerNumber;

/// A clean stop takes no longer.
inline constexpr Duration kFarewellTime = 700ms;

/// What a verb does. Its functions run inside the loop, one at a time; what a verb does not care
/// for passes it by.
class Activity {
  public:
    virtual ~Activity() = default;

    /// Before anything is sent.
    virtual void on_start() = 0;
    virtual void on_registered() {}
    virtual void on_connected(const Id& peer) = 0;
    virtual void on_control(const Id& /*peer*/, const Control& /*message*/) {}
    /// A verb that has nobody to read it does nothing: then it is not acknowledged.
    virtual void on_text(const Id& /*peer*/, const ChatText& /*text*/) {}
    virtual void on_path(const Id& /*peer*/, const node::PathChanged& /*path*/) {}
    /// After kPeerRestarted `on_connected` follows by itself.
    virtual void on_closed(const Id& /*peer*/, node::CloseReason /*reason*/) {}
    virtual void on_connect_failed(const node::ConnectFailed& /*event*/) {}
    /// Who is in a room that we joined, all of them: with every change, and after each
    /// registration.
    virtual void on_room_members(const node::RoomMembers& /*room*/) {}
    virtual void on_room_refused(const node::RoomRefused& /*event*/) {}
    /// Somebody shows another key under a name that we know, and was refused. Once for each key.
    virtual void on_key_changed(const Id& peer, const Problem& problem) = 0;
    /// The rendezvous refuses us, but may change its mind.
    virtual void on_server_trouble(const Problem& problem) = 0;
    /// Some output that had to wait is written, or never will be.
    virtual void on_output() {}
    /// The station closes: the last words go out now.
    virtual void on_leaving() = 0;
    virtual void handle_timeout(Instant now) = 0;
    [[nodiscard]] virtual Instant next_timeout() const = 0;
};

class Station {
  public:
    /// Opens the identity and the known keys. Throws what those throw.
    Station(const StationOptions& options, bool only_listens, const net::Environment& environment);
    ~Station();
    Station(const Station&) = delete;
    Station& operator=(const Station&) = delete;

    /// Runs `activity` to its end.
    [[nodiscard]] ExitCode run(Activity& activity);

    void connect(const Id& peer, bool keep_trying);
    /// Closes the connection; `on_closed` follows. Without one, ends what `connect` began.
    void disconnect(const Id& peer);
    /// What we know of the peer that shows this key; nothing before the rendezvous took us.
    enum class Standing : std::uint8_t { kUnknown, kKnown, kOtherKey };
    [[nodiscard]] Standing standing_of(const Id& peer, const crypto::PublicKey& key) const;
    /// It shows another key than the one that we know: `Activity::on_key_changed` follows, once for
    /// each key.
    void note_other_key(const Id& peer, const crypto::PublicKey& key);
    /// Enters a room of the rendezvous; `on_room` follows.
    void join(const Id& room);
    /// False when the connection does not take it now.
    bool send(const Id& peer, const Control& message);
    bool send(const Id& peer, const ChatText& text);

    /// Ends with this code. The first call counts.
    void leave(ExitCode code);
    /// Says the problem and ends with its code.
    void fail(const Problem& problem);
    /// A try to reach the one peer that everything is about failed: goes on waiting while there is
    /// hope, and fails otherwise.
    void wait_or_fail(const node::ConnectFailed& event);
    /// `Activity::on_server_trouble` for those who do nothing without a rendezvous: waits for one
    /// that is away, and fails when it refuses us.
    void fail_if_refused(const Problem& problem);

    /// What the node tells. Called by the driver; tests play the node with it.
    void on_event(const node::NodeEvent& event);

    /// To be called at the end of whatever entered an activity from outside, such as a line of
    /// input: sends what was queued and sets the alarm.
    void settle();

    [[nodiscard]] asio::io_context& io() { return io_; }
    [[nodiscard]] Narrator& narrator() { return narrator_; }
    [[nodiscard]] Screen& screen() { return screen_; }
    /// The streams with connected peers. What calls it from outside the loop's events `settle`s.
    [[nodiscard]] StreamHub& streams() { return streams_; }
    [[nodiscard]] Random& random() { return random_; }
    [[nodiscard]] const StationOptions& options() const { return options_; }
    [[nodiscard]] Instant now() const;
    [[nodiscard]] bool is_leaving() const { return leaving_; }
    [[nodiscard]] bool is_registered() const { return was_registered_; }
    [[nodiscard]] bool is_connected(const Id& peer) const { return numbers_.contains(peer); }
    /// What the rendezvous said when it took us last; nothing before it did.
    [[nodiscard]] const std::optional<node::Registered>& server() const { return server_; }
    [[nodiscard]] const node::Node& node() const { return node_; }
    /// How we stand, for whoever asks from outside.
    [[nodiscard]] StatusReport report() const;
    /// Every peer that is connected or on the way.
    [[nodiscard]] std::vector<node::PeerStatus> peers() const { return node_.peers(); }

  private:
    void start();
    void open_status_socket(const net::Environment& environment);
    void on_resolved(const net::Resolved& resolved);
    void on(const node::ServerProven& event);
    void on(const node::Registered& event);
    void on(const node::ServerLost& event);
    void on(const node::PeerIntroduced& event);
    void on(const node::CallRefused& event);
    void on(const node::KeyMismatch& event);
    void on(const node::PeerConnected& event);
    void on(const node::MessageReceived& event);
    void on(const node::PathChanged& event);
    void on(const node::PeerClosed& event);
    void on(const node::ConnectFailed& event);
    void on(const node::RoomToSend& event);
    void on(const node::RoomMembers& event);
    void on(const node::RoomRefused& event);
    void on_signal(int number);
    void on_deadline();
    void on_output();
    /// Nobody reads what we write, or it has no place to go.
    void leave_unread();
    [[nodiscard]] bool send(const Id& peer, std::uint8_t channel, Bytes message);
    [[nodiscard]] bool has_room(const Id& peer) const;
    [[nodiscard]] const Id* id_of(PeerNumber number) const;
    [[nodiscard]] node::NodeConfig node_config() const;
    /// True when the key was not known before; nothing when another one is.
    [[nodiscard]] std::optional<bool> learn(const Id& id, const crypto::PublicKey& key);
    void trust_known_peers();
    /// The key that a peer must have, by the command line or as it was remembered.
    [[nodiscard]] std::optional<crypto::PublicKey> pin_of(const Id& peer) const;
    /// As the user is told of it; `pinned` when it is not in the store.
    [[nodiscard]] KnownKey known_key_of(const Id& id, const crypto::PublicKey& pinned) const;
    void note_key_change(const Id& id, const KnownKey& known, const crypto::PublicKey& announced);
    /// The network's part of the end.
    void say_goodbye();
    void finish_if_done();
    /// All of it.
    void finish();
    void arm();

    StationOptions options_;
    asio::io_context io_{1};
    Screen screen_;
    Narrator narrator_;
    crypto::SystemRandom random_;
    net::IdentityFile identity_;
    TrustStore trust_;
    StreamHub streams_;
    node::Node node_;
    net::Driver<node::Node> driver_;
    net::Resolver resolver_;
    net::DeadlineTimer deadline_;
    Interrupts interrupts_;
    /// Empty when there is no place for one, or another process has it.
    std::optional<StatusSocket> status_;
    Activity* activity_ = nullptr;
    std::optional<crypto::PublicKey> server_key_;
    std::optional<node::Registered> server_;
    std::map<PeerNumber, Id> ids_;
    std::map<Id, PeerNumber> numbers_;
    /// What was said about changed keys.
    std::map<Id, Problem> key_problems_;
    ExitCode code_ = ExitCode::kOk;
    Instant farewell_until_ = kNever;
    /// When the user hears that the end waits for whoever reads stdout.
    Instant tell_waiting_at_ = kNever;
    bool was_registered_ = false;
    bool was_signalled_ = false;
    bool leaving_ = false;
    bool said_goodbye_ = false;
    /// The driver has stopped: our gateway forwards nothing to us any more.
    bool is_offline_ = false;
    bool finished_ = false;
};

}  // namespace pinhole::peer
