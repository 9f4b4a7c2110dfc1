#include "shared/node/server_link.hpp"

#include <utility>

namespace pinhole::node {
namespace {

/// Cookies in retries that one attempt follows (protocol.md).
constexpr int kRetriesMax = 3;

session::RekeyPolicy daily(Random& random) {
    const Duration age = kServerRekeyAge * 4 / 5 + random.jitter(kServerRekeyAge * 2 / 5);
    return {.busy = age, .idle = age};
}

}  // namespace

ServerLink::ServerLink(const Shared& shared, Incarnation incarnation)
    : shared_(shared),
      incarnation_(incarnation),
      context_{.keys = shared.keys, .psk = no_psk_, .policy = daily(shared.random)} {}

session::LocalSide ServerLink::local_side() const {
    return {.keys = shared_.keys, .psk = no_psk_, .features = 0, .incarnation = incarnation_};
}

// ---- attempt

bool ServerLink::begin(Instant now, const crypto::PublicKey& key, const Path& path,
                       const Cookie& cookie) {
    drop_attempt();
    const auto index = shared_.indices.allocate({});
    if (!index) {
        shared_.drops.add(Drop::kLimit);
        return false;
    }
    auto attempt = session::Attempt::start(
        now, local_side(),
        {.remote = key, .prologue = session::server_prologue(), .sender = *index}, shared_.random);
    if (!attempt) {
        shared_.indices.release(*index);
        shared_.drops.add(attempt.error());
        return false;
    }
    attempt_ = *std::move(attempt);
    attempt_path_ = path;
    cookie_ = cookie;
    retries_taken_ = 0;
    initiation_.start(now);
    return true;
}

void ServerLink::drop_attempt() {
    if (attempt_) shared_.indices.release(attempt_->sender());
    attempt_.reset();
    initiation_.stop();
}

void ServerLink::send_initiation() {
    push(attempt_path_, attempt_->initiation(cookie_).bytes());
}

bool ServerLink::handle_response(Instant now, const Path& path, const wire::HandshakeResponse& in) {
    // A copy from elsewhere must not draw our datagrams there.
    if (!attempt_ || attempt_->sender() != in.receiver || path != attempt_path_) {
        shared_.drops.add(Drop::kUnknownSession);
        return false;
    }
    auto finished = attempt_->handle_response(in);
    if (!finished) {
        shared_.drops.add(finished.error());
        return false;
    }
    drop_session();
    key_ = attempt_->remote();
    attempt_.reset();  // its index lives on in the session
    initiation_.stop();
    session_.emplace(now, context_, key_, finished->keys);
    path_ = path;
    return true;
}

void ServerLink::handle_retry(const Path& path, const wire::Retry& in) {
    if (!attempt_ || attempt_->sender() != in.receiver || path != attempt_path_) {
        return shared_.drops.add(Drop::kUnknownSession);
    }
    if (++retries_taken_ > kRetriesMax) return shared_.drops.add(Drop::kLimit);
    cookie_ = in.cookie;
    send_initiation();
}

// ---- session

ServerLink::Opened ServerLink::open(Instant now, const wire::TransportHeader& header,
                                    const Opening& in) {
    if (!session_) return dropped(Drop::kUnknownSession);
    const auto opened = session_->open(now, header, in.datagram, in.room);
    if (!opened) return dropped(opened.error());
    return wire::parse_server_frame(opened->frame);
}

void ServerLink::handle_rekey(Instant now, const wire::Rekey& frame) {
    const auto fresh = shared_.indices.allocate({});
    if (!fresh) return shared_.drops.add(Drop::kLimit);
    const auto used = session_->handle_rekey(now, frame, *fresh, shared_.random);
    if (!used) shared_.drops.add(used.error());
    if (!used || !*used) shared_.indices.release(*fresh);
    poll_session(now);
}

void ServerLink::drop_session() {
    if (!session_) return;
    for (const SessionIndex index : session_->all_indices()) shared_.indices.release(index);
    while (const auto index = session_->take_retired_index()) shared_.indices.release(*index);
    session_.reset();
}

bool ServerLink::relay(RelayHandle handle, Outgoing& outgoing) {
    if (!session_) return false;
    static_cast<void>(outgoing.wrap(*session_, handle));
    return leave(path_, outgoing);
}

bool ServerLink::leave(const Path& path, Outgoing& outgoing) {
    if (outgoing.leave(path)) return true;
    shared_.drops.add(Drop::kLimit);
    return false;
}

bool ServerLink::push(const Path& path, Bytes datagram) {
    if (!datagram.empty() && shared_.out.push({.path = path, .bytes = datagram})) return true;
    shared_.drops.add(Drop::kLimit);
    return false;
}

void ServerLink::poll_session(Instant now) {
    if (!session_) return;
    session_->handle_timeout(now);
    if (session_->wants_rekey(now)) {
        if (const auto fresh = shared_.indices.allocate({})) {
            session_->start_rekey(now, *fresh, shared_.random);
        }
    }
    for (;;) {
        Outgoing outgoing{shared_.out, Outgoing::Way::kDirect};
        const std::size_t size = session_->poll_frame(outgoing.frame_room());
        if (size == 0) break;
        static_cast<void>(outgoing.seal(*session_, size));
        leave(path_, outgoing);
    }
    while (const auto index = session_->take_retired_index()) shared_.indices.release(*index);
}

// ---- time

void ServerLink::handle_timeout(Instant now) {
    if (attempt_ && now >= attempt_->expires()) {
        drop_attempt();
        attempt_expired_ = true;
    }
    if (attempt_ && initiation_.take_due(now)) send_initiation();
    poll_session(now);
}

Instant ServerLink::next_timeout() const {
    Instant at = kNever;
    if (attempt_) at = std::min({at, attempt_->expires(), initiation_.at()});
    if (session_) at = std::min(at, session_->next_timeout());
    return at;
}

}  // namespace pinhole::node
