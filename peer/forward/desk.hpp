// What all parts of `forward` share: the station, the links by kind, and what is told the user.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "peer/forward/links.hpp"
#include "peer/forward/spec.hpp"
#include "peer/station.hpp"

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

class Desk {
  public:
    Desk(Station& station, Links& tcp, Links& udp) : station_(station), tcp_(tcp), udp_(udp) {}
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    [[nodiscard]] asio::io_context& io() { return station_.io(); }
    [[nodiscard]] Links& links(Transport transport) {
        return transport == Transport::kTcp ? tcp_ : udp_;
    }
    [[nodiscard]] Instant now() const { return station_.now(); }
    [[nodiscard]] bool is_connected(const Id& peer) const { return station_.is_connected(peer); }
    /// At the end of whatever came from a socket.
    void settle() { station_.settle(); }
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
    Station& station_;
    Links& tcp_;
    Links& udp_;
    std::unique_ptr<std::array<std::byte, 64 * 1024>> buffer_ =
        std::make_unique<std::array<std::byte, 64 * 1024>>();
    std::set<std::string> said_;
};

}  // namespace pinhole::peer
