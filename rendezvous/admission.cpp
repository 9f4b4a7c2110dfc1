#include "rendezvous/admission.hpp"

#include <algorithm>

namespace pinhole::rendezvous {

Parsed<void> Admission::handle_initiation(Instant now, const Datagram& in) {
    const auto message = wire::parse_initiation(in.bytes);
    if (!message) return dropped(message.error());
    // TCP's own handshake shows who receives at an address.
    const bool has_proof =
        is_stream(in.path.socket) || parts_.jar.is_valid(now, in.path.remote, message->cookie);
    if (!has_proof) {
        send_retry(now, in, message->sender);
        return {};
    }
    const auto mac1 = session::verify_mac1(parts_.identity.public_key(), *message);
    if (!mac1) return mac1;
    if (message->nonce_tag != wire::NonceTag{}) return dropped(Drop::kBadField);
    const auto ephemeral = crypto::ephemeral_of_message_1(message->noise);
    if (!ephemeral) return dropped(ephemeral.error());
    if (HalfOpenSession* known = half_open_.find(*ephemeral)) {
        parts_.outbox.send_validated(in.path, known->message_2);
        parts_.metrics.happened.add(Happening::kHandshakeRepeated);
        return {};
    }
    if (is_waiting(*ephemeral)) return dropped(Drop::kStale);

    const IpAddress& source = in.path.remote.ip;
    if (waiting_.size() >= kInitiationsQueued || !half_open_.has_room(source) ||
        parts_.clients.is_full() || !parts_.budgets.suspicion.has_token(now, source) ||
        !parts_.budgets.handshakes.try_take(now, source)) {
        return dropped(Drop::kLimit);
    }
    if (waiting_.empty()) waiting_since_ = now;
    waiting_.push_back(
        {.path = in.path, .ephemeral = *ephemeral, .datagram = session::HandshakeBuffer{in.bytes}});
    return {};
}

void Admission::send_retry(Instant now, const Datagram& in, SessionIndex initiator) {
    FixedBytes<wire::kRetrySize> out;
    wire::encode(wire::Retry{.receiver = initiator, .cookie = parts_.jar.make(now, in.path.remote)},
                 out);
    if (parts_.outbox.reply(in.path.socket, out)) {
        parts_.metrics.happened.add(Happening::kRetrySent);
    }
}

bool Admission::is_waiting(const crypto::PublicKey& ephemeral) const {
    return std::ranges::any_of(
        waiting_, [&](const Waiting& waiting) { return waiting.ephemeral == ephemeral; });
}

Parsed<void> Admission::answer(Instant now, const Waiting& waiting) {
    // The quota may have been used up by those that stood before in the queue.
    if (!half_open_.has_room(waiting.path.remote.ip)) return dropped(Drop::kLimit);
    const auto message = wire::parse_initiation(waiting.datagram.bytes());
    if (!message) return dropped(message.error());
    const session::LocalSide local = parts_.identity.local_side();
    auto responder =
        session::Responder::read(local, session::server_prologue(), *message, parts_.random);
    if (!responder) {
        // Only the holder of a valid cookie comes here: the prefix pays for the wasted work.
        static_cast<void>(parts_.budgets.suspicion.try_take(now, waiting.path.remote.ip));
        return dropped(responder.error());
    }
    const auto index = parts_.clients.allocate(kNobody);
    if (!index) return dropped(Drop::kLimit);
    const auto answered = responder->answer(local, *index, {});
    if (!answered) {
        parts_.clients.release(*index);
        return dropped(answered.error());
    }
    parts_.outbox.send_validated(waiting.path, answered->message_2.bytes());
    parts_.metrics.happened.add(Happening::kHandshakeAnswered);
    half_open_.add(waiting.ephemeral, {.path = waiting.path,
                                       .incarnation = responder->remote().incarnation,
                                       .message_2 = to_vector(answered->message_2.bytes()),
                                       .answered = now,
                                       .session = std::make_unique<session::ServerSession>(
                                           now, parts_.identity.context(),
                                           responder->remote_static(), answered->keys)});
    return {};
}

Parsed<Admission::Proof> Admission::prove(Instant now, const wire::TransportHeader& header,
                                          MutableBytes datagram) {
    HalfOpenSession* entry = half_open_.find(header.receiver);
    if (entry == nullptr) return dropped(Drop::kUnknownSession);
    const auto opened = entry->session->open_in_place(now, header, datagram);
    if (!opened) return dropped(opened.error());
    if (parts_.clients.is_full()) return dropped(Drop::kLimit);
    parts_.metrics.happened.add(Happening::kSessionProven);
    return Proof{.session = half_open_.take_session(*entry),
                 .path = entry->path,
                 .incarnation = entry->incarnation,
                 .rtt = now - entry->answered,
                 .frame = opened->frame};
}

void Admission::handle_timeout(Instant now) {
    std::optional<SessionIndex> unproven;
    while (half_open_.expire_one(now, unproven)) {
        if (unproven) parts_.clients.release(*unproven);
    }
    for (std::size_t done = 0; done < kInitiationsPerTurn && !waiting_.empty(); ++done) {
        const Waiting waiting = waiting_.front();
        waiting_.pop_front();
        const auto answered = answer(now, waiting);
        if (!answered) parts_.metrics.drops.add(answered.error());
    }
    waiting_since_ = waiting_.empty() ? kNever : now;
}

Instant Admission::next_timeout() const {
    return std::min(waiting_since_, half_open_.next_timeout());
}

}  // namespace pinhole::rendezvous
