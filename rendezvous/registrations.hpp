// Which session speaks for which id: `register`, `release`, displacement, and the end of sessions.
//
//     known id                     -> registered at once
//     new id                       -> stored first (`handle_stored`), then registered
//     same key, same incarnation   -> the process made a new handshake: its session is exchanged
//     same key, other incarnation  -> the older session is closed as replaced; too often: both wait
//     other key                    -> error(id taken)
//     same session, same id        -> the new accept mode and NAT behavior hold from now on
#pragma once

#include <deque>
#include <map>

#include "rendezvous/budgets.hpp"
#include "rendezvous/clients.hpp"
#include "rendezvous/event.hpp"
#include "rendezvous/flapping.hpp"
#include "rendezvous/identity.hpp"
#include "rendezvous/outbox.hpp"
#include "rendezvous/registry.hpp"
#include "rendezvous/relay.hpp"
#include "rendezvous/rooms.hpp"

namespace pinhole::rendezvous {

/// What registrations work with. All of it must outlive them.
struct RegistrationParts {
    const Identity& identity;
    Budgets& budgets;
    Registry& registry;
    Clients& clients;
    Relay& relay;
    Rooms& rooms;
    Outbox& outbox;
    Metrics& metrics;
    std::deque<Event>& events;
};

/// Wall time as it was at one instant; later ones are counted from there.
struct WallClock {
    Instant since;
    WallTime wall;

    [[nodiscard]] WallTime at(Instant now) const {
        return wall + std::chrono::floor<std::chrono::seconds>(now - since);
    }
};

class Registrations {
  public:
    Registrations(const RegistrationParts& parts, const WallClock& clock)
        : parts_(parts), clock_(clock) {}

    /// The client may be gone afterwards, its session moved to an older client's place.
    Parsed<void> handle_register(Instant now, Client& client, const wire::Register& frame);
    /// The client is gone afterwards when the id was its key's. Only a session that is registered
    /// under the id, or not at all, may release it.
    Parsed<void> handle_release(Instant now, Client& client, const wire::Release& frame);
    /// The operator takes an id from its owner.
    void release(Instant now, const wire::Id& id);
    void handle_stored(Instant now, const StoreResult& result);

    /// A registered client showed itself: once a day that is worth a note.
    void note_alive(Instant now, const Client& client);
    /// The session moved to a new epoch: the client needs the token of its new index.
    void on_rekeyed(Client& client);

    /// Ends a session and what hangs on it.
    void remove(Instant now, Client& client, PeerOffline::Why why);

    /// In which a client should come back after the server was away.
    [[nodiscard]] std::uint16_t rejoin_window_s() const;

  private:
    /// A `register` that waits for the store.
    struct Waiting {
        ClientId client;
        wire::Register frame;
    };

    void enroll(Instant now, Client& client, const wire::Register& frame);
    /// Makes room for `client` under an id that `other` holds. Null when neither may have it.
    [[nodiscard]] Client* displace(Instant now, Client& client, Client& other,
                                   const wire::Register& frame);
    void leave(Instant now, Client& client, PeerOffline::Why why);
    void close(Instant now, Client& client, wire::CloseReason reason, PeerOffline::Why why);
    void send_registered(Client& client, std::uint16_t request);
    void send_error(Client& client, wire::ErrorCode code, std::uint16_t request);

    RegistrationParts parts_;
    WallClock clock_;
    Flapping flapping_;
    std::map<wire::Id, Waiting> waiting_;
};

}  // namespace pinhole::rendezvous
