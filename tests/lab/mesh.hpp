// The members of a room, who call each other as `peer` does: whoever has the smaller id calls at
// once, the other one when that came to nothing for a while.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/lab/town.hpp"

namespace pinhole::lab {

class Mesh {
  public:
    /// So long the side with the greater id waits to be called.
    static constexpr Duration kPatience = 2s;

    /// All of it must outlive the mesh.
    Mesh(Town& town, std::vector<Peer*> peers, std::string room)
        : town_(town), peers_(std::move(peers)), room_(std::move(room)) {}

    /// Everybody enters.
    void join() {
        for (Peer* peer : peers_) town_.join(*peer, room_);
    }
    /// Lets the members call each other until `predicate` holds, or for `limit`.
    template <class Predicate>
    [[nodiscard]] bool run_until(Predicate predicate, Duration limit) {
        const Instant end = town_.lab().now() + limit;
        while (town_.lab().now() < end) {
            call();
            town_.run_for(50ms);
            if (predicate()) return true;
        }
        return false;
    }

    /// Pairs of them of which both sides are connected to each other.
    [[nodiscard]] std::size_t connected_pairs() const;
    /// Of those, which have a direct path on both sides.
    [[nodiscard]] std::size_t direct_pairs() const;
    /// Everybody knows of all others, and of nobody else.
    [[nodiscard]] bool knows_itself() const;
    /// Each sends a text to each other one; how many arrive within `limit`.
    [[nodiscard]] std::size_t texts_that_arrive(Duration limit);

  private:
    void call();
    [[nodiscard]] Peer* find(const std::string& id) const;

    Town& town_;
    std::vector<Peer*> peers_;
    std::string room_;
    /// Since when one knows of the other and is not connected.
    std::map<std::pair<Peer*, Peer*>, Instant> known_since_;
    std::set<std::pair<Peer*, Peer*>> called_;
};

}  // namespace pinhole::lab
