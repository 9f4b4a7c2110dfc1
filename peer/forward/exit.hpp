// Where forwarded connections go out: takes a peer's stream, connects to the target that it names
// if the rules allow it, and joins the two.
#pragma once

#include <functional>
#include <memory>

#include "peer/forward/allow_list.hpp"
#include "peer/forward/desk.hpp"
#include "peer/forward/dial.hpp"

namespace pinhole::peer {

class Exit {
  public:
    /// We asked this peer for connections to that target (`--reverse`): no rule is needed.
    using IsOurs =
        std::function<bool(const Id& peer, Transport transport, const net::HostPort& target)>;

    /// All must outlive it.
    Exit(Desk& desk, net::Resolver& resolver, const AllowList& rules, IsOurs is_ours)
        : desk_(desk), resolver_(resolver), rules_(rules), is_ours_(std::move(is_ours)) {}
    Exit(const Exit&) = delete;
    Exit& operator=(const Exit&) = delete;

    /// A peer opened a stream for `argument`, a `host:port`.
    void on_opened(Transport transport, const StreamName& stream, std::string_view argument);

  private:
    void refuse(const StreamName& stream, const Carried& what, const DialFailure& why);
    void begin(const StreamName& stream, const Carried& what, asio::ip::tcp::socket socket);
    void begin(const StreamName& stream, const Carried& what, asio::ip::udp::socket socket);

    Desk& desk_;
    net::Resolver& resolver_;
    const AllowList& rules_;
    IsOurs is_ours_;
};

}  // namespace pinhole::peer
