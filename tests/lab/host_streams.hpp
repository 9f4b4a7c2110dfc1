// TCP between hosts of the virtual internet, as far as a core can tell it from the real one: an
// ordered, reliable pipe of whole messages that survives loss and short cuts and dies of long ones.
//
//     | what (1) | number (4) | message |        as the payload of a `Transport::kTcp` packet
//
// Segments travel through the same links and NATs as datagrams. Each is repeated at a fixed
// interval until it is acknowledged. There is no window: tests are not about throughput.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>

#include "shared/base/datagram.hpp"
#include "shared/base/io.hpp"
#include "tests/lab/link.hpp"

namespace pinhole::lab {

/// Longer than any round trip here.
inline constexpr Duration kSegmentRepeat = 300ms;
/// A segment that was not acknowledged for so long ends the stream (RFC 9293 3.8.3, R2, shortened).
inline constexpr Duration kSegmentPatience = 60s;

class HostStreams final : public EventTarget {
  public:
    /// What the streams need of their host.
    struct Surroundings {
        /// Somebody is there to take a stream.
        std::function<bool()> has_program;
        /// The address from which the host sends to a destination, if any.
        std::function<std::optional<IpAddress>(const IpAddress& destination)> source_for;
        std::function<void(Packet packet)> emit;
        std::function<void(const Datagram& in)> deliver;
        std::function<void(const IoEvent& event)> tell;
    };
    HostStreams(EventQueue& queue, Surroundings host) : queue_(queue), host_(std::move(host)) {}

    /// Programs take streams at this port from now on.
    void listen(std::uint16_t port) { listening_.insert(port); }
    void open(const OpenStream& request);
    /// Ends a stream after what was sent on it. Nothing for an unknown one.
    void close(SocketId id);
    void send(const Path& path, Bytes message);
    void receive(const Packet& packet);
    /// The process is gone: the system says so to the other sides.
    void kill();
    [[nodiscard]] std::size_t size() const { return streams_.size(); }

    void handle_event(Instant now, std::uint64_t token) override;

  private:
    enum class What : std::uint8_t { kOpen = 1, kAccept, kData, kAcknowledge, kClose, kReset };
    struct Segment {
        What what;
        std::uint32_t number;
        ByteVector message;
        Instant since;
    };
    struct Stream {
        SocketId id;
        Endpoint local;
        Endpoint remote;
        bool is_open = false;
        /// Closed here; only waits for its last acknowledgements.
        bool is_lingering = false;
        std::uint32_t next_out = 0;
        std::uint32_t next_in = 1;
        std::deque<Segment> unacknowledged{};
        std::map<std::uint32_t, Segment> early{};
        bool is_timer_set = false;
    };
    using Serial = std::uint64_t;

    [[nodiscard]] Stream* find(SocketId id);
    [[nodiscard]] Stream* find(const Endpoint& local, const Endpoint& remote);
    void push(Stream& stream, What what, ByteVector message = {});
    void emit(const Stream& stream, const Segment& segment);
    void accept(const Packet& packet);
    void take(Stream& stream, Segment segment);
    void end(Serial serial, bool is_news);
    [[nodiscard]] Serial serial_of(const Stream& stream) const;
    void set_timer(Stream& stream);

    EventQueue& queue_;
    Surroundings host_;
    std::set<std::uint16_t> listening_;
    std::map<Serial, Stream> streams_;
    Serial next_serial_ = 1;
    std::uint16_t next_port_ = 50000;
    std::uint32_t next_accepted_ = 0;
};

}  // namespace pinhole::lab
