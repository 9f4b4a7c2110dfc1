#include "tests/bench/load_peers.hpp"

#include <fmt/format.h>

#include "shared/net/clock.hpp"
#include "shared/session/prologue.hpp"
#include "shared/wire/kind.hpp"

namespace pinhole::bench {
namespace {

/// An answer that has not come by then never will: the datagram, or the answer, was lost.
constexpr Duration kRepeatAfter = 500ms;
/// A server gives a peer up after 90 s, and a turn of all takes longer while more come.
constexpr Duration kKeptInterval = 40s;
constexpr std::size_t kTurnsMin = 1000;

SessionIndex index_of(std::size_t peer) {
    return SessionIndex{static_cast<std::uint32_t>(peer + 1)};
}

wire::Id id_of(std::size_t peer) {
    return *wire::Id::parse(fmt::format("load-{}", peer));
}

IntroductionNonce nonce_of(std::size_t peer) {
    IntroductionNonce out{};
    for (std::size_t i = 0; i < sizeof peer; ++i) {
        out[i] = static_cast<std::byte>((peer + 1) >> (8 * i));  // zeros are nobody's nonce
    }
    return out;
}

std::size_t peer_of(const IntroductionNonce& nonce) {
    std::size_t out = 0;
    for (std::size_t i = 0; i < sizeof out; ++i) {
        out |= std::to_integer<std::size_t>(nonce[i]) << (8 * i);
    }
    return out - 1;
}

}  // namespace

bool LoadPeers::grow_to(std::size_t count, std::size_t in_flight, bool keeps_alive) {
    keeps_alive_ = keeps_alive;
    kept_at_ = net::now();
    return count <= size() || enter(size(), count, in_flight);
}

bool LoadPeers::come_back(std::size_t count, std::size_t in_flight) {
    keeps_alive_ = false;
    restart();
    return enter(0, count, in_flight);
}

bool LoadPeers::enter(std::size_t first, std::size_t last, std::size_t in_flight) {
    while (first < last || !entering_.empty()) {
        while (first < last && entering_.size() < in_flight) begin(first++);
        if (keeps_alive_) keep_registered();
        flush();
        if (receive(10) == 0 && !tend()) return false;
    }
    return true;
}

bool LoadPeers::tend() {
    const Instant now = net::now();
    for (auto& [peer, entering] : entering_) {
        if (now > entering.attempt.expires()) return false;
        if (now - entering.sent > kRepeatAfter) send_initiation(peer, entering);
    }
    return true;
}

void LoadPeers::keep_registered() {
    // One of n has its turn every interval / n.
    const Duration turn = kKeptInterval / static_cast<Duration::rep>(std::max(size(), kTurnsMin));
    for (const Instant now = net::now(); kept_at_ + turn <= now; kept_at_ += turn) {
        next_kept_ = next_kept_ + 1 < size() ? next_kept_ + 1 : 0;
        send_keepalive(next_kept_, false);
    }
}

session::LocalSide LoadPeers::local_side(std::size_t peer) const {
    return {.keys = keys_[peer],
            .psk = no_psk_,
            .features = 0,
            .incarnation = Incarnation{incarnation_}};
}

void LoadPeers::begin(std::size_t peer) {
    while (keys_.size() <= peer) keys_.push_back(crypto::KeyPair::generate(random_));
    if (sessions_.size() <= peer) sessions_.resize(peer + 1);
    auto attempt = session::Attempt::start(
        net::now(), local_side(peer),
        {.remote = server_, .prologue = session::server_prologue(), .sender = index_of(peer)},
        random_);
    assert(attempt);
    const auto [entry, is_new] = entering_.try_emplace(peer, Entering{std::move(*attempt)});
    if (is_new) send_initiation(peer, entry->second);
}

void LoadPeers::send_initiation(std::size_t peer, Entering& entering) {
    entering.sent = net::now();
    const session::HandshakeBuffer message = entering.attempt.initiation(entering.cookie);
    std::ranges::copy(message.bytes(), sources_.room().begin());
    sources_.send(static_cast<std::uint32_t>(peer), message.bytes().size());
}

template <class Frame>
void LoadPeers::send(std::size_t peer, const Frame& frame) {
    const MutableBytes room = sources_.room();
    const std::size_t size = wire::encode(frame, room.subspan(wire::kTransportHeaderSize));
    const MutableBytes datagram = room.first(size + wire::kTransportOverhead);
    if (sessions_[peer] && sessions_[peer]->seal_in_place(datagram)) {
        sources_.send(static_cast<std::uint32_t>(peer), datagram.size());
    }
}

void LoadPeers::send_keepalive(std::size_t peer, bool wants_ack) {
    send(peer, wire::Keepalive{.wants_ack = wants_ack});
}

void LoadPeers::ask_for(std::size_t peer, std::size_t other) {
    asked_[peer] = net::now();
    send(peer, wire::Connect{.nonce = nonce_of(peer), .target = id_of(other)});
}

std::size_t LoadPeers::receive(int wait_ms) {
    return sources_.receive(wait_ms, [this](MutableBytes datagram) { take(datagram); });
}

void LoadPeers::take(MutableBytes datagram) {
    const auto kind = wire::classify(datagram);
    if (!kind) return;
    if (*kind == wire::Kind::kRetry) {
        const auto retry = wire::parse_retry(datagram);
        if (!retry) return;
        const std::size_t peer = retry->receiver.value() - 1;
        const auto found = entering_.find(peer);
        if (found == entering_.end()) return;
        found->second.cookie = retry->cookie;
        send_initiation(peer, found->second);
    } else if (*kind == wire::Kind::kHandshakeResponse) {
        const auto response = wire::parse_response(datagram);
        if (response) take_response(response->receiver.value() - 1, datagram);
    } else if (*kind == wire::Kind::kTransport) {
        const auto header = wire::parse_transport_header(datagram);
        if (!header) return;
        const std::size_t peer = header->receiver.value() - 1;
        if (peer >= sessions_.size() || !sessions_[peer]) return;
        const auto opened = sessions_[peer]->open_in_place(net::now(), *header, datagram);
        if (opened) take_frame(peer, opened->frame);
    }
}

void LoadPeers::take_response(std::size_t peer, Bytes datagram) {
    const auto found = entering_.find(peer);
    if (found == entering_.end()) return;
    const auto finished = found->second.attempt.handle_response(*wire::parse_response(datagram));
    if (!finished) return;
    sessions_[peer].emplace(net::now(), context_, server_, finished->keys);
    send(peer, wire::Register{.request = 1, .id = id_of(peer)});
}

void LoadPeers::take_frame(std::size_t peer, Bytes frame) {
    const auto parsed = wire::parse_server_frame(frame);
    if (!parsed) return;
    if (const auto* keepalive = std::get_if<wire::Keepalive>(&*parsed)) {
        if (keepalive->is_ack) ++acknowledged_;
    } else if (std::holds_alternative<wire::Registered>(*parsed)) {
        entering_.erase(peer);
    } else if (const auto* introduction = std::get_if<wire::Introduction>(&*parsed)) {
        const auto asked = asked_.find(peer_of(introduction->nonce));
        if (peer != peer_of(introduction->nonce)) {
            send(peer, wire::Accept{.nonce = introduction->nonce});
        } else if (asked != asked_.end()) {
            introduction_times_.push_back(net::now() - asked->second);
            asked_.erase(asked);
        }
    }
}

}  // namespace pinhole::bench
