#include "shared/session/session.hpp"

#include <utility>

namespace pinhole::session {
namespace {

/// A rekey's message 1 and 2 carry no payload: features, incarnation and ENet stay as they are.
using RekeyNoise = ByteBuffer<wire::kNoiseMessage1Overhead>;

std::size_t write_rekey(wire::Rekey::Step step, const EpochIndices& indices, Bytes noise,
                        MutableBytes out) {
    return wire::encode(
        wire::Rekey{
            .step = step, .sender = indices.local, .receiver = indices.remote, .noise = noise},
        out);
}

}  // namespace

template <std::size_t W>
Session<W>::Session(Instant now, const SessionContext& context, const crypto::PublicKey& remote,
                    const EpochKeys& keys)
    : context_(&context),
      remote_(remote),
      current_(std::make_unique<Epoch<W>>(keys)),
      epoch_started_(now) {}

template <std::size_t W>
auto Session<W>::open(Instant now, const wire::TransportHeader& header, Bytes datagram,
                      MutableBytes out) -> Parsed<Opened> {
    const auto opened = [](MutableBytes frame) { return Opened{.frame = frame}; };
    if (header.receiver == current_->indices().local) {
        auto frame = current_->open(header, datagram, out).map(opened);
        if (frame) prove_at_ = kNever;
        return frame;
    }
    if (previous_ && header.receiver == previous_->epoch.indices().local) {
        if (now >= previous_->until) return dropped(Drop::kStale);
        return previous_->epoch.open(header, datagram, out).map(opened);
    }
    if (next_ && header.receiver == next_->epoch.indices().local) {
        const auto frame = next_->epoch.open(header, datagram, out);
        if (!frame) return dropped(frame.error());
        const auto next = std::exchange(next_, nullptr);
        move_to(now, std::move(next->epoch));
        return Opened{.frame = *frame, .moved_to_next_epoch = true};
    }
    return dropped(Drop::kUnknownSession);
}

template <std::size_t W>
Instant Session<W>::rekey_due() const {
    if (!context_->policy.begins) return kNever;
    const Duration age = data_sent_ ? context_->policy.busy : context_->policy.idle;
    const std::uint64_t messages = std::max(current_->sealed(), current_->opened());
    const bool many = messages >= context_->policy.messages;
    return std::max(retry_at_, many ? epoch_started_ : epoch_started_ + age);
}

template <std::size_t W>
bool Session<W>::wants_rekey(Instant now) const {
    return !own_ && !next_ && now >= rekey_due();
}

template <std::size_t W>
void Session<W>::start_rekey(Instant now, SessionIndex fresh, Random& random) {
    assert(!own_ && !next_);
    const Prologue prologue = rekey_prologue(current_->handshake_hash());
    own_ = std::make_unique<OwnRekey>(OwnRekey{
        .noise = crypto::NoiseHandshake::initiator(
            {.local = context_->keys, .prologue = prologue.bytes(), .psk = context_->psk}, remote_,
            crypto::KeyPair::generate(random)),
        .index = fresh,
        .started = now,
        .repeat_at = now + kRekeyRepeat,
        .message_1 = {},
    });
    RekeyNoise noise;
    // The remote key passed a handshake already, so it is no point of small order.
    const auto size = own_->noise.write_message_1({}, noise.storage());
    assert(size.has_value());
    noise.resize(*size);
    own_->message_1.resize(write_rekey(wire::Rekey::Step::kMessage1,
                                       {.local = fresh, .remote = SessionIndex{}}, noise.bytes(),
                                       own_->message_1.storage()));
    send_message_1_ = true;
}

template <std::size_t W>
Parsed<bool> Session<W>::handle_rekey(Instant now, const wire::Rekey& frame, SessionIndex fresh,
                                      Random& random) {
    if (frame.step == wire::Rekey::Step::kMessage2) return handle_message_2(now, frame);
    return handle_message_1(now, frame, fresh, random);
}

template <std::size_t W>
Parsed<bool> Session<W>::handle_message_1(Instant now, const wire::Rekey& frame, SessionIndex fresh,
                                          Random& random) {
    const auto ephemeral = crypto::ephemeral_of_message_1(frame.noise);
    if (!ephemeral) return dropped(ephemeral.error());
    if (next_ && next_->ephemeral == *ephemeral) {  // a repeat: our answer was lost
        next_->until = now + kProofWait;
        send_message_2_ = true;
        return false;
    }
    // Glare: if both rekey, the attempt of the smaller key stands.
    if (own_ && context_->keys.public_key < remote_) return dropped(Drop::kUnexpected);
    if (now < answer_at_) return dropped(Drop::kLimit);
    answer_at_ = now + kRekeyRepeat;

    const Prologue prologue = rekey_prologue(current_->handshake_hash());
    auto noise = crypto::NoiseHandshake::responder(
        {.local = context_->keys, .prologue = prologue.bytes(), .psk = context_->psk},
        crypto::KeyPair::generate(random));
    const auto read = noise.read_message_1(frame.noise, {});
    if (!read) return dropped(read.error());
    if (noise.remote_static() != remote_) return dropped(Drop::kBadKey);
    RekeyNoise answer;
    const auto size = noise.write_message_2({}, answer.storage());
    if (!size) return dropped(size.error());
    answer.resize(*size);

    drop_own_rekey();
    if (next_) retire(next_->epoch.indices().local);
    const EpochIndices indices{.local = fresh, .remote = frame.sender};
    next_ = std::make_unique<RemoteRekey>(
        RemoteRekey{.epoch = Epoch<W>{make_epoch_keys(noise, current_->suite(), indices)},
                    .ephemeral = *ephemeral,
                    .until = now + kProofWait,
                    .message_2 = {}});
    next_->message_2.resize(write_rekey(wire::Rekey::Step::kMessage2, indices, answer.bytes(),
                                        next_->message_2.storage()));
    send_message_2_ = true;
    return true;
}

template <std::size_t W>
Parsed<bool> Session<W>::handle_message_2(Instant now, const wire::Rekey& frame) {
    if (!own_ || frame.receiver != own_->index) return dropped(Drop::kUnexpected);
    const auto read = own_->noise.read_message_2(frame.noise, {});
    if (!read) return dropped(read.error());
    const auto own = std::exchange(own_, nullptr);
    send_message_1_ = false;
    move_to(now, Epoch<W>{make_epoch_keys(own->noise, current_->suite(),
                                          {.local = own->index, .remote = frame.sender})});
    // The other side moves on when it hears us under the new keys: say something until it does.
    send_proof_ = true;
    prove_at_ = now + kRekeyRepeat;
    return false;
}

template <std::size_t W>
std::size_t Session<W>::poll_frame(MutableBytes out) {
    if (std::exchange(send_message_2_, false) && next_) {
        return Writer{out}.bytes(next_->message_2.bytes()).size();
    }
    if (std::exchange(send_message_1_, false) && own_) {
        return Writer{out}.bytes(own_->message_1.bytes()).size();
    }
    if (std::exchange(send_proof_, false)) {
        return wire::encode(wire::Keepalive{.wants_ack = true}, out);
    }
    return 0;
}

template <std::size_t W>
void Session<W>::move_to(Instant now, Epoch<W> next) {
    if (previous_) retire(previous_->epoch.indices().local);
    previous_ = std::make_unique<Straggling>(
        Straggling{.epoch = std::move(*current_), .until = now + kOldKeysLifetime});
    *current_ = std::move(next);
    epoch_started_ = now;
    retry_at_ = {};
    ++epoch_number_;
    data_sent_ = false;
    prove_at_ = kNever;
    drop_own_rekey();
}

template <std::size_t W>
void Session<W>::handle_timeout(Instant now) {
    if (previous_ && now >= previous_->until) {
        retire(previous_->epoch.indices().local);
        previous_.reset();
    }
    if (next_ && now >= next_->until) {
        retire(next_->epoch.indices().local);
        next_.reset();
    }
    if (now >= prove_at_) {
        send_proof_ = true;
        prove_at_ = now < epoch_started_ + kOldKeysLifetime ? now + kRekeyRepeat : kNever;
    }
    if (!own_) return;
    if (now >= own_->started + kRekeyPatience) {
        drop_own_rekey();
        rekey_failed_ = true;
        retry_at_ = now + kRekeyPause;
    } else if (now >= own_->repeat_at) {
        own_->repeat_at = now + kRekeyRepeat;
        send_message_1_ = true;
    }
}

template <std::size_t W>
Instant Session<W>::next_timeout() const {
    const Instant at = std::min(prove_at_, previous_ ? previous_->until : kNever);
    if (own_) return std::min({at, own_->repeat_at, own_->started + kRekeyPatience});
    return std::min(at, next_ ? next_->until : rekey_due());
}

template <std::size_t W>
void Session<W>::retire(SessionIndex index) {
    const bool kept = retired_.push_back(index);
    assert(kept);  // drained after every call, and no call retires more than three
}

template <std::size_t W>
void Session<W>::drop_own_rekey() {
    if (!own_) return;
    retire(own_->index);
    own_.reset();
    send_message_1_ = false;
}

template <std::size_t W>
std::optional<SessionIndex> Session<W>::take_retired_index() {
    if (retired_.empty()) return std::nullopt;
    const SessionIndex index = retired_[retired_.size() - 1];
    retired_.pop_back();
    return index;
}

template <std::size_t W>
BoundedVector<SessionIndex, 4> Session<W>::all_indices() const {
    BoundedVector<SessionIndex, 4> out{current_->indices().local};
    if (previous_) out.push_back(previous_->epoch.indices().local);
    if (next_) out.push_back(next_->epoch.indices().local);
    if (own_) out.push_back(own_->index);
    return out;
}

template class Session<kPeerWindowBits>;
template class Session<kServerWindowBits>;

}  // namespace pinhole::session
