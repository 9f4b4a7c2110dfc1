// Streams with what stands behind them on our side: a socket, a listener, a question.
//
// A link is told what becomes of its stream. It lives until the stream is over, or it lets go of
// the stream itself; whoever waits for its socket in the loop may hold it longer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string_view>

#include "peer/stream_hub.hpp"
#include "shared/base/time.hpp"

namespace pinhole::peer {

class Link {
  public:
    Link() = default;
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    virtual ~Link() = default;

    virtual void on_accepted() {}
    /// The last thing that it hears; the same holds for the next two.
    virtual void on_refused(Refusal /*reason*/, std::string_view /*text*/) {}
    virtual void on_closed() {}
    virtual void on_lost(StreamEnd why) = 0;
    virtual void on_data(Bytes bytes) = 0;
    virtual void on_room() {}
    virtual void on_finished() {}
    virtual void on_datagram(Bytes /*bytes*/) {}
    /// We give the stream up; nothing is to be said to the hub.
    virtual void stop() = 0;
    /// Asked now and then; false when its time is over.
    [[nodiscard]] virtual bool is_alive(Instant /*now*/) const { return true; }
};

/// The links of the streams of one kind. Tells the link whom a word of the hub is for.
class Links final : public StreamService {
  public:
    using OnOpened = std::function<void(const StreamName& stream, std::string_view argument)>;

    /// Serves `kind`. `hub` must outlive it.
    Links(StreamHub& hub, ServiceKind kind, OnOpened on_opened);

    /// Opens a stream for `link`.
    StreamName open(const Id& peer, std::string_view argument, std::shared_ptr<Link> link);
    /// `link` is behind the stream from now on.
    void put(const StreamName& stream, std::shared_ptr<Link> link);
    /// The link is done with its stream and has told the hub.
    void forget(const StreamName& stream) { links_.erase(stream); }
    /// Gives up all streams, or those whose time is over.
    void stop_all();
    void stop_old(Instant now);

    [[nodiscard]] std::size_t size() const { return links_.size(); }
    /// With one peer.
    [[nodiscard]] std::size_t count(const Id& peer) const;
    [[nodiscard]] StreamHub& hub() { return hub_; }

  private:
    void on_opened(const StreamName& stream, Bytes argument) override;
    void on_accepted(const StreamName& stream) override;
    void on_refused(const StreamName& stream, Refusal reason, std::string_view text) override;
    void on_data(const StreamName& stream, Bytes bytes) override;
    void on_room(const StreamName& stream) override;
    void on_finished(const StreamName& stream) override;
    void on_closed(const StreamName& stream) override;
    void on_lost(const StreamName& stream, StreamEnd why) override;
    void on_datagram(const StreamName& stream, Bytes bytes) override;

    /// Held for the length of a call: a link may forget its stream in the middle of one.
    [[nodiscard]] std::shared_ptr<Link> find(const StreamName& stream) const;
    [[nodiscard]] std::shared_ptr<Link> take(const StreamName& stream);

    StreamHub& hub_;
    ServiceKind kind_;
    OnOpened on_opened_;
    std::map<StreamName, std::shared_ptr<Link>> links_;
};

}  // namespace pinhole::peer
