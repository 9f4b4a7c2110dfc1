// From a target, `host:port`, to a connected socket: look the name up off the loop, ask the rules
// about each address, and try those that are left one after the other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>
#include <asio/steady_timer.hpp>

#include "peer/forward/allow_list.hpp"
#include "peer/forward/spec.hpp"
#include "peer/stream_protocol.hpp"

namespace pinhole::peer {

struct DialFailure {
    Refusal reason = Refusal::kFailed;
    std::string text;
};

class Dial final : public std::enable_shared_from_this<Dial> {
  public:
    using OnTcp = std::function<void(Result<asio::ip::tcp::socket, DialFailure>)>;
    using OnUdp = std::function<void(Result<asio::ip::udp::socket, DialFailure>)>;

    /// Looks at `rules` before anything leaves this machine. Null: all is allowed.
    Dial(asio::io_context& io, net::Resolver& resolver, net::HostPort target,
         const AllowList* rules);

    /// Calls `done` once from inside the loop, never from inside this call, unless it is
    /// cancelled before.
    void tcp(OnTcp done);
    void udp(OnUdp done);
    void cancel();

  private:
    using OnEndpoints = std::function<void(Result<std::vector<Endpoint>, DialFailure>)>;

    void find(OnEndpoints done);
    void try_next();
    void on_tried(std::error_code error);

    net::Resolver& resolver_;
    net::HostPort target_;
    const AllowList* rules_;
    asio::ip::tcp::socket socket_;
    asio::ip::udp::socket udp_socket_;
    asio::steady_timer timer_;
    std::vector<Endpoint> endpoints_;
    std::size_t next_ = 0;
    OnTcp on_tcp_;
    std::string last_error_;
    bool is_cancelled_ = false;
};

}  // namespace pinhole::peer
