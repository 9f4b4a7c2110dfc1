// What all parts of `forward` share: the links by kind, the bounds, and what is told the user.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "peer/forward/links.hpp"
#include "peer/forward/spec.hpp"
#include "peer/narrator.hpp"

namespace pinhole::peer {

/// One forwarded connection, or one client of a forwarded UDP port, for those who watch.
struct Carried {
    Id peer;
    Transport transport = Transport::kTcp;
    /// `host:port`.
    std::string target;
    /// It came in here, and does not go out here.
    bool is_ours = false;
};

/// How much is carried at once.
struct ForwardBounds {
    /// Streams of TCP with one peer, in both directions; a stream for each connection.
    std::size_t connections = 1024;
    /// Clients of one forwarded UDP port, and streams of UDP that one peer opened here.
    std::size_t udp_sources = 256;
};

class Desk {
  public:
    /// What is around a desk. All that is referred to must outlive it.
    struct Place {
        asio::io_context& io;
        Screen& screen;
        Narrator& narrator;
        bool json = false;
        std::function<Instant()> now;
        std::function<bool(const Id& peer)> is_connected;
        /// To be called at the end of whatever came from a socket.
        std::function<void()> settle;
    };

    Desk(Place place, Links& tcp, Links& udp, const ForwardBounds& bounds = {})
        : place_(std::move(place)), tcp_(tcp), udp_(udp), bounds_(bounds) {}
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    [[nodiscard]] asio::io_context& io() { return place_.io; }
    [[nodiscard]] Links& links(Transport transport) {
        return transport == Transport::kTcp ? tcp_ : udp_;
    }
    [[nodiscard]] const ForwardBounds& bounds() const { return bounds_; }
    [[nodiscard]] Instant now() const { return place_.now(); }
    [[nodiscard]] bool is_connected(const Id& peer) const { return place_.is_connected(peer); }
    void settle() { place_.settle(); }
    /// A place to read into, for the length of one call.
    [[nodiscard]] MutableBytes buffer() { return *buffer_; }

    void opened(const Carried& what);
    struct Totals {
        std::uint64_t sent = 0;
        std::uint64_t received = 0;
        /// Of datagrams.
        std::uint64_t dropped = 0;
    };
    void closed(const Carried& what, const Totals& totals);
    /// `text` is whatever the other side says, or ours. The same is said once.
    void refused(const Carried& what, std::string_view text);
    /// Listening for `peer`, who is at the other end.
    void listening(const Id& peer, const ForwardSpec& spec, bool is_here);
    /// Something that is said once, however often it happens.
    void say_once(const std::string& words);

  private:
    Place place_;
    Links& tcp_;
    Links& udp_;
    ForwardBounds bounds_;
    std::unique_ptr<std::array<std::byte, 64 * 1024>> buffer_ =
        std::make_unique<std::array<std::byte, 64 * 1024>>();
    std::set<std::string> said_;
};

}  // namespace pinhole::peer
