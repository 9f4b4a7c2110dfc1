// One TCP connection joined to one stream.
//
// The end of either's bytes passes on by itself (half-close), and so does a reset. Bytes are
// consumed when the socket took them, and read when the stream takes them, so neither side's
// slowness fills memory.
#pragma once

#include <memory>
#include <string>

#include <asio/ip/tcp.hpp>

#include "peer/forward/desk.hpp"

namespace pinhole::peer {

class TcpBridge final : public Link, public std::enable_shared_from_this<TcpBridge> {
  public:
    /// `desk` must outlive the stream.
    TcpBridge(Desk& desk, asio::ip::tcp::socket socket, Carried what);
    ~TcpBridge() override = default;

    /// `stream` stands.
    void start(const StreamName& stream);
    /// `stream` is asked for; `on_accepted` starts it.
    void expect(const StreamName& stream) { stream_ = stream; }
    /// There is no stream: the connection is reset.
    void abort();

    void on_accepted() override { start(stream_); }
    void on_refused(Refusal reason, std::string_view text) override;
    void on_closed() override;
    void on_lost(StreamEnd why) override;
    void on_data(Bytes bytes) override;
    void on_room() override { pump_socket(); }
    void on_finished() override;
    void stop() override { abort(); }

  private:
    [[nodiscard]] StreamHub& hub() { return desk_.links(Transport::kTcp).hub(); }
    void pump_socket();
    [[nodiscard]] bool hand_over();
    void wait_to_read();
    void flush();
    void wait_to_write();
    /// The socket is broken.
    void fail();
    void tell_end();

    Desk& desk_;
    asio::ip::tcp::socket socket_;
    Carried what_;
    StreamName stream_{};
    /// Read from the socket, and not taken by the stream.
    ByteVector left_;
    /// Came by the stream; the first `written_` bytes are in the socket.
    ByteVector out_;
    std::size_t written_ = 0;
    Desk::Totals totals_;
    bool is_started_ = false;
    bool is_gone_ = false;
    bool is_reading_ = false;
    bool is_writing_ = false;
    bool is_input_over_ = false;
    bool have_they_finished_ = false;
};

}  // namespace pinhole::peer
