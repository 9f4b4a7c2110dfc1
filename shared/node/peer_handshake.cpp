// The handshake half of `PeerLink`: attempts, answers, and how a session comes to be.
#include <utility>

#include "shared/crypto/mac.hpp"
#include "shared/node/peer_link.hpp"

namespace pinhole::node {
namespace {

/// Cookies in retries that one attempt follows (protocol.md).
constexpr int kRetriesMax = 3;

}  // namespace

session::LocalSide PeerLink::local_side() const {
    std::uint32_t features = 0;
    if (shared_.config.offers_aes256gcm) {
        features |= static_cast<std::uint32_t>(wire::Feature::kAes256Gcm);
    }
    return {.keys = shared_.config.keys,
            .psk = shared_.config.psk,
            .features = features,
            .incarnation = shared_.incarnation};
}

session::Prologue PeerLink::prologue(const IntroductionNonce& nonce, bool we_initiate) const {
    return session::peer_prologue({.nonce = nonce,
                                   .initiator = we_initiate ? shared_.config.id : id_,
                                   .responder = we_initiate ? id_ : shared_.config.id});
}

const PeerLink::Introduced* PeerLink::find_introduction(const wire::NonceTag& tag) const {
    const auto found = std::ranges::find(introductions_, tag, &Introduced::tag);
    return found == introductions_.end() ? nullptr : found;
}

// ---- our own attempt

bool PeerLink::make_attempt(Instant now, const IntroductionNonce& nonce,
                            const crypto::PublicKey& remote) {
    drop_attempt();
    const auto index = shared_.indices.allocate({number_});
    if (!index) {
        shared_.drops.add(Drop::kLimit);
        return false;
    }
    HandshakeEnet connect;
    if (!address_ || !shared_.enet.host().has_peer(*address_)) {
        attempt_address_ = shared_.enet.allocate(number_);
        connect = shared_.enet.connect(now, *attempt_address_, kUnmeasuredRoundTrip);
    }
    auto attempt = session::Attempt::start(now, local_side(),
                                           {.remote = remote,
                                            .prologue = prologue(nonce, true),
                                            .nonce_tag = crypto::nonce_tag(nonce),
                                            .sender = *index,
                                            .enet = connect.bytes()},
                                           shared_.random);
    if (!attempt) {
        shared_.drops.add(attempt.error());
        shared_.indices.release(*index);
        drop_attempt();
        return false;
    }
    attempt_ = *std::move(attempt);
    cookies_.clear();
    retries_taken_ = 0;
    group_key_differs_ = false;
    return true;
}

void PeerLink::drop_attempt() {
    relay_initiation_.stop();
    attempt_until_ = kNever;
    if (attempt_) shared_.indices.release(attempt_->sender());
    attempt_.reset();
    if (attempt_address_) shared_.enet.release(*attempt_address_);
    attempt_address_.reset();
}

void PeerLink::on_attempt_expired(Instant now) {
    const CloseReason reason = group_key_differs_ ? CloseReason::kGroupKey : CloseReason::kNoAnswer;
    drop_attempt();
    fail(now, reason);
}

void PeerLink::send_initiation_by_relay() {
    if (handle_) relay(attempt_->initiation({}).bytes());
}

void PeerLink::send_initiation(const Path& path) {
    const auto known = std::ranges::find(cookies_, path, &PathCookie::path);
    const Cookie cookie = known == cookies_.end() ? Cookie{} : known->cookie;
    if (known == cookies_.end()) cookies_.push_back({.path = path});
    push(path, attempt_->initiation(cookie).bytes());
}

void PeerLink::handle_retry(const Path& path, const wire::Retry& in) {
    // Only where message 1 went: a retry is short, and must not draw a long message elsewhere.
    const auto asked = std::ranges::find(cookies_, path, &PathCookie::path);
    if (!attempt_ || attempt_->sender() != in.receiver || asked == cookies_.end()) {
        return shared_.drops.add(Drop::kUnknownSession);
    }
    if (++retries_taken_ > kRetriesMax) return shared_.drops.add(Drop::kLimit);
    asked->cookie = in.cookie;
    send_initiation(path);
}

void PeerLink::handle_response(Instant now, const Route& route, const wire::HandshakeResponse& in) {
    // Before the introduction nobody of whom we know can have our message 1.
    if (!attempt_ || is_riding() || attempt_->sender() != in.receiver) {
        if (session_ && in.mac1 == taken_mac1_ && now < taken_until_) {
            agent_.on_handshake_heard(now, route, true);
        } else {
            shared_.drops.add(Drop::kUnknownSession);
        }
        return;
    }
    auto finished = attempt_->handle_response(in);
    if (!finished) {
        // mac1 was right and the tag was not: whoever answered knows another group key.
        group_key_differs_ = group_key_differs_ || finished.error() == Drop::kBadTag;
        return shared_.drops.add(finished.error());
    }
    taken_mac1_ = in.mac1;
    taken_until_ = now + session::kAttemptLifetime;
    relay_initiation_.stop();
    attempt_.reset();  // its index lives on in the session
    drop_pending();
    if (finished->remote.incarnation != remote_incarnation_) agent_.on_peer_restarted();
    adopt(session::PeerSession{now, shared_.context, *key_, finished->keys},
          finished->remote.incarnation);

    const auto fresh = std::exchange(attempt_address_, std::nullopt);
    if (fresh) {
        if (address_) drop_address(CloseReason::kPeerRestarted);
        address_ = fresh;
        if (!finished->remote.enet.empty()) {
            shared_.enet.host().handle_datagram(now, *address_, finished->remote.enet.bytes());
        }
    } else if (!address_) {
        // The other process started anew since we last spoke: ENet connects in the session.
        address_ = shared_.enet.allocate(number_);
        if (!shared_.enet.host().connect(now, *address_, kUnmeasuredRoundTrip)) {
            shared_.drops.add(Drop::kLimit);
        }
    }
    agent_.on_handshake_heard(now, route, true);
    agent_.on_established(now, route);
    tell_unproven(route);
}

// ---- the other side's attempt

void PeerLink::handle_initiation(Instant now, const Route& route,
                                 const wire::HandshakeInitiation& in) {
    const Introduced* introduced = find_introduction(in.nonce_tag);
    if (introduced == nullptr) return shared_.drops.add(Drop::kUnknownSession);
    if (const auto genuine = session::verify_mac1(shared_.config.keys.public_key, in); !genuine) {
        return shared_.drops.add(genuine.error());
    }
    const auto ephemeral = crypto::ephemeral_of_message_1(in.noise);
    if (!ephemeral) return shared_.drops.add(ephemeral.error());
    if (answered_ && answered_->ephemeral == *ephemeral) {
        if (now >= answered_->until) return shared_.drops.add(Drop::kStale);
        agent_.on_handshake_heard(now, route, false);
        return repeat_answer(route);
    }
    // Glare: both sides have an attempt under way; that of the smaller key stands.
    if (attempt_ && shared_.config.keys.public_key < *key_) {
        return shared_.drops.add(Drop::kUnexpected);
    }
    auto responder = session::Responder::read(local_side(), prologue(introduced->nonce, false), in,
                                              shared_.random);
    if (!responder) return shared_.drops.add(responder.error());
    if (responder->remote_static() != *key_) {
        shared_.events.emplace_back(KeyMismatch{.peer = number_,
                                                .id = id_,
                                                .pinned = *key_,
                                                .announced = responder->remote_static(),
                                                .incoming = true});
        return shared_.drops.add(Drop::kBadKey);
    }
    if (const auto answered = answer(now, *responder, *ephemeral); !answered) {
        return shared_.drops.add(answered.error());
    }
    agent_.on_handshake_heard(now, route, false);
    repeat_answer(route);
}

Parsed<void> PeerLink::answer(Instant now, session::Responder& responder,
                              const crypto::PublicKey& ephemeral) {
    const auto index = shared_.indices.allocate({number_});
    if (!index) return dropped(Drop::kLimit);
    drop_attempt();
    drop_pending();
    const session::RemoteSide& remote = responder.remote();
    const bool is_new_address =
        !address_ || remote.incarnation != remote_incarnation_ || !remote.enet.empty();
    const VirtualAddress address = is_new_address ? shared_.enet.allocate(number_) : *address_;
    HandshakeEnet verify;
    if (!remote.enet.empty()) verify = shared_.enet.accept(now, address, remote.enet.bytes());

    auto answer = responder.answer(local_side(), *index, verify.bytes());
    if (!answer) {
        shared_.indices.release(*index);
        if (is_new_address) shared_.enet.release(address);
        return dropped(answer.error());
    }
    pending_.emplace(
        Pending{.session = session::PeerSession{now, shared_.context, *key_, answer->keys},
                .incarnation = remote.incarnation,
                .address = address,
                .is_new_address = is_new_address});
    answered_ = {.ephemeral = ephemeral,
                 .message_2 = answer->message_2,
                 .until = now + session::kAttemptLifetime};
    timers_.set(Timer::kPending, now + session::kAttemptLifetime);
    return {};
}

void PeerLink::repeat_answer(const Route& route) {
    if (route.is_direct()) return push(route.path(), answered_->message_2.bytes());
    if (handle_) relay(answered_->message_2.bytes());
}

void PeerLink::drop_pending() {
    timers_.stop(Timer::kPending);
    if (!pending_) return;
    for (const SessionIndex index : pending_->session.all_indices()) {
        shared_.indices.release(index);
    }
    if (pending_->is_new_address) shared_.enet.release(pending_->address);
    pending_.reset();
}

void PeerLink::on_pending_expired(Instant now) {
    drop_pending();
    // An introduction of our own may have stood back for it.
    if (wanted_ && !session_ && !attempt_) ask(now, false);
}

void PeerLink::confirm_pending(Instant now, const Route& route) {
    timers_.stop(Timer::kPending);
    Pending proven = *std::exchange(pending_, std::nullopt);
    if (proven.incarnation != remote_incarnation_) agent_.on_peer_restarted();
    adopt(std::move(proven.session), proven.incarnation);
    if (proven.is_new_address) {
        if (address_) drop_address(CloseReason::kPeerRestarted);
        address_ = proven.address;
    }
    agent_.on_established(now, route);
    tell_unproven(route);
}

// ---- the session

void PeerLink::adopt(session::PeerSession session, Incarnation incarnation) {
    release_session();
    session_ = std::move(session);
    if (address_ && incarnation != remote_incarnation_ && !attempt_address_ && !pending_) {
        drop_address(CloseReason::kPeerRestarted);
    }
    if (incarnation != remote_incarnation_) parts_.clear();
    remote_incarnation_ = incarnation;
    lost_ = false;
    timers_.stop(Timer::kIntroduction);
    timers_.stop(Timer::kRetry);
}

void PeerLink::release_session() {
    if (!session_) return;
    for (const SessionIndex index : session_->all_indices()) shared_.indices.release(index);
    while (const auto index = session_->take_retired_index()) shared_.indices.release(*index);
    session_.reset();
}

void PeerLink::drop_address(CloseReason reason) {
    shared_.enet.release(*address_);
    address_.reset();
    if (std::exchange(connected_, false)) {
        shared_.events.emplace_back(PeerClosed{.peer = number_, .id = id_, .reason = reason});
    }
}

}  // namespace pinhole::node
