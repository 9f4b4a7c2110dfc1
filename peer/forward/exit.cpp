#include "peer/forward/exit.hpp"

#include <utility>

#include "peer/forward/entrance.hpp"
#include "peer/forward/tcp_bridge.hpp"
#include "peer/forward/udp_flow.hpp"

namespace pinhole::peer {
namespace {

/// Datagrams between two looks at the loop.
constexpr int kTargetDatagramsMax = 64;

/// Stands behind a stream until the target is connected.
class Dialing final : public Link {
  public:
    explicit Dialing(std::shared_ptr<Dial> dial) : dial_(std::move(dial)) {}

    void on_lost(StreamEnd /*why*/) override { dial_->cancel(); }
    void on_data(Bytes /*bytes*/) override {}
    void stop() override { dial_->cancel(); }

  private:
    std::shared_ptr<Dial> dial_;
};

/// The socket behind one client's datagrams: what the target answers goes back.
class UdpTarget final : public std::enable_shared_from_this<UdpTarget> {
  public:
    UdpTarget(Desk& desk, asio::ip::udp::socket socket) : desk_(desk), socket_(std::move(socket)) {}

    void start(std::shared_ptr<UdpFlow> flow) {
        flow_ = std::move(flow);
        wait();
    }
    bool deliver(Bytes bytes) {
        std::error_code error;
        socket_.send(asio::buffer(bytes.data(), bytes.size()), 0, error);
        return !error;
    }
    void close() {
        flow_.reset();
        std::error_code ignored;
        socket_.close(ignored);
    }

  private:
    void wait() {
        socket_.async_wait(asio::socket_base::wait_read,
                           [self = shared_from_this()](std::error_code error) {
                               if (error || !self->flow_) return;
                               self->on_readable();
                               if (self->flow_) self->wait();
                               self->desk_.settle();
                           });
    }
    void on_readable() {
        for (int count = 0; count < kTargetDatagramsMax && flow_; ++count) {
            const MutableBytes buffer = desk_.buffer();
            std::error_code error;
            const std::size_t size =
                socket_.receive(asio::buffer(buffer.data(), buffer.size()), 0, error);
            if (error == asio::error::would_block) return;
            // Nobody listens at the target, says its machine; that may change.
            if (!error) flow_->take(Bytes{buffer}.first(size));
        }
    }

    Desk& desk_;
    asio::ip::udp::socket socket_;
    std::shared_ptr<UdpFlow> flow_;
};

}  // namespace

void Exit::on_opened(Transport transport, const StreamName& stream, std::string_view argument) {
    Carried what{.peer = stream.peer, .transport = transport, .target = std::string{argument}};
    const auto target = net::HostPort::parse(argument, 0);
    if (!target || target->port == 0) {
        return refuse(stream, what, {.text = "the target is no host:port"});
    }
    Links& links = desk_.links(transport);
    const ForwardBounds& bounds = desk_.bounds();
    const std::size_t most = transport == Transport::kTcp ? bounds.connections : bounds.udp_sources;
    if (links.count(stream.peer) >= most) {
        return refuse(stream, what, {Refusal::kBusy, "too many connections at once"});
    }
    const bool is_ours = is_ours_(stream.peer, transport, *target);
    const auto dial =
        std::make_shared<Dial>(desk_.io(), resolver_, *target, is_ours ? nullptr : &rules_);
    links.put(stream, std::make_shared<Dialing>(dial));
    const auto on_done = [this, stream, what = std::move(what)](auto connected) {
        if (!connected) {
            refuse(stream, what, connected.error());
        } else {
            begin(stream, what, std::move(*connected));
        }
        desk_.settle();
    };
    if (transport == Transport::kTcp) {
        dial->tcp(on_done);
    } else {
        dial->udp(on_done);
    }
}

void Exit::refuse(const StreamName& stream, const Carried& what, const DialFailure& why) {
    Links& links = desk_.links(what.transport);
    links.forget(stream);
    links.hub().refuse(stream, why.reason, why.text);
    desk_.refused(what, why.text);
}

void Exit::begin(const StreamName& stream, const Carried& what, asio::ip::tcp::socket socket) {
    Links& links = desk_.links(Transport::kTcp);
    auto bridge = std::make_shared<TcpBridge>(desk_, std::move(socket), what);
    links.put(stream, bridge);
    links.hub().accept(stream);
    bridge->start(stream);
}

void Exit::begin(const StreamName& stream, const Carried& what, asio::ip::udp::socket socket) {
    Links& links = desk_.links(Transport::kUdp);
    auto target = std::make_shared<UdpTarget>(desk_, std::move(socket));
    auto flow = std::make_shared<UdpFlow>(
        desk_, what, [target](Bytes bytes) { return target->deliver(bytes); },
        [target] { target->close(); });
    links.put(stream, flow);
    links.hub().accept(stream);
    flow->start(stream);
    target->start(flow);
}

}  // namespace pinhole::peer
