// Hears from the kernel that links, addresses or routes changed (rtnetlink(7)).
//
// Says that something changed, not what: whoever listens reads the system anew. A change is many
// messages, so they are gathered for a moment. Owns the socket; where the system gives none, there
// is no watch, and polling has to do.
#pragma once

#include <functional>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include "shared/net/deadline_timer.hpp"

namespace pinhole::net {

/// From the first message to the call: addresses come shortly after their link, routes after them.
inline constexpr Duration kNetworkSettleTime = 150ms;

class NetworkWatch {
  public:
    /// `on_changed` runs inside the loop. Must not be destroyed between two turns of a loop that
    /// keeps running.
    NetworkWatch(asio::io_context& io, std::function<void()> on_changed);
    NetworkWatch(const NetworkWatch&) = delete;
    NetworkWatch& operator=(const NetworkWatch&) = delete;

    /// Listens from now on. False when the system gives no such socket.
    [[nodiscard]] bool start();
    /// Stops listening and gives up the loop's attention.
    void cancel();

  private:
    void wait();
    void on_readable();

    asio::posix::stream_descriptor socket_;
    DeadlineTimer settle_;
    bool is_settling_ = false;
};

}  // namespace pinhole::net
