// The rendezvous server as one deterministic object: the five verbs, and nothing of the outside.
//
//     datagram -> kind  -> binding answers | admission (handshakes) | clients (sessions)
//     frame    -> tag   -> roaming | registrations | introductions | rooms | relay
//
// It owns its parts and routes between them; each decides for itself. Before an address is
// validated it gets at most one datagram for one, never a longer one, none by a timer (`Outbox`).
// Handshakes wait in a short queue until the next `handle_timeout`, which is due at once, so that
// all transport messages of a loop turn come first. `limits.hpp` has every number.
#pragma once

#include <deque>
#include <optional>

#include "rendezvous/admission.hpp"
#include "rendezvous/binding_answers.hpp"
#include "rendezvous/early_connects.hpp"
#include "rendezvous/farewell.hpp"
#include "rendezvous/introductions.hpp"
#include "rendezvous/registrations.hpp"
#include "rendezvous/roaming.hpp"
#include "rendezvous/rooms.hpp"
#include "rendezvous/streams.hpp"

namespace pinhole::rendezvous {

struct ServerSettings {
    /// Who the server is.
    crypto::KeyPair keys;
    /// Wall time at the moment of construction; only the 30-day rule looks at it.
    WallTime wall{};
    /// Answers STUN Binding requests too (RFC 8489): the one thing that may be answered at more
    /// than its own length.
    bool answers_stun = false;
};

class Server {
  public:
    /// `random` must outlive the server.
    Server(Instant now, ServerSettings settings, Random& random);

    /// What a datagram will need: first what leads to its session, then the session.
    enum class Foresight : std::uint8_t { kIndex, kSession };
    /// `datagram`, or a run that begins with it, will be handled soon. A million sessions are in no
    /// cache: called for a whole batch, once with each step, memory answers for all of it at a
    /// time. Changes nothing, whatever the bytes are.
    void foresee(Foresight step, Bytes datagram) const;
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Before the first datagram: an id that the store knows.
    void load(const StoredBinding& binding) { registry_.load(binding); }

    void handle_datagram(Instant now, const Datagram& in);
    void handle_timeout(Instant now);
    void handle_io_event(Instant now, const IoEvent& event);
    /// What became of a claim that a `StoreRequest` asked for.
    void handle_stored(Instant now, const StoreResult& result);

    [[nodiscard]] std::optional<Transmit> poll_transmit() { return outbox_.poll_transmit(); }
    [[nodiscard]] std::optional<Event> poll_event();
    /// The server asks for no sockets: it uses those it hears of by `SocketOpened` and
    /// `StreamOpened`. It closes streams that nobody uses.
    [[nodiscard]] std::optional<IoRequest> poll_io_request() { return streams_.poll_io_request(); }
    [[nodiscard]] Instant next_timeout() const;

    /// Says goodbye to every client, at the pace of `kGoodbyesPerSecond`, and takes no newcomers.
    /// `ShutdownDone` follows.
    void shutdown(Instant now);
    /// The operator takes an id from its owner, on-line or not.
    void release(Instant now, const wire::Id& id) { registrations_.release(now, id); }

    [[nodiscard]] const crypto::PublicKey& public_key() const { return identity_.public_key(); }
    /// How many peers are registered right now.
    [[nodiscard]] std::size_t registered() const { return registry_.online(); }
    [[nodiscard]] const Registry& registry() const { return registry_; }
    [[nodiscard]] const Metrics& metrics() const { return metrics_; }

    /// How many of each thing that is bounded live right now.
    struct Sizes {
        std::size_t sessions = 0;
        std::size_t half_open = 0;
        std::size_t introductions = 0;
        std::size_t early_connects = 0;
        std::size_t rooms = 0;
        std::size_t room_members = 0;
        std::size_t relay_pairs = 0;
        std::size_t streams = 0;
    };
    [[nodiscard]] Sizes sizes() const;

  private:
    Parsed<void> route(Instant now, const Datagram& in);
    Parsed<void> handle_transport(Instant now, const Datagram& in);
    Parsed<void> handle_unknown_session(Instant now, const Datagram& in, SessionIndex index);
    Parsed<Client*> open_first(Instant now, const wire::TransportHeader& header, Bytes& frame);
    Parsed<Client*> open_known(Instant now, Client& client, const wire::TransportHeader& header,
                               Bytes& frame);
    Parsed<void> handle_frame(Instant now, Client& client, const Path& source, Bytes frame);
    void after_frame(Instant now, SessionIndex index, const Path& source);

    Parsed<void> on(Instant now, Client& client, const Path& source, const wire::Keepalive& frame);
    Parsed<void> on(Instant now, Client& client, const Path& source, const wire::Challenge& frame);
    Parsed<void> on(Instant now, Client& client, const Path& source, const wire::Response& frame);
    Parsed<void> on(Instant now, Client& client, const Path& source, const wire::Rekey& frame);
    Parsed<void> on(Instant now, Client& client, const Path& source, const wire::Close& frame);
    Parsed<void> on(Instant now, Client& client, const Path& source, const wire::Register& frame);
    Parsed<void> on(Instant now, Client& client, const Path& source, const wire::Connect& frame);
    Parsed<void> on(Instant now, Client& client, const Path& source, const wire::Accept& frame);
    Parsed<void> on(Instant now, Client& client, const Path& source, const wire::Refuse& frame);
    Parsed<void> on(Instant now, Client& client, const Path& source, const wire::Trickle& frame);
    Parsed<void> on(Instant now, Client& client, const Path& source, const wire::Relay& frame);
    Parsed<void> on(Instant now, Client& client, const Path& source, const wire::Join& frame);
    Parsed<void> on(Instant now, Client& client, const Path& source, const wire::Leave& frame);
    Parsed<void> on(Instant now, Client& client, const Path& source, const wire::Release& frame);

    /// The client, if any, may just have registered: then what it asked for before that is due.
    void connect_early(Instant now, Client* client);
    void deliver(const RelayDelivery& delivery);
    void check(Instant now, Client& client);
    [[nodiscard]] static Instant end_of(const Client& client);

    Random& random_;
    bool answers_stun_;
    Metrics metrics_;
    std::deque<Event> events_;
    Identity identity_;
    crypto::CookieJar jar_;
    Budgets budgets_;
    Streams streams_;
    Outbox outbox_;
    Registry registry_;
    Clients clients_;
    Relay relay_;
    BindingAnswers binding_answers_;
    Admission admission_;
    Rooms rooms_;
    Registrations registrations_;
    Introductions introductions_;
    EarlyConnects early_connects_;
    Roaming roaming_;
    Farewell farewell_;
    /// A copy of the datagram under way, to be opened in place.
    ByteBuffer<kDatagramMax> opened_;
};

}  // namespace pinhole::rendezvous
