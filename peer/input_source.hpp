// A standard stream, read piece by piece without ever waiting for whoever writes it.
//
// Never sets a flag on the description that we share with whoever started us: a pipe or a terminal
// is opened anew through /proc; where that cannot be, it looks before it reads.
#pragma once

#include <functional>
#include <optional>

#include <asio/io_context.hpp>

#include "peer/fd_watch.hpp"
#include "shared/base/bytes.hpp"
#include "shared/net/unique_fd.hpp"

namespace pinhole::peer {

class InputSource {
  public:
    /// Borrows `fd`. `on_ready` runs inside the loop when a wait that `wait` began is over.
    InputSource(asio::io_context& io, int fd, std::function<void()> on_ready);
    InputSource(const InputSource&) = delete;
    InputSource& operator=(const InputSource&) = delete;

    /// As read(2): 0 at the end, and -1 with EAGAIN when nothing is there now. What is always
    /// ready, a regular file, gives something each time: look after the loop in between.
    [[nodiscard]] long read(MutableBytes into);
    void wait() { watch_->wait(); }

  private:
    /// What keeps a read from waiting.
    enum class Way : std::uint8_t {
        kFile,    ///< nothing need: it is always ready
        kOwn,     ///< a description of our own that does not wait
        kShared,  ///< a look before each read
    };

    int fd_;
    Way way_ = Way::kFile;
    net::UniqueFd own_;
    std::optional<FdWatch> watch_;
};

}  // namespace pinhole::peer
