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
    : context_(&context), remote_(remote), current_(keys), epoch_started_(now) {}

template <std::size_t W>
auto Session<W>::open(Instant now, const wire::TransportHeader& header, Bytes datagram,
                      MutableBytes out) -> Parsed<Opened> {
    const auto opened = [](MutableBytes frame) { return Opened{.frame = frame}; };
    if (header.receiver == current_.indices().local) {
        auto frame = current_.open(header, datagram, out).map(opened);
        if (frame && change_) change_->prove_at = kNever;
        return frame;
    }
    if (!change_) return dropped(Drop::kUnknownSession);
    if (const auto& previous = change_->previous;
        previous && header.receiver == previous->epoch.indices().local) {
        if (now >= previous->until) return dropped(Drop::kStale);
        return previous->epoch.open(header, datagram, out).map(opened);
    }
    if (auto& waiting = change_->next;
        waiting && header.receiver == waiting->epoch.indices().local) {
        const auto frame = waiting->epoch.open(header, datagram, out);
        if (!frame) return dropped(frame.error());
        const auto next = std::exchange(waiting, nullptr);
        move_to(now, std::move(next->epoch));
        return Opened{.frame = *frame, .moved_to_next_epoch = true};
    }
    return dropped(Drop::kUnknownSession);
}

template <std::size_t W>
Instant Session<W>::rekey_due() const {
    if (!context_->policy.begins) return kNever;
    const Duration age = data_sent_ ? context_->policy.busy : context_->policy.idle;
    const std::uint64_t messages = std::max(current_.sealed(), current_.opened());
    const bool many = messages >= context_->policy.messages;
    const Instant due = many ? epoch_started_ : epoch_started_ + age;
    return change_ ? std::max(change_->retry_at, due) : due;
}

template <std::size_t W>
bool Session<W>::wants_rekey(Instant now) const {
    const bool is_under_way = change_ && (change_->own || change_->next);
    return !is_under_way && now >= rekey_due();
}

