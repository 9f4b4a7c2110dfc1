// The TCP streams on which clients reach the server where UDP is blocked.
//
// A stream is one more path: TCP's own handshake has proven the address, so an initiation needs no
// cookie there. Knows which streams are open, so that nothing is sent to a dead path, and asks the
// driver to close those that carried no proven session soon enough.
#pragma once

#include <deque>
#include <optional>
#include <unordered_map>

#include "rendezvous/limits.hpp"
#include "rendezvous/metrics.hpp"
#include "shared/base/io.hpp"

namespace pinhole::rendezvous {

class Streams {
  public:
    /// `metrics` must outlive the object.
    explicit Streams(Metrics& metrics) : metrics_(metrics) {}

    void handle_io_event(Instant now, const IoEvent& event);
    /// A session was proven on this stream, or moved to it: the stream may stay.
    void on_proven(SocketId stream);
    /// Gives up streams without a proof.
    void handle_timeout(Instant now);

    [[nodiscard]] bool is_open(SocketId stream) const { return streams_.contains(stream); }
    [[nodiscard]] std::size_t size() const { return streams_.size(); }
    [[nodiscard]] std::optional<IoRequest> poll_io_request();
    [[nodiscard]] Instant next_timeout() const;

  private:
    struct Unproven {
        SocketId stream;
        Instant until;
    };

    Metrics& metrics_;
    /// Whether a session was proven there.
    std::unordered_map<SocketId, bool> streams_;
    /// In the order in which their time ends, because all have equally much. Names are never used
    /// twice, so those that ended or were proven are passed over.
    std::deque<Unproven> unproven_;
    std::deque<SocketId> closing_;
};

}  // namespace pinhole::rendezvous
