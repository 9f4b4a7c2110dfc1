#include "tests/unit/traversal/pair_network.hpp"

#include <gtest/gtest.h>

namespace pinhole::traversal::test {

namespace {

const Endpoint kServer = *Endpoint::parse("203.0.113.1:4000");

/// RFC 4787: the part of the remote endpoint that a mapping or a filter looks at.
Endpoint key_of(Behavior behavior, Endpoint remote) {
    if (behavior == Behavior::kIndependent) return {};
    if (behavior == Behavior::kAddressDependent) remote.port = 0;
    return remote;
}

}  // namespace

std::size_t size_of(const Message& message) {
    constexpr std::size_t kSealed = 30;
    if (std::holds_alternative<OpenerMessage>(message)) return 18;
    if (std::holds_alternative<Message1>(message)) return 208;
    if (std::holds_alternative<Message2>(message)) return 140;
    if (const auto* challenge = std::get_if<wire::Challenge>(&message)) {
        return kSealed + 10 + challenge->padding;
    }
    if (std::holds_alternative<wire::Response>(message)) return kSealed + 9;
    if (std::holds_alternative<wire::Keepalive>(message)) return kSealed + 23;
    return kSealed + 300;
}

PairNetwork::PairNetwork() {
    hosts_[0] = std::make_unique<Host>(11, *Endpoint::parse("192.168.1.10:5000"),
                                       *IpAddress::parse("198.51.100.1"));
    hosts_[1] = std::make_unique<Host>(22, *Endpoint::parse("192.168.2.20:5000"),
                                       *IpAddress::parse("198.51.100.2"));
}

Endpoint PairNetwork::reflexive(int side) {
    return {host(side).external, map(host(side), kServer)};
}

wire::CandidateList PairNetwork::candidates_of(int side) {
    wire::CandidateList list{
        {.type = wire::CandidateType::kServerReflexive, .endpoint = reflexive(side)}};
    if (shares_host_candidates) {
        list.push_back({.type = wire::CandidateType::kHost, .endpoint = host(side).inside});
    }
    return list;
}

void PairNetwork::introduce(wire::Technique technique_a, wire::Technique technique_b) {
    host(kA).is_initiator = true;
    for (const int side : {kA, kB}) {
        host(side).own = candidates_of(side);
        agent(side).set_local(now_, {.v4 = kSocketV4}, host(side).own);
    }
    for (const int side : {kA, kB}) {
        agent(side).on_introduction(now_, {.role = side == kA ? Role::kAsker : Role::kAnswerer,
                                           .technique = side == kA ? technique_a : technique_b,
                                           .remote = host(1 - side).own,
                                           .initiates_handshake = side == kA,
                                           .has_relay = has_relay});
        drain(side);
    }
    if (has_relay) send(kA, Route::relay(), Message1{});
}

void PairNetwork::introduce_again() {
    for (const int side : {kA, kB}) {
        host(side).own = candidates_of(side);
        host(side).is_established = false;
    }
    introduce();
}

void PairNetwork::run(Duration length) {
    step_to(now_ + length);
}

bool PairNetwork::send_data(int side, int number) {
    const Routes routes = agent(side).routes(now_);
    for (const auto& route : {routes.primary, routes.duplicate}) {
        if (route) send(side, *route, Data{number});
    }
    agent(side).on_data_sent(now_, size_of(Data{}));
    drain(side);
    return routes.primary.has_value();
}

void PairNetwork::chat(Duration length, Duration interval) {
    const Instant end = now_ + length;
    while (now_ < end) {
        send_data(kA, -1);
        send_data(kB, -1);
        run(interval);
    }
}

PathState PairNetwork::state(int side) {
    EXPECT_FALSE(host(side).changes.empty()) << "side " << side << " never reported a path";
    return host(side).changes.empty() ? PathState::kLost : host(side).changes.back().change.state;
}

Reason PairNetwork::reason(int side) {
    EXPECT_FALSE(host(side).changes.empty()) << "side " << side << " never reported a path";
    return host(side).changes.empty() ? Reason::kSilence : host(side).changes.back().change.reason;
}

void PairNetwork::rebind(int side) {
    host(side).mappings.clear();
    host(side).opened.clear();
}

void PairNetwork::step_to(Instant at) {
    int steps = 0;
    while (true) {
        ASSERT_LT(++steps, 200'000) << "an agent wants to be woken without an end";
        Instant next = flights_.empty() ? kNever : flights_.begin()->first;
        for (const int side : {kA, kB}) next = std::min(next, agent(side).next_timeout());
        if (next > at) break;
        now_ = std::max(now_, next);
        if (!flights_.empty() && flights_.begin()->first <= now_) {
            const Flight flight = flights_.begin()->second;
            flights_.erase(flights_.begin());
            deliver(flight);
            continue;
        }
        for (const int side : {kA, kB}) {
            if (agent(side).next_timeout() > now_) continue;
            agent(side).handle_timeout(now_);
            drain(side);
        }
    }
    now_ = at;
}

void PairNetwork::drain(int side) {
    while (const auto action = agent(side).poll_action()) take(side, *action);
}

void PairNetwork::take(int side, const Action& action) {
    Host& me = host(side);
    if (const auto* opener = std::get_if<SendOpener>(&action)) {
        me.openers.emplace_back(now_, *opener);
        me.started_bytes[opener->path.remote.ip] += size_of(OpenerMessage{});
        send(side, Route::direct(opener->path), OpenerMessage{}, opener->ttl.has_value());
    } else if (const auto* handshake = std::get_if<SendHandshake>(&action)) {
        me.started_bytes[handshake->path.remote.ip] += size_of(Message1{});
        send(side, Route::direct(handshake->path), Message1{});
    } else if (const auto* challenge = std::get_if<SendChallenge>(&action)) {
        me.challenges.emplace_back(now_, *challenge);
        if (challenge->route.is_direct()) {
            me.started_bytes[challenge->route.path().remote.ip] += size_of(challenge->challenge);
        }
        send(side, challenge->route, challenge->challenge);
    } else if (const auto* response = std::get_if<SendResponse>(&action)) {
        send(side, response->route, response->response);
    } else if (const auto* keepalive = std::get_if<SendKeepalive>(&action)) {
        me.keepalives.emplace_back(now_, *keepalive);
        send(side, keepalive->route, wire::Keepalive{});
    } else if (std::holds_alternative<TrickleCandidates>(action)) {
        me.trickles.push_back(now_);
        send(side, Route::relay(), Candidates{me.own});
    } else if (const auto* change = std::get_if<PathChanged>(&action)) {
        me.changes.push_back({now_, *change});
    } else if (std::holds_alternative<Lost>(action)) {
        me.losses.push_back(now_);
    }
}

void PairNetwork::send(int side, const Route& route, const Message& message, bool dies) {
    if (route.is_direct()) return send_direct(side, route.path(), message, dies);
    const Passage passage{
        .from = side, .is_relayed = true, .size = size_of(message), .to = {}, .at = now_};
    if (!has_relay || !is_relay_up || !passes(passage)) return;
    flights_.emplace(now_ + 2 * delay, Flight{1 - side, true, {}, {}, message});
}

void PairNetwork::send_direct(int side, const Path& path, const Message& message, bool dies) {
    Host& me = host(side);
    Host& peer = host(1 - side);
    ++me.datagrams_out;
    const bool is_local = path.remote == peer.inside;
    const std::uint16_t port = map(me, path.remote);
    me.opened[port].insert(key_of(me.nat.filtering, path.remote));
    const Endpoint source = is_local ? me.inside : Endpoint{me.external, port};
    const Passage passage{.from = side, .size = size_of(message), .to = path.remote, .at = now_};
    if (dies || !passes(passage)) return;
    if (is_local && !shares_host_candidates) return;
    if (!is_local && path.remote.ip != peer.external) return;
    const Duration time = is_local ? delay / 10 : delay;
    flights_.emplace(now_ + time, Flight{1 - side, false, source, path.remote, message});
}

std::uint16_t PairNetwork::map(Host& me, const Endpoint& remote) {
    const auto [entry, is_new] = me.mappings.emplace(key_of(me.nat.mapping, remote), me.next_port);
    if (is_new) ++me.next_port;
    if (is_new) me.opened[entry->second];
    return entry->second;
}

bool PairNetwork::accepts(const Host& me, std::uint16_t port, const Endpoint& source) const {
    const auto opened = me.opened.find(port);
    return opened != me.opened.end() && (me.nat.filtering == Behavior::kIndependent ||
                                         opened->second.contains(key_of(me.nat.filtering, source)));
}

void PairNetwork::establish(int side, const Route& route) {
    if (host(side).is_established) return;
    host(side).is_established = true;
    agent(side).on_established(now_, route);
    // The initiator's first transport message proves the session to the other side.
    if (host(side).is_initiator) send(side, route, wire::Keepalive{});
}

void PairNetwork::deliver(const Flight& flight) {
    const int side = flight.to;
    Host& me = host(side);
    const Route route =
        flight.is_relayed ? Route::relay() : Route::direct({kSocketV4, flight.source});
    const bool crosses_nat = !flight.is_relayed && flight.to_endpoint != me.inside;
    if (crosses_nat) {
        if (!accepts(me, flight.to_endpoint.port, flight.source)) return;
        // Connection tracking: the answer leaves by the port that the question came in by, unless
        // there is a mapping of its own already.
        me.mappings.emplace(key_of(me.nat.mapping, flight.source), flight.to_endpoint.port);
    }
    const Message& message = flight.message;
    const bool is_clear = message.index() <= 2;
    if (!is_clear && !me.is_established) {
        if (me.is_initiator) return;
        establish(side, route);
    }
    if (std::holds_alternative<OpenerMessage>(message)) {
        me.agent.on_opener(now_, route.path());
    } else if (std::holds_alternative<Message1>(message)) {
        me.agent.on_handshake_heard(now_, route, false);
        send(side, route, Message2{});
    } else if (std::holds_alternative<Message2>(message)) {
        me.agent.on_handshake_heard(now_, route, true);
        establish(side, route);
    } else if (const auto* challenge = std::get_if<wire::Challenge>(&message)) {
        me.agent.on_challenge(now_, route, *challenge);
    } else if (const auto* response = std::get_if<wire::Response>(&message)) {
        me.agent.on_response(now_, route, *response);
    } else {
        me.agent.on_authenticated(now_, route);
        if (const auto* trickled = std::get_if<Candidates>(&message)) {
            me.agent.add_remote_candidates(now_, trickled->list, Voucher::kPeer);
        }
        if (const auto* data = std::get_if<Data>(&message)) me.received.insert(data->number);
    }
    drain(side);
}

}  // namespace pinhole::traversal::test
