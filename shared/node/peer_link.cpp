#include "shared/node/peer_link.hpp"

#include <utility>

#include "shared/crypto/mac.hpp"

namespace pinhole::node {

PeerLink::PeerLink(PeerNumber number, const Id& id, const Shared& shared)
    : number_(number),
      id_(id),
      shared_(shared),
      agent_(shared.random, shared.spray_permit, traversal::Sizes{}) {}

PeerLink::~PeerLink() {
    drop_attempt();
    drop_pending();
    release_session();
    shared_.spares.close_all_of({number_});
    if (address_) shared_.enet.release(*address_);
}

// ---- frames

void PeerLink::push(const Path& path, Bytes datagram, std::optional<std::uint8_t> ttl) {
    if (!shared_.out.push({.path = path, .bytes = datagram, .ttl = ttl})) {
        shared_.drops.add(Drop::kLimit);
    }
}

void PeerLink::dispatch(const Route& route, Bytes sealed, Outgoing& outgoing) {
    if (sealed.empty()) return shared_.drops.add(Drop::kLimit);
    if (route.is_direct()) return leave(route.path(), outgoing);
    if (handle_) shared_.rendezvous.relay(*handle_, outgoing);
}

void PeerLink::leave(const Path& path, Outgoing& outgoing) {
    if (!outgoing.leave(path)) shared_.drops.add(Drop::kLimit);
}

void PeerLink::begin_burst(Instant now) {
    burst_ = {.began_at = now, .routes = agent_.routes(now)};
    burst_.frame_max = frame_max(burst_.routes);
}

void PeerLink::send_enet(const reliable::EnetTransmit& transmit) {
    // While no session exists ENet's repeats go nowhere; it repeats them again.
    if (!session_ || transmit.to != address_ || !burst_.routes.primary) return;
    if (transmit.with_headroom.size() <= burst_.frame_max) {
        wire::tag_enet_frame(transmit.with_headroom);
        return send_data(transmit.with_headroom);
    }
    const std::size_t count = count_parts(transmit.bytes.size(), burst_.frame_max);
    if (count == 0) return shared_.drops.add(Drop::kLimit);
    const std::uint16_t id = next_part_id_++;
    FixedBytes<kPartHeader + kPieceMax> frame;
    for (std::size_t i = 0; i < count; ++i) {
        const wire::Part part{.id = id,
                              .index = static_cast<std::uint8_t>(i),
                              .count = static_cast<std::uint8_t>(count),
                              .piece = piece_of(transmit.bytes, i, count)};
        send_data(Bytes{frame}.first(wire::encode(part, frame)));
    }
}

std::size_t PeerLink::frame_max(const traversal::Routes& routes) const {
    std::size_t longest = kUdpPayloadProbed;
    for (const auto& route : {routes.primary, routes.duplicate}) {
        if (!route) continue;
        const std::size_t payload =
            route->is_direct() ? agent_.payload_max(route->path())
                               : kUdpPayloadMax - wire::kTransportOverhead - kRelayFrameHeader;
        longest = std::min(longest, payload);
    }
    return longest - wire::kTransportOverhead;
}

void PeerLink::send_data(Bytes frame) {
    const auto& [primary, duplicate] = burst_.routes;
    const bool is_relayed_only = primary->is_relay() && !(duplicate && duplicate->is_direct());
    Outgoing outgoing{shared_.out, is_relayed_only ? Outgoing::Way::kRelay : Outgoing::Way::kDirect,
                      frame.size()};
    const Bytes sealed = outgoing.seal(*session_, frame);
    if (sealed.empty()) return shared_.drops.add(Drop::kLimit);
    session_->on_data_sent();
    agent_.on_data_sent(burst_.began_at, sealed.size());
    if (is_relayed_only) {
        if (handle_) shared_.rendezvous.relay(*handle_, outgoing);
        return;
    }
    const Route& first = primary->is_direct() ? *primary : *duplicate;
    leave(first.path(), outgoing);
    if (!duplicate) return;
    // What was sealed once is sent twice; where it stands it stays.
    const Route& second = primary->is_direct() ? *duplicate : *primary;
    if (second.is_direct()) return push(second.path(), sealed);
    if (handle_) relay(sealed);
}

void PeerLink::relay(Bytes message) {
    Outgoing outgoing{shared_.out, Outgoing::Way::kRelay};
    outgoing.set_message(message);
    shared_.rendezvous.relay(*handle_, outgoing);
}

void PeerLink::follow_datagram_size(Instant now) {
    const std::size_t payload = agent_.payload_max();
    const std::size_t size = payload > kUdpPayloadMax
                                 ? payload - wire::kTransportOverhead - reliable::kEnetHeadroom
                                 : kDatagramSizeMin;
    const bool is_black_hole =
        std::exchange(black_holes_, agent_.black_holes()) != agent_.black_holes();
    if (std::exchange(sized_address_, address_) != address_) datagram_size_ = kDatagramSizeMin;
    reliable::EnetHost& enet = shared_.enet.host();
    if (datagram_size_ > kDatagramSizeMin && address_ &&
        enet.take_largest_arrived(*address_) == datagram_size_) {
        agent_.on_large_arrived(now);
    }
    if (size == datagram_size_ || !is_connected()) return;
    datagram_size_ = size;
    enet.set_datagram_size(*address_, size);
    if (!is_black_hole) return;
    // What the hole swallowed was repeated into it, and by now ENet's timers have doubled.
    enet.on_path_restored(now, *address_, agent_.rtt().value_or(kUnmeasuredRoundTrip));
}

bool PeerLink::handle_transport(Instant now, const Route& route,
                                const wire::TransportHeader& header, const Opening& in) {
    Parsed<session::PeerSession::Opened> opened = dropped(Drop::kUnknownSession);
    bool is_first = false;
    if (session_) opened = session_->open(now, header, in.datagram, in.room);
    if (!opened && opened.error() == Drop::kUnknownSession && pending_) {
        opened = pending_->session.open(now, header, in.datagram, in.room);
        is_first = opened.has_value();
        if (is_first) confirm_pending(now, route);
    }
    if (!opened) return drop(opened.error());
    lost_ = false;
    auto frame = wire::parse_peer_frame(opened->frame);
    if (!frame) return drop(frame.error());
    // What the peer selected is its latest word; an older one comes late by the slower route.
    if (auto* challenge = std::get_if<wire::Challenge>(&*frame); challenge && challenge->selected) {
        challenge->selected = !is_overtaken(header, selection_told_);
    }
    const bool tells_nat = std::holds_alternative<wire::NatBehaviorFrame>(*frame) ||
                           std::holds_alternative<wire::SprayOk>(*frame);
    if (tells_nat && is_overtaken(header, nat_told_)) return drop(Drop::kStale);
    handle_frame(now, route, *frame);
    const bool is_enet = std::holds_alternative<wire::EnetFrame>(*frame) ||
                         std::holds_alternative<wire::Part>(*frame);
    return is_enet && !is_first;
}

bool PeerLink::drop(Drop reason) {
    shared_.drops.add(reason);
    return false;
}

bool PeerLink::is_overtaken(const wire::TransportHeader& header, wire::TransportHeader& latest) {
    const bool is_same_epoch = header.receiver == latest.receiver;
    const bool is_late = is_same_epoch ? header.counter < latest.counter
                                       : latest.receiver == session_->indices().local;
    if (!is_late) latest = header;
    return is_late;
}

void PeerLink::handle_frame(Instant now, const Route& route, const wire::PeerFrame& frame) {
    if (const auto* challenge = std::get_if<wire::Challenge>(&frame)) {
        return agent_.on_challenge(now, route, *challenge);
    }
    if (const auto* response = std::get_if<wire::Response>(&frame)) {
        return agent_.on_response(now, route, *response);
    }
    agent_.on_authenticated(now, route);
    if (const auto* enet = std::get_if<wire::EnetFrame>(&frame)) {
        if (address_) shared_.enet.host().handle_datagram(now, *address_, enet->datagram);
    } else if (const auto* candidates = std::get_if<wire::CandidatesFrame>(&frame)) {
        agent_.add_remote_candidates(now, fit_to_tell(candidates->candidates),
                                     traversal::Voucher::kPeer);
    } else if (const auto* keepalive = std::get_if<wire::Keepalive>(&frame)) {
        if (keepalive->wants_ack) {
            send_frame(route, wire::Keepalive{.is_ack = true, .sequence = keepalive->sequence});
        }
    } else if (const auto* rekey = std::get_if<wire::Rekey>(&frame)) {
        handle_rekey(now, *rekey);
    } else if (const auto* nat = std::get_if<wire::NatBehaviorFrame>(&frame)) {
        agent_.on_nat_behavior(now, *nat);
    } else if (const auto* grant = std::get_if<wire::SprayOk>(&frame)) {
        agent_.on_spray_ok(now, *grant);
    } else if (const auto* part = std::get_if<wire::Part>(&frame)) {
        handle_part(now, *part);
    } else if (std::holds_alternative<wire::Close>(frame)) {
        finish(CloseReason::kDone);
    } else {
        shared_.drops.add(Drop::kUnexpected);
    }
}

void PeerLink::handle_part(Instant now, const wire::Part& part) {
    const auto whole = parts_.add(now, part);
    if (whole && address_) shared_.enet.host().handle_datagram(now, *address_, *whole);
}

void PeerLink::handle_rekey(Instant now, const wire::Rekey& frame) {
    const auto fresh = shared_.indices.allocate({number_});
    if (!fresh) return shared_.drops.add(Drop::kLimit);
    const auto used = session_->handle_rekey(now, frame, *fresh, shared_.random);
    if (!used) shared_.drops.add(used.error());
    if (!used || !*used) shared_.indices.release(*fresh);
}

void PeerLink::on_enet_connected() {
    if (std::exchange(connected_, true)) return;
    shared_.events.emplace_back(
        PeerConnected{.peer = number_, .id = id_, .key = *key_, .incoming = incoming_});
    if (path_) shared_.events.emplace_back(*path_);
}

void PeerLink::on_enet_closed() {
    if (!leaving_) return finish(CloseReason::kDone);
    if (const auto primary = agent_.routes({}).primary) send_frame(*primary, wire::Close{});
    finish(CloseReason::kLocal);
}

void PeerLink::disconnect(Instant now) {
    wanted_ = false;
    keep_trying_ = false;
    if (asked_) shared_.rendezvous.cancel(*asked_);
    if (is_connected() && !lost_) {
        leaving_ = true;
        return shared_.enet.host().disconnect(now, *address_);
    }
    shutdown(now);
    finish(CloseReason::kLocal);
}

void PeerLink::refuse(CloseReason reason) {
    shared_.events.emplace_back(
        ConnectFailed{.peer = number_, .id = id_, .reason = reason, .retrying = false});
    finished_ = true;
}

void PeerLink::shutdown(Instant now) {
    const traversal::Routes routes = agent_.routes(now);
    if (routes.primary) send_frame(*routes.primary, wire::Close{});
    if (routes.duplicate) send_frame(*routes.duplicate, wire::Close{});
}

void PeerLink::finish(CloseReason reason) {
    if (finished_) return;
    finished_ = true;
    if (address_) drop_address(reason);
}

// ---- time

void PeerLink::handle_timeout(Instant now) {
    agent_.handle_timeout(now);
    if (session_) session_->handle_timeout(now);
    if (attempt_ && now >= attempt_until_) on_attempt_expired(now);
    if (attempt_ && relay_initiation_.take_due(now)) send_initiation_by_relay();
    if (timers_.take_expired(Timer::kPending, now)) on_pending_expired(now);
    if (timers_.take_expired(Timer::kResume, now) && session_) ask(now, true);
    if (timers_.take_expired(Timer::kRetry, now)) ask(now, false);
    if (timers_.take_expired(Timer::kIntroduction, now)) fail(now, CloseReason::kNoAnswer);
}

Instant PeerLink::next_timeout() const {
    Instant at = std::min(timers_.next(), agent_.next_timeout());
    if (session_) at = std::min(at, session_->next_timeout());
    if (attempt_) at = std::min({at, attempt_until_, relay_initiation_.at()});
    return at;
}

void PeerLink::drain(Instant now) {
    while (const auto action = agent_.poll_action()) take(now, *action);
    if (attempt_ && relay_initiation_.take_due(now)) send_initiation_by_relay();
    poll_session(now);
    follow_datagram_size(now);
}

void PeerLink::take(Instant now, const traversal::Action& action) {
    using namespace traversal;
    if (const auto* opener = std::get_if<SendOpener>(&action)) {
        FixedBytes<wire::kOpenerSize> datagram;
        wire::encode(wire::Opener{crypto::opener_mac(current_.nonce, current_.role)}, datagram);
        push(opener->path, datagram, opener->ttl);
    } else if (const auto* handshake = std::get_if<SendHandshake>(&action)) {
        if (attempt_ && !is_riding()) send_initiation(handshake->path);
    } else if (const auto* challenge = std::get_if<SendChallenge>(&action)) {
        send_frame(challenge->route, challenge->challenge);
    } else if (const auto* response = std::get_if<SendResponse>(&action)) {
        send_frame(response->route, response->response);
    } else if (const auto* keepalive = std::get_if<SendKeepalive>(&action)) {
        send_frame(keepalive->route, wire::Keepalive{});
    } else if (std::holds_alternative<TrickleCandidates>(action)) {
        // What the server saw of us last may be what stopped working.
        shared_.rendezvous.look_again(now);
        send_frame(
            Route::relay(),
            wire::CandidatesFrame{fit_to_tell(shared_.rendezvous.gathering().local_candidates())});
    } else if (const auto* changed = std::get_if<traversal::PathChanged>(&action)) {
        take(now, *changed);
    } else if (const auto* nat = std::get_if<TellNatBehavior>(&action)) {
        send_frame(Route::relay(), nat->frame);
    } else if (const auto* told = std::get_if<TellCandidates>(&action)) {
        send_frame(Route::relay(), wire::CandidatesFrame{fit_to_tell(told->candidates)});
    } else if (const auto* grant = std::get_if<SendSprayOk>(&action)) {
        send_frame(Route::relay(), grant->frame);
    } else if (const auto* open = std::get_if<OpenSpare>(&action)) {
        open_spare(now, *open);
    } else if (const auto* closed = std::get_if<CloseSpare>(&action)) {
        shared_.spares.close(closed->socket);
    } else if (std::holds_alternative<MeasurePorts>(action)) {
        wants_ports_ = true;
    } else if (!attempt_ && !pending_) {  // Lost
        lost_ = true;
        ask(now, false);
    }
}

void PeerLink::take(Instant now, const traversal::PathChanged& changed) {
    if (changed.reason == Reason::kLostDirect) shared_.rendezvous.look_again(now);
    const bool was_lost = path_ && path_->state == PathState::kLost;
    path_ = PathChanged{
        .peer = number_,
        .state = changed.state,
        .reason = changed.reason,
        .remote =
            changed.route.is_direct() ? std::optional{changed.route.path().remote} : std::nullopt,
        .round_trip_time = changed.rtt.value_or(Duration{}),
        .guesses = changed.guesses,
    };
    if (connected_) shared_.events.emplace_back(*path_);
    if (!address_ || changed.state == PathState::kLost) return;
    if (was_lost) {
        shared_.enet.host().on_path_restored(now, *address_, changed.rtt.value_or(kRetryInterval));
    } else if (changed.rtt) {
        shared_.enet.host().set_round_trip_time(*address_, *changed.rtt);
    }
}

void PeerLink::poll_session(Instant now) {
    if (!session_) return;
    if (session_->wants_rekey(now)) {
        if (const auto fresh = shared_.indices.allocate({number_})) {
            session_->start_rekey(now, *fresh, shared_.random);
        }
    }
    const auto [primary, duplicate] = agent_.routes(now);
    if (!std::exchange(is_duplicating_, duplicate.has_value()) && duplicate && address_) {
        // What went on the doubted path alone may be lost, and by now ENet's timers have doubled.
        shared_.enet.host().set_round_trip_time(
            *address_, std::max(agent_.rtt().value_or(Duration{}), kUnmeasuredRoundTrip));
    }
    const Route way = primary.value_or(Route::relay());
    for (;;) {
        Outgoing outgoing{shared_.out, way_of(way)};
        const std::size_t size = session_->poll_frame(outgoing.frame_room());
        if (size == 0) break;
        if (primary) dispatch(*primary, outgoing.seal(*session_, size), outgoing);
    }
    while (const auto index = session_->take_retired_index()) shared_.indices.release(*index);
    if (session_->take_rekey_failed()) ask(now, false);
}

}  // namespace pinhole::node
