#include "peer/pipe_flow.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/cursor.hpp"

namespace pinhole::peer {
namespace {

/// Pieces of input between two looks at the loop.
constexpr int kReadsMax = 4;
/// Between two receipts.
constexpr Duration kReceiptInterval = 100ms;

}  // namespace

PipeFlow::PipeFlow(Place place, const StreamName& stream, PipeWays ways, Callbacks callbacks)
    : hub_(place.hub),
      ends_(place.ends),
      stream_(stream),
      ways_(ways),
      callbacks_(std::move(callbacks)) {
    if (ways_.sends) {
        is_terminal_ = ::isatty(ends_.in) == 1;
        buffer_ = std::make_unique<std::array<std::byte, 64 * 1024>>();
        input_.emplace(place.io, ends_.in, [this] {
            pump_input();
            callbacks_.on_turn();
        });
    }
    if (!ways_.receives) return;
    outlet_.emplace(place.io, ends_.out, [this] {
        pump_output();
        callbacks_.on_turn();
    });
    reader_watch_.emplace(place.io, ends_.out, FdWatch::For::kHangUp, [this] {
        break_off(PipeEnd::kOutput, EPIPE);
        callbacks_.on_turn();
    });
    if (!reader_watch_->is_always_ready()) reader_watch_->wait();
}

void PipeFlow::start() {
    if (!ways_.sends) return end_input();
    pump_input();
}

void PipeFlow::cancel() {
    if (!is_over_) hub_.reset(stream_, ResetReason::kCancelled);
    is_over_ = true;
}

// ---- from standard input to the stream

void PipeFlow::pump_input() {
    for (int reads = 0; !is_input_over_ && !is_over_; ++reads) {
        if (!hand_over()) return;
        if (reads == kReadsMax) return input_->wait();
        const long got = input_->read(*buffer_);
        if (got < 0 && errno == EAGAIN) return input_->wait();
        if (got < 0) return break_off(PipeEnd::kInput, errno);
        if (got == 0) return end_input();
        left_ = Bytes{*buffer_}.first(static_cast<std::size_t>(got));
    }
}

bool PipeFlow::hand_over() {
    if (left_.empty()) return true;
    const std::size_t taken = hub_.write(stream_, left_);
    left_ = left_.subspan(taken);
    sent_ += taken;
    return left_.empty();
}

void PipeFlow::end_input() {
    is_input_over_ = true;
    input_.reset();
    hub_.finish(stream_);
}

void PipeFlow::on_done() {
    is_done_ = true;
    confirmed_ = sent_;
    // When the other side has ended as well, `on_closed` follows.
    if (!ways_.ends_with_input || have_they_finished_) return;
    send_receipt();
    cancel();
    end(PipeEnd::kComplete);
}

void PipeFlow::on_datagram(Bytes bytes) {
    Reader reader{bytes};
    const std::uint64_t count = reader.u64();
    if (!reader.ok() || count > sent_ || count < confirmed_) return;
    confirmed_ = count;
}

// ---- from the stream to standard output

void PipeFlow::on_data(Bytes bytes) {
    if (!outlet_) return hub_.consume(stream_, bytes.size());
    outlet_->take(as_text(bytes));
    pump_output();
}

void PipeFlow::pump_output() {
    if (is_over_ || !outlet_) return;
    outlet_->flush();
    if (const int error = outlet_->error(); error != 0) return break_off(PipeEnd::kOutput, error);
    if (outlet_->waiting() > 0) outlet_->wait();
    const std::uint64_t written = outlet_->written();
    if (have_they_finished_ && outlet_->waiting() == 0) close_output();
    const std::uint64_t fresh = written - std::exchange(consumed_, written);
    // The last one may be the end of the stream.
    if (fresh > 0) hub_.consume(stream_, static_cast<std::size_t>(fresh));
}

void PipeFlow::on_finished() {
    have_they_finished_ = true;
    pump_output();
    if (is_over_) return;
    // Nobody typed anything while the other side spoke: he came to listen.
    if (is_terminal_ && !is_input_over_ && sent_ == 0 && left_.empty()) end_input();
}

void PipeFlow::close_output() {
    received_ = outlet_->written();
    reader_watch_.reset();
    outlet_.reset();
    // A socket is read from as well, so only this way of it is closed.
    if (::shutdown(ends_.out, SHUT_WR) == 0) return;
    // The number stays taken: nothing else may become standard output.
    const net::UniqueFd nothing{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    if (nothing) ::dup2(nothing.get(), ends_.out);
}

// ---- receipts

void PipeFlow::plan_receipt(Instant now) {
    if (is_over_ || receipt_at_ != kNever || received() == receipted_) return;
    receipt_at_ = now + kReceiptInterval;
}

void PipeFlow::handle_timeout(Instant now) {
    if (now < receipt_at_) return;
    receipt_at_ = kNever;
    if (!is_over_) send_receipt();
}

void PipeFlow::send_receipt() {
    receipted_ = received();
    FixedBytes<8> bytes;
    Writer{bytes}.u64(receipted_);
    static_cast<void>(hub_.send_datagram(stream_, bytes));
}

// ---- ends

void PipeFlow::on_closed() {
    end(PipeEnd::kComplete);
}

void PipeFlow::on_lost(StreamEnd why) {
    switch (why) {
        case StreamEnd::kConnection:
        case StreamEnd::kViolation: return end(PipeEnd::kLost);
        case StreamEnd::kFailed: return end(PipeEnd::kFailed);
        case StreamEnd::kCancelled: {
            const bool is_all_there = have_they_finished_ && sent_ == confirmed_ && left_.empty();
            return end(is_all_there ? PipeEnd::kComplete : PipeEnd::kCancelled);
        }
    }
}

void PipeFlow::break_off(PipeEnd why, int error) {
    if (is_over_) return;
    hub_.reset(stream_, error == EPIPE ? ResetReason::kCancelled : ResetReason::kFailed);
    end(why, error);
}

void PipeFlow::end(PipeEnd why, int error) {
    is_over_ = true;
    receipt_at_ = kNever;
    callbacks_.on_end(why, error);
}

}  // namespace pinhole::peer
