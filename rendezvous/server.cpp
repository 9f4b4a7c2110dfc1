#include "rendezvous/server.hpp"

#include <utility>

namespace pinhole::rendezvous {

Server::Server(Instant now, ServerSettings settings, Random& random)
    : random_(random),
      answers_stun_(settings.answers_stun),
      identity_(std::move(settings.keys), Incarnation{random.u64()}),
      jar_(random),
      budgets_(random),
      streams_(metrics_),
      outbox_(metrics_, streams_),
      registry_(random),
      clients_(random),
      relay_(random, metrics_),
      binding_answers_(identity_, jar_, outbox_, metrics_),
      admission_({identity_, random, jar_, budgets_, clients_, outbox_, metrics_}),
      rooms_({budgets_, clients_, outbox_, metrics_}),
      registrations_(
          {identity_, budgets_, registry_, clients_, relay_, rooms_, outbox_, metrics_, events_},
          {.since = now, .wall = settings.wall}),
      introductions_({jar_, budgets_, registry_, clients_, relay_, outbox_, metrics_, events_}),
      roaming_(random, outbox_, metrics_),
      farewell_(clients_, outbox_) {}

void Server::handle_datagram(Instant now, const Datagram& in) {
    metrics_.received.add(in.bytes.size());
    outbox_.begin_datagram(in);
    const auto routed = route(now, in);
    if (!routed) metrics_.drops.add(routed.error());
    outbox_.end_datagram();
}

void Server::foresee(Foresight step, Bytes datagram) const {
    if (wire::classify(datagram) != wire::Kind::kTransport) return;
    const auto header = wire::parse_transport_header(datagram);
    if (!header) return;
    switch (step) {
        case Foresight::kIndex: return clients_.foresee_owner(header->receiver);
        case Foresight::kSession: return clients_.foresee_client(header->receiver);
    }
}

Parsed<void> Server::route(Instant now, const Datagram& in) {
    if (in.bytes.size() > kDatagramMax) return dropped(Drop::kBadLength);
    if (answers_stun_ && !is_stream(in.path.socket) && wire::is_stun(in.bytes)) {
        if (!budgets_.stun.try_take(now, in.path.remote.ip)) return dropped(Drop::kLimit);
        return binding_answers_.handle_stun(in);
    }
    const auto kind = wire::classify(in.bytes);
    if (!kind) return dropped(kind.error());
    // A stream that we asked to close may have had more to say.
    const bool is_over = is_stream(in.path.socket) && !streams_.is_open(in.path.socket);
    if (is_over) return dropped(Drop::kStale);
    switch (*kind) {
        case wire::Kind::kBindingRequest: return binding_answers_.handle_request(now, in);
        case wire::Kind::kHandshakeInitiation:
            if (farewell_.has_begun()) return dropped(Drop::kStale);
            return admission_.handle_initiation(now, in);
        case wire::Kind::kTransport: return handle_transport(now, in);
        case wire::Kind::kBindingResponse:
        case wire::Kind::kHandshakeResponse:
        case wire::Kind::kOpener:
        case wire::Kind::kRetry:
        case wire::Kind::kGone: return dropped(Drop::kUnexpected);
    }
    return dropped(Drop::kUnknownKind);
}

Parsed<void> Server::handle_transport(Instant now, const Datagram& in) {
    const auto header = wire::parse_transport_header(in.bytes);
    if (!header) return dropped(header.error());
    const auto owner = clients_.owner_of(header->receiver);
    if (!owner) return handle_unknown_session(now, in, header->receiver);
    opened_.assign(in.bytes);
    Bytes frame;
    const auto client = *owner == nullptr ? open_first(now, *header, frame)
                                          : open_known(now, **owner, *header, frame);
    if (!client) return dropped(client.error());
    const auto handled = handle_frame(now, **client, in.path, frame);
    after_frame(now, header->receiver, in.path);
    return handled;
}

Parsed<void> Server::handle_unknown_session(Instant now, const Datagram& in, SessionIndex index) {
    // A process that knows nothing of the session has not this stream either.
    if (is_stream(in.path.socket)) return dropped(Drop::kUnknownSession);
    if (!budgets_.gone.try_take(now, in.path.remote.ip)) return dropped(Drop::kLimit);
    FixedBytes<wire::kGoneSize> out;
    wire::encode(
        wire::Gone{.index = index, .token = crypto::gone_token(identity_.gone_key(), index)}, out);
    if (outbox_.reply(in.path.socket, out)) metrics_.happened.add(Happening::kGoneSent);
    return dropped(Drop::kUnknownSession);
}

Parsed<Client*> Server::open_first(Instant now, const wire::TransportHeader& header, Bytes& frame) {
    auto proof = admission_.prove(now, header, opened_.bytes());
    if (!proof) return dropped(proof.error());
    frame = proof->frame;
    Client& client = clients_.add(std::move(proof->session), proof->path, now);
    streams_.on_proven(proof->path.socket);
    client.incarnation = proof->incarnation;
    if (proof->rtt > Duration{0}) client.note_rtt(proof->rtt);
    clients_.arm(now, client, end_of(client));
    return &client;
}

Parsed<Client*> Server::open_known(Instant now, Client& client, const wire::TransportHeader& header,
                                   Bytes& frame) {
    const auto opened = client.session.open_in_place(now, header, opened_.bytes());
    if (!opened) return dropped(opened.error());
    frame = opened->frame;
    if (client.is_registered()) client.last_heard = now;
    if (opened->moved_to_next_epoch) registrations_.on_rekeyed(client);
    return &client;
}

Parsed<void> Server::handle_frame(Instant now, Client& client, const Path& source, Bytes frame) {
    const auto parsed = wire::parse_client_frame(frame);
    if (!parsed) return dropped(parsed.error());
    return std::visit([&](const auto& typed) { return on(now, client, source, typed); }, *parsed);
}

void Server::after_frame(Instant now, SessionIndex index, const Path& source) {
    // The frame may have ended the client, or moved its session into another one's place.
    Client* client = clients_.owner_of(index).value_or(nullptr);
    if (client == nullptr) return;
    roaming_.note_source(now, *client, source);
    outbox_.send_session_frames(*client);
    clients_.release_retired(*client);
    clients_.arm(now, *client, client->session.next_timeout());
}

void Server::handle_timeout(Instant now) {
    while (const auto delivery = relay_.take_due(now)) deliver(*delivery);
    relay_.handle_timeout(now);
    introductions_.handle_timeout(now);
    rooms_.handle_timeout(now);
    while (Client* client = clients_.take_due(now)) check(now, *client);
    admission_.handle_timeout(now);
    streams_.handle_timeout(now);
    if (farewell_.handle_timeout(now)) events_.push_back(ShutdownDone{});
}

void Server::check(Instant now, Client& client) {
    if (now >= end_of(client)) {
        registrations_.remove(now, client, PeerOffline::Why::kSilent);
        return;
    }
    client.session.handle_timeout(now);
    outbox_.send_session_frames(client);
    clients_.release_retired(client);
    clients_.arm(now, client, std::min(end_of(client), client.session.next_timeout()));
}

Instant Server::end_of(const Client& client) {
    return client.last_heard + (client.is_registered() ? kClientSilence : kUnregisteredLifetime);
}

void Server::handle_io_event(Instant now, const IoEvent& event) {
    streams_.handle_io_event(now, event);
    binding_answers_.handle_io_event(event);
}

void Server::handle_stored(Instant now, const StoreResult& result) {
    registrations_.handle_stored(now, result);
    const Binding* binding = registry_.find(result.claim.id);
    if (binding != nullptr) connect_early(now, clients_.find(binding->online));
}

void Server::shutdown(Instant now) {
    farewell_.begin(now, registrations_.rejoin_window_s());
}

std::optional<Event> Server::poll_event() {
    if (events_.empty()) return std::nullopt;
    Event out = std::move(events_.front());
    events_.pop_front();
    return out;
}

Instant Server::next_timeout() const {
    return std::min({relay_.next_timeout(), introductions_.next_timeout(), rooms_.next_timeout(),
                     clients_.next_timeout(), admission_.next_timeout(), streams_.next_timeout(),
                     farewell_.next_timeout()});
}

Server::Sizes Server::sizes() const {
    return {.sessions = clients_.size(),
            .half_open = admission_.half_open(),
            .introductions = introductions_.size(),
            .early_connects = early_connects_.size(),
            .rooms = rooms_.size(),
            .room_members = rooms_.memberships(),
            .relay_pairs = relay_.pairs(),
            .streams = streams_.size()};
}

}  // namespace pinhole::rendezvous
