#include "tests/lab/mesh.hpp"

#include <algorithm>

namespace pinhole::lab {
namespace {

bool is_direct(Peer& from, const Peer& to) {
    return std::ranges::any_of(from.node().peers(), [&](const node::PeerStatus& status) {
        return status.id.text() == to.id() && status.is_connected && status.path &&
               status.path->state == node::PathState::kDirect;
    });
}

}  // namespace

void Mesh::call() {
    const Instant now = town_.lab().now();
    for (Peer* peer : peers_) {
        for (const std::string& id : peer->members_of(room_)) {
            Peer* other = find(id);
            if (other == nullptr || peer->is_connected_to(*other)) continue;
            const auto since = known_since_.try_emplace({peer, other}, now).first->second;
            if (peer->id() > id && now < since + kPatience) continue;
            if (called_.emplace(peer, other).second) town_.connect(*peer, *other);
        }
    }
}

Peer* Mesh::find(const std::string& id) const {
    const auto found = std::ranges::find(peers_, id, &Peer::id);
    return found == peers_.end() ? nullptr : *found;
}

std::size_t Mesh::connected_pairs() const {
    std::size_t count = 0;
    for (const Peer* a : peers_) {
        for (const Peer* b : peers_) {
            if (a < b && a->is_connected_to(*b) && b->is_connected_to(*a)) ++count;
        }
    }
    return count;
}

std::size_t Mesh::direct_pairs() const {
    std::size_t count = 0;
    for (Peer* a : peers_) {
        for (Peer* b : peers_) {
            if (a < b && is_direct(*a, *b) && is_direct(*b, *a)) ++count;
        }
    }
    return count;
}

bool Mesh::knows_itself() const {
    return std::ranges::all_of(peers_, [&](const Peer* peer) {
        std::set<std::string> others;
        for (const Peer* other : peers_) {
            if (other != peer) others.insert(other->id());
        }
        return peer->members_of(room_) == others;
    });
}

std::size_t Mesh::texts_that_arrive(Duration limit) {
    const auto heard = [&] {
        std::size_t count = 0;
        for (const Peer* peer : peers_) count += peer->received().size();
        return count;
    };
    const std::size_t before = heard();
    std::size_t sent = 0;
    for (Peer* from : peers_) {
        for (const Peer* to : peers_) {
            if (from != to && town_.send(*from, *to, "hello")) ++sent;
        }
    }
    static_cast<void>(town_.run_until([&] { return heard() == before + sent; }, limit));
    return heard() - before;
}

}  // namespace pinhole::lab
