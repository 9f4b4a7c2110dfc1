// The TCP connection to the rendezvous, where UDP is blocked.
//
//     unwanted --want--> waiting -> trying --opened--> open --closed--> unwanted
//                           ^         |
//                           +- failed-+
//
// Between tries, and after an open one ended, there are 1, 2, 4 ... 30 s: a server that accepts and
// hangs up is not asked faster than one that refuses.
//
// Tries every address of the server at once and keeps the first that answers. It asks the driver
// for streams and hears of them; what travels there is the client's business, and so is the
// decision that a stream is wanted.
#pragma once

#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "shared/base/io.hpp"
#include "shared/base/time.hpp"

namespace pinhole::node {

/// A connection that is not there after so long is tried anew.
inline constexpr Duration kStreamOpenTime = 5s;
inline constexpr Duration kStreamPauseMin = 1s;
inline constexpr Duration kStreamPauseMax = 30s;

class ServerStream {
  public:
    /// Where the server takes TCP.
    void set_servers(std::vector<Endpoint> servers) { servers_ = std::move(servers); }
    /// Connects at `at`, or when the pause is over. Nothing changes when it is under way, or open.
    void want(Instant at);
    /// Not needed any more, or of no use: closes whatever there is.
    void release();

    /// The open one proved useful: the pauses begin anew.
    void confirm() { pause_ = kStreamPauseMin; }

    void handle_io_event(Instant now, const IoEvent& event);
    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const { return at_; }
    [[nodiscard]] std::optional<IoRequest> poll_io_request();

    /// The stream to the server, while it is open.
    [[nodiscard]] const std::optional<Path>& path() const { return path_; }
    /// True once after a stream opened, and after the open one ended without our doing.
    [[nodiscard]] bool take_opened() { return std::exchange(opened_, false); }
    [[nodiscard]] bool take_closed() { return std::exchange(closed_, false); }

  private:
    void try_all(Instant now);
    /// Nothing is tried before the next pause is over.
    void pause(Instant now);
    void close(SocketId stream) { requests_.push_back(CloseSocket{stream}); }

    std::vector<Endpoint> servers_;
    /// Under way; empty while waiting.
    std::vector<Path> trying_;
    std::optional<Path> path_;
    /// Waiting: when to try. Trying: when to give up.
    Instant at_ = kNever;
    Duration pause_ = kStreamPauseMin;
    Instant not_before_{};
    /// Names are never used twice, so an answer for a closed stream meets nobody.
    std::uint32_t next_ = 0;
    std::deque<IoRequest> requests_;
    bool opened_ = false;
    bool closed_ = false;
};

}  // namespace pinhole::node
