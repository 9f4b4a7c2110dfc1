// All proven sessions, and the indexes that lead to them. Half-open handshakes share the index
// space, because the first transport message of a new session looks like any other.
//
// An index leads to the client's place in a slab, and so does the low part of a name; the high part
// tells whether the client that stands there is still the one that was meant.
//
// A quiet client costs no timer: it is looked at in rounds, and has an alarm only while something
// is due sooner than the next round can promise.
#pragma once

#include "rendezvous/client.hpp"
#include "rendezvous/limits.hpp"
#include "rendezvous/rounds.hpp"
#include "rendezvous/slab.hpp"
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
        return indices_.allocate(slot_of(owner));
    }
    void release(SessionIndex index) { indices_.release(index); }

    /// The owner of `index`: a client, null for a half-open handshake, nothing if unknown.
    [[nodiscard]] std::optional<Client*> owner_of(SessionIndex index) {
        const auto slot = indices_.find(index);
        if (!slot) return std::nullopt;
        return *slot == kNoSlot ? nullptr : &clients_[*slot];
    }

    /// `owner_of` will follow, and the owner be used. The first call fetches what leads there, the
    /// second one, some time later, the client. Neither changes anything.
    void foresee_owner(SessionIndex index) const { indices_.foresee(index); }
    void foresee_client(SessionIndex index) const {
        const auto slot = indices_.find(index);
        if (!slot || *slot == kNoSlot) return;
        const auto* const at = reinterpret_cast<const std::byte*>(&clients_[*slot]);
        for (std::size_t line = 0; line < sizeof(Client); line += kCacheLine) {
            __builtin_prefetch(at + line, 1);
        }
        __builtin_prefetch(at + sizeof(Client) - 1, 1);
    }

    /// The client, or null. Valid until it is removed.
    [[nodiscard]] Client* find(ClientId name) {
        const Slot slot = slot_of(name);
        if (!clients_.is_live(slot) || clients_[slot].name != name) return nullptr;
        return &clients_[slot];
    }

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
    void arm(Instant now, Client& client, Instant at) {
        // Else the next round comes first, and arms it anew.
        if (at - now < 2 * kRoundTime) deadlines_.arm(client.name, client.alarm, at);
    }
    /// The next client to look at, or null: its alarm came up, or the round is at it. Alarms that
    /// came up are gone.
    [[nodiscard]] Client* take_due(Instant now);
    [[nodiscard]] Instant next_timeout() const {
        return std::min(deadlines_.next(), rounds_.next_timeout());
    }

    [[nodiscard]] std::size_t size() const { return clients_.size(); }
    /// Names of all clients in the order in which they came, for the one walk that a shutdown
    /// needs.
    [[nodiscard]] std::vector<ClientId> names() const;

  private:
    using Slot = Slab<Client>::Slot;
    /// A name is a number that counts up, and below it the slot.
    static constexpr unsigned kSlotBits = 24;
    static constexpr std::uint64_t kSlotMask = (1ULL << kSlotBits) - 1;
    /// Where nobody stands.
    static constexpr Slot kNoSlot = kSlotMask;
    static_assert(kClientsMax < kNoSlot);
    static constexpr std::size_t kCacheLine = 64;

    [[nodiscard]] static Slot slot_of(ClientId name) {
        return name == kNobody ? kNoSlot : static_cast<Slot>(name.value() & kSlotMask);
    }

    session::SessionTable<Slot> indices_;
    Slab<Client> clients_;
    /// What is due soon, and a walk for everything else.
    DeadlineQueue<ClientId> deadlines_;
    Rounds rounds_;
    std::uint64_t came_ = 0;
};

}  // namespace pinhole::rendezvous
