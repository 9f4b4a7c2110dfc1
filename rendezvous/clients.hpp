// All proven sessions, and the indexes that lead to them. Half-open handshakes share the index
// space, because the first transport message of a new session looks like any other.
#pragma once

#include <unordered_map>

#include "rendezvous/client.hpp"
#include "rendezvous/limits.hpp"
#include "shared/session/session_table.hpp"

namespace pinhole::rendezvous {

class Clients {
  public:
    /// `random` must outlive the table.
    explicit Clients(Random& random)
        // Current, previous and next epoch of a few, one of most; half-open ones besides.
        : indices_(random, 2 * kClientsMax + kHalfOpenMax) {}

    /// A fresh index for a handshake (`kNobody`) or a rekey. Nothing when the table is full.
    [[nodiscard]] std::optional<SessionIndex> allocate(ClientId owner) {
        return indices_.allocate(owner);
    }
    void release(SessionIndex index) { indices_.release(index); }

    /// The owner of `index`: a client, `kNobody` for a half-open handshake, nothing if unknown.
    [[nodiscard]] std::optional<ClientId> owner_of(SessionIndex index) const {
        return indices_.find(index);
    }

    /// The client, or null. Valid until it is removed.
    [[nodiscard]] Client* find(ClientId name);

    [[nodiscard]] bool is_full() const { return clients_.size() >= kClientsMax; }

    /// Takes a session that was just proven; its indexes lead to the new client from now on. Must
    /// not be full.
    Client& add(session::ServerSession session, const Path& path, Instant now);

    /// `to` goes on with the session and path of `from`, which is removed: the same process made a
    /// new handshake. What others know of `to` stays.
    void move_session(Client& from, Client& to);

    void remove(Client& client);

    /// Releases the indexes that the session of `client` no longer uses.
    void release_retired(Client& client);

    /// Looks at `client` again at `at` or before.
    void arm(Client& client, Instant at) { deadlines_.arm(client.name, client.alarm, at); }
    /// The next client whose alarm came up, or null. It has none then.
    [[nodiscard]] Client* take_due(Instant now);
    [[nodiscard]] Instant next_timeout() const { return deadlines_.next(); }

    [[nodiscard]] std::size_t size() const { return clients_.size(); }
    /// Names of all clients, for the one walk that a shutdown needs.
    [[nodiscard]] std::vector<ClientId> names() const;

  private:
    session::SessionTable<ClientId> indices_;
    std::unordered_map<ClientId, Client> clients_;
    DeadlineQueue<ClientId> deadlines_;
    std::uint64_t last_name_ = 0;
};

}  // namespace pinhole::rendezvous
