// One stream joined to standard input and output.
//
// Each way ends by itself: the end of our input finishes the stream, and the end of the other
// side's closes our output, so that whoever reads it sees the end. Bytes count as taken when they
// are written to standard output, not before, so a slow reader slows the writer at the other side.
// Knows nothing of how the stream came about.
//
// A datagram of such a stream is a receipt: 8 bytes, how many bytes were written to standard output
// so far. It only tells what is known to have arrived if the connection is lost.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>

#include <asio/io_context.hpp>

#include "peer/input_source.hpp"
#include "peer/outlet.hpp"
#include "peer/stream_hub.hpp"
#include "shared/base/time.hpp"

namespace pinhole::peer {

struct PipeWays {
    /// Standard input is read.
    bool sends = true;
    /// Standard output is written; what comes otherwise is thrown away.
    bool receives = true;
    /// The end of our input, once all of it is taken, is the end of all.
    bool ends_with_input = false;
};

/// The descriptors that it joins: those of standard input and output.
struct PipeEnds {
    int in = 0;
    int out = 1;
};

enum class PipeEnd : std::uint8_t {
    kComplete,
    kInput,      ///< standard input cannot be read
    kOutput,     ///< nobody reads standard output, or it has no room
    kCancelled,  ///< the other side gave up, or has all it wanted
    kFailed,     ///< reading or writing failed at the other side
    kLost,       ///< the connection, or the other side's good manners
};

class PipeFlow {
  public:
    struct Callbacks {
        /// Something came from outside the loop's own events: standard input or output.
        std::function<void()> on_turn;
        /// Once. `error` is an errno, of kInput and kOutput. The flow does nothing more.
        std::function<void(PipeEnd end, int error)> on_end;
    };

    struct Place {
        asio::io_context& io;
        StreamHub& hub;
        PipeEnds ends{};
    };

    /// `stream` stands. What `place` refers to must outlive the flow.
    PipeFlow(Place place, const StreamName& stream, PipeWays ways, Callbacks callbacks);
    PipeFlow(const PipeFlow&) = delete;
    PipeFlow& operator=(const PipeFlow&) = delete;

    void start();
    /// Gives the stream up, if it still stands; `on_end` is not called.
    void cancel();

    // What the hub says of the stream:
    void on_data(Bytes bytes);
    void on_room() { pump_input(); }
    void on_finished();
    void on_done();
    void on_closed();
    void on_lost(StreamEnd why);
    void on_datagram(Bytes bytes);

    /// To be called after whatever may have brought bytes.
    void plan_receipt(Instant now);
    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const { return receipt_at_; }

    [[nodiscard]] const StreamName& stream() const { return stream_; }
    /// Bytes read from our input and handed over.
    [[nodiscard]] std::uint64_t sent() const { return sent_; }
    /// Of these, so many at least are through at the other side.
    [[nodiscard]] std::uint64_t confirmed() const { return confirmed_; }
    /// Bytes written to our output.
    [[nodiscard]] std::uint64_t received() const {
        return outlet_ ? outlet_->written() : received_;
    }
    /// All our input was taken, and the other side goes on.
    [[nodiscard]] bool waits_for_their_end() const {
        return is_done_ && !have_they_finished_ && !is_over_;
    }

  private:
    void pump_input();
    /// False when the hub takes no more now.
    [[nodiscard]] bool hand_over();
    void end_input();
    void pump_output();
    void close_output();
    void send_receipt();
    void end(PipeEnd why, int error = 0);
    void break_off(PipeEnd why, int error);

    StreamHub& hub_;
    PipeEnds ends_;
    StreamName stream_;
    PipeWays ways_;
    Callbacks callbacks_;
    std::optional<InputSource> input_;
    std::optional<Outlet> outlet_;
    /// Sees a reader leave while nothing is written.
    std::optional<FdWatch> reader_watch_;
    std::unique_ptr<std::array<std::byte, 64 * 1024>> buffer_;
    /// Of the buffer: read, and not taken by the hub.
    Bytes left_{};
    std::uint64_t sent_ = 0;
    std::uint64_t confirmed_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t consumed_ = 0;
    std::uint64_t receipted_ = 0;
    Instant receipt_at_ = kNever;
    bool is_terminal_ = false;
    bool is_input_over_ = false;
    bool is_done_ = false;
    bool have_they_finished_ = false;
    bool is_over_ = false;
};

}  // namespace pinhole::peer
