// The sockets beside the two main ones: for measuring the NAT, and for guessing ports.
//
// The driver owns them; here is who asked for which, so that what arrives finds its owner. Names
// are never used twice, so an answer for a closed socket meets nobody.
#pragma once

#include <cassert>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "shared/base/io.hpp"
#include "shared/node/config.hpp"

namespace pinhole::node {

/// Spare sockets open at a time: one birthday spray (traversal.md: 256 sockets), and a few for
/// measurements beside it.
inline constexpr std::size_t kSpareSocketsMax = 320;

/// `Owner` is a small value that names whoever asked.
template <class Owner>
class SpareSockets {
  public:
    /// Asks for a socket; `port` 0 lets the system choose. Nothing when there are too many.
    [[nodiscard]] std::optional<SocketId> open(Owner owner, Family family, std::uint16_t port = 0) {
        if (owners_.size() >= kSpareSocketsMax) return std::nullopt;
        const SocketId socket{next_++};
        owners_.emplace(socket, owner);
        requests_.push_back(OpenSocket{.socket = socket, .family = family, .port = port});
        return socket;
    }

    /// Closes it. Nothing happens when it is not, or no longer, a spare one.
    void close(SocketId socket) {
        if (owners_.erase(socket) > 0) requests_.push_back(CloseSocket{socket});
    }

    /// Closes every one that `owner` asked for.
    void close_all_of(Owner owner) {
        std::vector<SocketId> theirs;
        for (const auto& [socket, whose] : owners_) {
            if (whose == owner) theirs.push_back(socket);
        }
        for (const SocketId socket : theirs) close(socket);
    }

    /// The system could not open it, or it broke: it is nobody's any more.
    void forget(SocketId socket) { owners_.erase(socket); }

    [[nodiscard]] std::optional<Owner> owner_of(SocketId socket) const {
        const auto found = owners_.find(socket);
        return found == owners_.end() ? std::nullopt : std::optional{found->second};
    }

    [[nodiscard]] std::optional<IoRequest> poll_request() {
        if (requests_.empty()) return std::nullopt;
        const IoRequest request = requests_.front();
        requests_.pop_front();
        return request;
    }

  private:
    /// The first names belong to the main sockets.
    static constexpr std::uint32_t kFirst = 16;

    std::uint32_t next_ = kFirst;
    std::map<SocketId, Owner> owners_;
    std::deque<IoRequest> requests_;
};

/// Who asked for a spare socket: a peer's link, or nobody in particular: NAT discovery.
struct SpareOwner {
    std::optional<PeerNumber> peer{};

    friend bool operator==(const SpareOwner&, const SpareOwner&) = default;
};

using Spares = SpareSockets<SpareOwner>;

}  // namespace pinhole::node