template <std::size_t W>
void Session<W>::start_rekey(Instant now, SessionIndex fresh, Random& random) {
    Change& to = change();
    assert(!to.own && !to.next);
    const Prologue prologue = rekey_prologue(current_.handshake_hash());
    to.own = std::make_unique<OwnRekey>(OwnRekey{
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
    const auto size = to.own->noise.write_message_1({}, noise.storage());
    assert(size.has_value());
    noise.resize(*size);
    to.own->message_1.resize(write_rekey(wire::Rekey::Step::kMessage1,
                                         {.local = fresh, .remote = SessionIndex{}}, noise.bytes(),
                                         to.own->message_1.storage()));
    to.send_message_1 = true;
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
    Change& to = change();
    if (to.next && to.next->ephemeral == *ephemeral) {  // a repeat: our answer was lost
        to.next->until = now + kProofWait;
        to.send_message_2 = true;
        return false;
    }
    // Glare: if both rekey, the attempt of the smaller key stands.
    if (to.own && context_->keys.public_key < remote_) return dropped(Drop::kUnexpected);
    if (now < to.answer_at) return dropped(Drop::kLimit);
    to.answer_at = now + kRekeyRepeat;

    const Prologue prologue = rekey_prologue(current_.handshake_hash());
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
    if (to.next) retire(to.next->epoch.indices().local);
    const EpochIndices indices{.local = fresh, .remote = frame.sender};
    to.next = std::make_unique<RemoteRekey>(
        RemoteRekey{.epoch = Epoch<W>{make_epoch_keys(noise, current_.suite(), indices)},
                    .ephemeral = *ephemeral,
                    .until = now + kProofWait,
                    .message_2 = {}});
    to.next->message_2.resize(write_rekey(wire::Rekey::Step::kMessage2, indices, answer.bytes(),
                                          to.next->message_2.storage()));
    to.send_message_2 = true;
    return true;
}

template <std::size_t W>
Parsed<bool> Session<W>::handle_message_2(Instant now, const wire::Rekey& frame) {
    if (!change_ || !change_->own || frame.receiver != change_->own->index) {
        return dropped(Drop::kUnexpected);
    }
    const auto read = change_->own->noise.read_message_2(frame.noise, {});
    if (!read) return dropped(read.error());
    const auto own = std::exchange(change_->own, nullptr);
    change_->send_message_1 = false;
    move_to(now, Epoch<W>{make_epoch_keys(own->noise, current_.suite(),
                                          {.local = own->index, .remote = frame.sender})});
    // The other side moves on when it hears us under the new keys: say something until it does.
    change_->send_proof = true;
    change_->prove_at = now + kRekeyRepeat;
    return false;
}

template <std::size_t W>
std::size_t Session<W>::poll_frame(MutableBytes out) {
    if (!change_) return 0;
    if (std::exchange(change_->send_message_2, false) && change_->next) {
        return Writer{out}.bytes(change_->next->message_2.bytes()).size();
    }
    if (std::exchange(change_->send_message_1, false) && change_->own) {
        return Writer{out}.bytes(change_->own->message_1.bytes()).size();
    }
    if (std::exchange(change_->send_proof, false)) {
        return wire::encode(wire::Keepalive{.wants_ack = true}, out);
    }
    return 0;
}

template <std::size_t W>
void Session<W>::move_to(Instant now, Epoch<W> next) {
    Change& from = change();
    if (from.previous) retire(from.previous->epoch.indices().local);
    from.previous = std::make_unique<Straggling>(
        Straggling{.epoch = std::move(current_), .until = now + kOldKeysLifetime});
    current_ = std::move(next);
    epoch_started_ = now;
    ++epoch_number_;
    data_sent_ = false;
    from.retry_at = {};
    from.prove_at = kNever;
    drop_own_rekey();
}

template <std::size_t W>
void Session<W>::handle_timeout(Instant now) {
    if (!change_) return;
    Change& at = *change_;
    if (at.previous && now >= at.previous->until) {
        retire(at.previous->epoch.indices().local);
        at.previous.reset();
    }
    if (at.next && now >= at.next->until) {
        retire(at.next->epoch.indices().local);
        at.next.reset();
    }
    if (now >= at.prove_at) {
        at.send_proof = true;
        at.prove_at = now < epoch_started_ + kOldKeysLifetime ? now + kRekeyRepeat : kNever;
    }
    if (at.own && now >= at.own->started + kRekeyPatience) {
        drop_own_rekey();
        at.failed = true;
        at.retry_at = now + kRekeyPause;
    } else if (at.own && now >= at.own->repeat_at) {
        at.own->repeat_at = now + kRekeyRepeat;
        at.send_message_1 = true;
    }
    if (at.is_over(now)) change_.reset();
}

template <std::size_t W>
bool Session<W>::Change::is_over(Instant now) const {
    const bool holds_something = previous || next || own || !retired.empty();
    const bool has_to_say = send_message_1 || send_message_2 || send_proof || failed;
    return !holds_something && !has_to_say && prove_at == kNever && now >= retry_at &&
           now >= answer_at;
}

template <std::size_t W>
Instant Session<W>::next_timeout() const {
    if (!change_) return rekey_due();
    const auto& own = change_->own;
    const auto& previous = change_->previous;
    const Instant at = std::min(change_->prove_at, previous ? previous->until : kNever);
    if (own) return std::min({at, own->repeat_at, own->started + kRekeyPatience});
    return std::min(at, change_->next ? change_->next->until : rekey_due());
}

template <std::size_t W>
auto Session<W>::change() -> Change& {
    if (!change_) change_ = std::make_unique<Change>();
    return *change_;
}

template <std::size_t W>
void Session<W>::retire(SessionIndex index) {
    const bool kept = change().retired.push_back(index);
    assert(kept);  // drained after every call, and no call retires more than three
}

template <std::size_t W>
void Session<W>::drop_own_rekey() {
    if (!change_ || !change_->own) return;
    retire(change_->own->index);
    change_->own.reset();
    change_->send_message_1 = false;
}

template <std::size_t W>
std::optional<SessionIndex> Session<W>::take_retired_index() {
    if (!change_ || change_->retired.empty()) return std::nullopt;
    auto& retired = change_->retired;
    const SessionIndex index = retired[retired.size() - 1];
    retired.pop_back();
    return index;
}

template <std::size_t W>
BoundedVector<SessionIndex, 4> Session<W>::all_indices() const {
    BoundedVector<SessionIndex, 4> out{current_.indices().local};
    if (!change_) return out;
    if (change_->previous) out.push_back(change_->previous->epoch.indices().local);
    if (change_->next) out.push_back(change_->next->epoch.indices().local);
    if (change_->own) out.push_back(change_->own->index);
    return out;
}

template class Session<kPeerWindowBits>;
template class Session<kServerWindowBits>;

}  // namespace pinhole::session
