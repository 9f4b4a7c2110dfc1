// The datagrams of one client of a forwarded UDP port, and of its stream.
//
// What comes before the other side is ready waits, a little; what finds no place is dropped, as the
// network would, and counted. The flow ends when nothing was carried for `kUdpLifetime`.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "peer/forward/desk.hpp"

namespace pinhole::peer {

/// RFC 4787 REQ-5: a mapping lives for two minutes at least.
inline constexpr Duration kUdpLifetime = 120s;

class UdpFlow final : public Link {
  public:
    /// Hands a datagram to the world; false when that takes none now.
    using Deliver = std::function<bool(Bytes bytes)>;

    /// `on_end` is called once, when the flow is over for whatever reason.
    UdpFlow(Desk& desk, Carried what, Deliver deliver, std::function<void()> on_end);

    void expect(const StreamName& stream) { stream_ = stream; }
    void start(const StreamName& stream);
    /// A datagram came from the world.
    void take(Bytes bytes);
    /// One more was lost on the way.
    void count_dropped() { ++totals_.dropped; }

    void on_accepted() override { start(stream_); }
    void on_refused(Refusal reason, std::string_view text) override;
    void on_closed() override { end(); }
    void on_lost(StreamEnd /*why*/) override { end(); }
    void on_data(Bytes bytes) override;
    void on_finished() override;
    void on_datagram(Bytes bytes) override;
    void stop() override { end(); }
    [[nodiscard]] bool is_alive(Instant now) const override {
        return now < used_at_ + kUdpLifetime;
    }

  private:
    void send(Bytes bytes);
    void end();

    Desk& desk_;
    Carried what_;
    Deliver deliver_;
    std::function<void()> on_end_;
    StreamName stream_{};
    std::deque<ByteVector> early_;
    Desk::Totals totals_;
    Instant used_at_;
    bool is_started_ = false;
    bool is_gone_ = false;
};

}  // namespace pinhole::peer
