// Bytes to a standard stream, in order, without ever waiting for whoever reads it.
//
// What the reader does not take now is kept, and goes out from the loop. Never sets a flag on the
// description that we share with whoever started us: a pipe or a terminal is opened anew through
// /proc, a socket is asked each time not to wait, and a regular file never makes a writer wait.
// Sets no bound: who writes looks at `waiting` first.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <asio/io_context.hpp>

#include "peer/fd_watch.hpp"
#include "shared/net/unique_fd.hpp"

namespace pinhole::peer {

class Outlet {
  public:
    /// Borrows `fd`. `on_ready` runs inside the loop when a wait that `wait` began is over.
    Outlet(asio::io_context& io, int fd, std::function<void()> on_ready);
    Outlet(const Outlet&) = delete;
    Outlet& operator=(const Outlet&) = delete;

    /// Keeps `text` for the next `flush`. Forgets it when the stream is broken.
    void take(std::string_view text);
    /// Writes what the reader takes now.
    void flush();
    /// Calls `on_ready` once the reader takes more, or is gone.
    void wait();

    /// The reader takes something at this moment.
    [[nodiscard]] bool is_ready() const;
    /// Bytes that were taken and are not written.
    [[nodiscard]] std::size_t waiting() const { return kept_.size() - done_; }
    /// Bytes taken so far, and of these the first so many are written.
    [[nodiscard]] std::uint64_t taken() const { return written_ + waiting(); }
    [[nodiscard]] std::uint64_t written() const { return written_; }
    /// The errno that ended it for good, such as EPIPE; 0 while it works.
    [[nodiscard]] int error() const { return error_; }
    [[nodiscard]] bool is_terminal() const { return is_terminal_; }

  private:
    /// What keeps a write from waiting.
    enum class Way : std::uint8_t {
        kFile,    ///< nothing need: it is always ready
        kOwn,     ///< a description of our own that does not wait
        kSocket,  ///< a flag of each call
        kShared,  ///< a look before each write, which is short enough for what was promised
    };

    [[nodiscard]] long write_some(std::string_view text) const;
    void on_error(int error);

    int fd_;
    bool is_terminal_;
    Way way_ = Way::kFile;
    net::UniqueFd own_;
    /// Empty for a file.
    std::optional<FdWatch> watch_;
    /// The first `done_` bytes are written.
    std::string kept_;
    std::size_t done_ = 0;
    std::uint64_t written_ = 0;
    int error_ = 0;
};

}  // namespace pinhole::peer
