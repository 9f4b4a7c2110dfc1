// The streams with one peer, as long as one connection to it lasts.
//
// Owns no payload: what the connection does not take at this moment stays with its service, which
// is asked again in its turn (`on_room`). Only frames without payload are kept when even those find
// no place. A service may call anything here from inside its own functions, so after each of those
// a stream is looked up anew.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "peer/stream_hub.hpp"

namespace pinhole::peer {

class StreamConnection {
  public:
    using Services = std::map<ServiceKind, StreamService*>;

    /// Both references must outlive it.
    StreamConnection(const Id& peer, const StreamCarrier& carrier, const Services& services)
        : peer_(peer), carrier_(carrier), services_(services) {}

    [[nodiscard]] StreamNumber open(ServiceKind kind, Bytes argument, StreamService& service);
    void accept(StreamNumber number);
    void refuse(StreamNumber number, Refusal reason, std::string_view text);
    [[nodiscard]] std::size_t write(StreamNumber number, Bytes bytes);
    void finish(StreamNumber number);
    void consume(StreamNumber number, std::size_t bytes);
    void reset(StreamNumber number, ResetReason reason);
    /// False when the connection does not take it now, or the stream does not stand.
    [[nodiscard]] bool send_datagram(StreamNumber number, Bytes bytes);

    void on_message(std::uint8_t channel, Bytes message);
    void on_room();
    /// The connection is over.
    void lose_all();

    [[nodiscard]] std::size_t size() const { return streams_.size(); }

  private:
    enum class State : std::uint8_t {
        kOpening,  ///< we asked; only `reset` may be called
        kOffered,  ///< we were asked
        kStanding,
    };
    struct Stream {
        StreamService* service;
        State state;
        /// Bytes that we may still send, and that the other side may.
        std::uint64_t credit = 0;
        std::uint64_t granted = 0;
        /// Bytes that came and are not consumed.
        std::uint64_t unread = 0;
        /// The service was left with bytes that we did not take.
        bool wants_room = false;
        /// It stands in `circle_`.
        bool is_in_circle = false;
        // How each way comes to its end.
        bool sent_finish = false;
        bool got_done = false;
        bool got_finish = false;
        bool sent_done = false;
    };

    void on(const StreamOpen& frame);
    void on(const StreamAccept& frame);
    void on(const StreamRefuse& frame);
    void on(const StreamData& frame);
    void on(const StreamCredit& frame);
    void on(const StreamFinish& frame);
    void on(const StreamDone& frame);
    void on(const StreamReset& frame);
    void on(const StreamDatagram& frame);

    [[nodiscard]] Stream* find(StreamNumber number);
    [[nodiscard]] Stream* find_standing(StreamNumber number);
    [[nodiscard]] StreamName name(StreamNumber number) const { return {peer_, number}; }
    /// A frame without payload: kept when it cannot leave.
    void say(const StreamFrame& frame);
    [[nodiscard]] bool may_send() const { return waiting_.empty() && carrier_.has_room(peer_); }
    void join_circle(StreamNumber number, Stream& stream);
    /// Those who wait for room have their turns.
    void serve_circle();
    void grant(StreamNumber number, Stream& stream);
    /// What one stream's reader may leave unread now.
    [[nodiscard]] std::uint64_t window() const;
    void say_done_if_read(StreamNumber number, Stream& stream);
    void close_if_over(StreamNumber number);
    void break_off(StreamNumber number);
    void lose(StreamNumber number, StreamEnd why);

    Id peer_;
    const StreamCarrier& carrier_;
    const Services& services_;
    std::map<StreamNumber, Stream> streams_;
    /// Frames without payload that found no place, in order.
    std::deque<ByteVector> waiting_;
    /// Streams with credit whose service has more to write, in the order of their turns.
    std::deque<StreamNumber> circle_;
    /// Whose turn it is, and how much of it is left.
    std::optional<StreamNumber> turn_;
    std::size_t turn_left_ = 0;
    std::uint32_t last_ours_ = 0;
    std::uint32_t last_theirs_ = 0;
};

}  // namespace pinhole::peer
