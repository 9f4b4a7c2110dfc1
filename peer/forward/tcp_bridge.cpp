#include "peer/forward/tcp_bridge.hpp"

#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace pinhole::peer {
namespace {

/// Pieces of input between two looks at the loop.
constexpr int kReadsMax = 4;

}  // namespace

TcpBridge::TcpBridge(Desk& desk, asio::ip::tcp::socket socket, Carried what)
    : desk_(desk), socket_(std::move(socket)), what_(std::move(what)) {
    std::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
    socket_.set_option(asio::socket_base::keep_alive{true}, ignored);
}

void TcpBridge::start(const StreamName& stream) {
    stream_ = stream;
    is_started_ = true;
    desk_.opened(what_);
    pump_socket();
}

// ---- from the socket to the stream

void TcpBridge::pump_socket() {
    if (!is_started_) return;
    for (int reads = 0; !is_input_over_ && !is_gone_; ++reads) {
        if (!hand_over()) return;
        if (reads == kReadsMax) return wait_to_read();
        const MutableBytes buffer = desk_.buffer();
        const auto got =
            ::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return wait_to_read();
        if (got < 0) return fail();
        if (got == 0) {
            is_input_over_ = true;
            return hub().finish(stream_);
        }
        const Bytes bytes = Bytes{buffer}.first(static_cast<std::size_t>(got));
        const std::size_t taken = hub().write(stream_, bytes);
        totals_.sent += taken;
        left_ = to_vector(bytes.subspan(taken));
    }
}

bool TcpBridge::hand_over() {
    if (left_.empty()) return true;
    const std::size_t taken = hub().write(stream_, left_);
    totals_.sent += taken;
    left_.erase(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(taken));
    return left_.empty();
}

void TcpBridge::wait_to_read() {
    if (std::exchange(is_reading_, true)) return;
    socket_.async_wait(asio::socket_base::wait_read,
                       [self = shared_from_this()](std::error_code error) {
                           self->is_reading_ = false;
                           if (error || self->is_gone_) return;
                           self->pump_socket();
                           self->desk_.settle();
                       });
}

// ---- from the stream to the socket

void TcpBridge::on_data(Bytes bytes) {
    totals_.received += bytes.size();
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    flush();
}

void TcpBridge::flush() {
    const std::size_t before = written_;
    while (written_ < out_.size()) {
        const auto done = ::send(socket_.native_handle(), out_.data() + written_,
                                 out_.size() - written_, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0 && errno == EAGAIN) break;
        if (done < 0) return fail();
        written_ += static_cast<std::size_t>(done);
    }
    const std::size_t fresh = written_ - before;
    if (written_ == out_.size() || written_ > out_.size() / 2) {
        out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(written_));
        written_ = 0;
    }
    if (!out_.empty()) wait_to_write();
    if (out_.empty() && have_they_finished_) {
        ::shutdown(socket_.native_handle(), SHUT_WR);
    }
    // The last one may be the end of the stream, and of this.
    if (fresh > 0) hub().consume(stream_, fresh);
}

void TcpBridge::wait_to_write() {
    if (std::exchange(is_writing_, true)) return;
    socket_.async_wait(asio::socket_base::wait_write,
                       [self = shared_from_this()](std::error_code error) {
                           self->is_writing_ = false;
                           if (error || self->is_gone_) return;
                           self->flush();
                           self->desk_.settle();
                       });
}

void TcpBridge::on_finished() {
    have_they_finished_ = true;
    flush();
}

// ---- ends

void TcpBridge::fail() {
    const auto self = shared_from_this();
    hub().reset(stream_, ResetReason::kCancelled);
    desk_.links(Transport::kTcp).forget(stream_);
    abort();
}

void TcpBridge::abort() {
    if (std::exchange(is_gone_, true)) return;
    tell_end();
    std::error_code ignored;
    // The other end of the connection is told as plainly as we were.
    socket_.set_option(asio::socket_base::linger{true, 0}, ignored);
    socket_.close(ignored);
}

void TcpBridge::on_refused(Refusal /*reason*/, std::string_view text) {
    desk_.refused(what_, text);
    abort();
}

void TcpBridge::on_closed() {
    if (std::exchange(is_gone_, true)) return;
    tell_end();
    std::error_code ignored;
    socket_.close(ignored);
}

void TcpBridge::on_lost(StreamEnd /*why*/) {
    abort();
}

void TcpBridge::tell_end() {
    if (is_started_) desk_.closed(what_, totals_);
}

}  // namespace pinhole::peer
