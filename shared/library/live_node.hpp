// A node with all that it needs to live in a process that has no loop of its own: keys, sockets,
// the driver, the server's name, and the events that nobody has taken yet.
//
// It runs only inside `poll` and its constructor, and its memory is bounded by that: while an event
// waits, nothing is received.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>

#include "shared/base/time.hpp"
#include "shared/library/kept_event.hpp"
#include "shared/net/deadline_timer.hpp"
#include "shared/net/driver.hpp"
#include "shared/net/key_file.hpp"
#include "shared/net/resolver.hpp"
#include "shared/node/node.hpp"

namespace pinhole::library {

/// Of the rendezvous, where a text names none.
inline constexpr std::uint16_t kServerPort = 3478;

/// How long until a name that did not resolve is asked for again.
inline constexpr Duration kResolveAgain = 5s;

class LiveNode {
  public:
    /// `identity` is the locked file that the keys of `config` are from, if they are from one.
    /// Begins to register with `server`, a `host[:port]`. Throws what `node::Node`, the sockets and
    /// the loop throw, and std::system_error where there is no socket at all.
    LiveNode(node::NodeConfig config, std::optional<net::IdentityFile> identity,
             std::string server);
    /// Says goodbye. Waits for the removal of a port mapping, a second at most.
    ~LiveNode();
    LiveNode(const LiveNode&) = delete;
    LiveNode& operator=(const LiveNode&) = delete;

    /// Mutate it as you like: what comes of it leaves with the next `poll`.
    [[nodiscard]] node::Node& node() { return node_; }
    [[nodiscard]] const node::Node& node() const { return node_; }

    /// Runs the loop until an event waits, which is when it returns true, or until `patience` is
    /// over. Zero does what there is to do, nothing means for ever.
    [[nodiscard]] bool poll(std::optional<Duration> patience);

    /// The oldest event, or null; valid until the next call.
    [[nodiscard]] const pinhole_event* next_event();

  private:
    void say_goodbye();
    void open_sockets();
    void resolve();
    void on_resolved(const net::Resolved& resolved);

    crypto::SystemRandom random_;
    std::optional<net::IdentityFile> identity_;
    std::string server_;
    asio::io_context io_{1};
    node::Node node_;
    std::deque<KeptEvent> events_;
    /// The oldest of `events_` was handed out.
    bool is_shown_ = false;
    net::Driver<node::Node> driver_;
    net::Resolver resolver_;
    net::DeadlineTimer resolve_again_;
};

}  // namespace pinhole::library
