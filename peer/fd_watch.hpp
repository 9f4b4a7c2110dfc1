// Waits until a descriptor can be read or written, and leaves it as it is.
//
// Asio sets O_NONBLOCK on what it watches, and everybody sees that who shares the description: the
// shell, or the program at the other end of standard input. So Asio watches an epoll instance of
// ours, and that one watches the descriptor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

namespace pinhole::peer {

class FdWatch {
  public:
    enum class For : std::uint8_t {
        kRead,
        kWrite,
        kHangUp,  ///< nobody is at the other end any more
    };

    /// Borrows `fd`. `on_ready` runs inside the loop once after each `wait`, and never after the
    /// watch is gone. Regular files and most devices are always ready: at the next turn of the
    /// loop. Throws std::system_error when the system has no descriptors left.
    FdWatch(asio::io_context& io, int fd, For what, std::function<void()> on_ready);
    FdWatch(const FdWatch&) = delete;
    FdWatch& operator=(const FdWatch&) = delete;
    ~FdWatch();

    /// To wait while it waits changes nothing.
    void wait();
    /// It never has to wait.
    [[nodiscard]] bool is_always_ready() const;

  private:
    struct State;
    /// The loop holds it as well while it waits.
    std::shared_ptr<State> state_;
};

}  // namespace pinhole::peer
