// Alice and Bob at home, behind NATs that allow a direct path unless the test wants others: the
// scenario of the tests that are about the two and not about their networks.
#pragma once

#include "tests/lab/town.hpp"

namespace pinhole::lab {

struct Pair {
    explicit Pair(std::uint64_t seed, const PeerOptions& for_alice = {},
                  const PeerOptions& for_bob = {}, std::string_view nat = "eim_apdf")
        : town(seed),
          alice(town.add_peer("alice", town.home("a", nat), for_alice)),
          bob(town.add_peer("bob", town.home("b", nat), for_bob)) {}

    [[nodiscard]] bool is_connected() const { return alice.is_connected() && bob.is_connected(); }
    /// Alice calls, and both are connected in time.
    bool connect(Duration limit = 5s) {
        town.connect(alice, bob);
        return static_cast<bool>(town.run_until([&] { return is_connected(); }, limit));
    }

    Town town;
    Peer& alice;
    Peer& bob;
};

/// How often a call of `peer` came to nothing for that reason.
[[nodiscard]] inline std::size_t failures_for(const Peer& peer, node::CloseReason reason) {
    return static_cast<std::size_t>(
        std::ranges::count(peer.failures(), reason, &node::ConnectFailed::reason));
}

}  // namespace pinhole::lab
