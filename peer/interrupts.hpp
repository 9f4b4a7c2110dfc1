// Signals that ask us to end: the first one politely, inside the loop; the second one at once.
//
// The C interface of signals forces two things on us that we have nowhere else: a global, and a
// function that may run at any moment.
#pragma once

#include <functional>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

namespace pinhole::peer {

class Interrupts {
  public:
    /// From now on SIGINT and SIGTERM call `on_first` inside the loop, once; a second SIGINT or
    /// SIGTERM restores the terminal and ends the process at once, with 128 + its number. SIGPIPE
    /// is ignored: a write tells. Throws std::system_error. At most one object exists at a time.
    Interrupts(asio::io_context& io, std::function<void(int signal)> on_first);
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;

    /// Gives up the loop's attention; a second signal still ends the process.
    void cancel() { pipe_.cancel(); }

    /// The terminal `fd` is to look as it does now after an end at once; -1 for none. Borrowed.
    static void remember_terminal(int fd);

  private:
    void wait();

    asio::posix::stream_descriptor pipe_;
    std::function<void(int)> on_first_;
};

}  // namespace pinhole::peer
