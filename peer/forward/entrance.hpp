// Where the connections of one forward come in: a listener of TCP or UDP on each endpoint of its
// spec. Opens a stream to the peer for each connection, and for each client of a UDP port.
//
// While the peer is not there, TCP connections wait a while, and datagrams are dropped.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>

#include "peer/forward/udp_flow.hpp"

namespace pinhole::peer {

/// How long a connection waits for the peer, and how many do.
inline constexpr Duration kWaitForPeer = 30s;
inline constexpr std::size_t kWaitingMax = 64;

class Entrance final : public std::enable_shared_from_this<Entrance> {
  public:
    /// Listens at once on those of `endpoints` that this machine has; on failure, when on none of
    /// them, a sentence. `desk` must outlive it until `close`.
    [[nodiscard]] static Result<std::shared_ptr<Entrance>, std::string> open(
        Desk& desk, const Id& peer, const ForwardSpec& spec,
        const std::vector<Endpoint>& endpoints);
    Entrance(Desk& desk, const Id& peer, const ForwardSpec& spec);

    /// The peer is there: who waited goes on.
    void on_connected();
    /// Resets who waited too long.
    void handle_timeout(Instant now);
    [[nodiscard]] bool has_waiting() const { return !waiting_.empty(); }
    /// Takes nobody any more. Streams that were opened go on.
    void close();

  private:
    using UdpClient = asio::ip::udp::endpoint;

    [[nodiscard]] std::error_code listen_tcp(const Endpoint& endpoint);
    [[nodiscard]] std::error_code listen_udp(const Endpoint& endpoint);
    void accept(std::size_t listener);
    void on_client(asio::ip::tcp::socket socket);
    void forward(asio::ip::tcp::socket socket);
    void wait_for_datagrams(std::size_t listener);
    void on_datagrams(std::size_t listener);
    /// Null when there is no place for one more.
    [[nodiscard]] std::shared_ptr<UdpFlow> flow_of(std::size_t listener, const UdpClient& client);
    [[nodiscard]] Carried carried() const;

    Desk& desk_;
    Id peer_;
    ForwardSpec spec_;
    std::vector<asio::ip::tcp::acceptor> acceptors_;
    std::vector<asio::ip::udp::socket> sockets_;
    asio::steady_timer pause_;
    struct Waiting {
        asio::ip::tcp::socket socket;
        Instant until;
    };
    std::deque<Waiting> waiting_;
    std::map<std::pair<std::size_t, UdpClient>, std::shared_ptr<UdpFlow>> flows_;
    bool is_closed_ = false;
};

}  // namespace pinhole::peer
