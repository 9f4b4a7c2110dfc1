#include "tests/lab/town.hpp"

#include <functional>

namespace pinhole::lab {
namespace {

std::uint64_t seed_of(std::uint64_t seed, std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325ULL ^ seed;
    for (const char letter : name) {
        hash = (hash ^ static_cast<std::uint8_t>(letter)) * 0x100000001b3ULL;
    }
    return hash;
}

crypto::KeyPair keys_of(std::uint64_t seed, std::string_view name) {
    test::SeededRandom random{seed_of(seed, std::string{"key "} + std::string{name})};
    return crypto::KeyPair::generate(random);
}

constexpr WallTime kWall{std::chrono::seconds{1'800'000'000}};

}  // namespace

// ---- Peer

std::optional<node::PathState> Peer::path() const {
    if (!path_ || !is_connected()) return std::nullopt;
    return path_->state;
}

std::vector<std::string> Peer::texts() const {
    std::vector<std::string> out;
    for (const Received& one : received_) out.push_back(one.text);
    return out;
}

std::size_t Peer::connections_with(const std::string& other) const {
    const auto found = connections_with_.find(other);
    return found == connections_with_.end() ? 0 : found->second;
}

void Peer::take(Instant now, const node::NodeEvent& event) {
    if (const auto* registered = std::get_if<node::Registered>(&event)) {
        is_over_tcp_ = registered->over_tcp;
        ++registrations_;
        registered_at_ = now;
    } else if (const auto* introduced = std::get_if<node::PeerIntroduced>(&event)) {
        introduced_at_ = now;
        last_peer_ = introduced->peer;
    } else if (const auto* connected = std::get_if<node::PeerConnected>(&event)) {
        const std::string other{connected->id.text()};
        ++connections_;
        ++connections_with_[other];
        connected_to_.insert(other);
        numbers_.insert_or_assign(other, connected->peer);
        connected_at_ = now;
        last_peer_ = connected->peer;
    } else if (const auto* message = std::get_if<node::MessageReceived>(&event)) {
        const auto status = node_->status(message->peer);
        const std::string other = status ? std::string{status->id.text()} : "?";
        received_.push_back({.at = now,
                             .from = other,
                             .text = std::string{as_text(message->bytes)},
                             .connection = connections_with(other)});
    } else if (const auto* changed = std::get_if<node::PathChanged>(&event)) {
        path_ = *changed;
        history_.push_back(changed->state);
        if (changed->state == node::PathState::kDirect && !direct_at_) direct_at_ = now;
    } else if (const auto* closed = std::get_if<node::PeerClosed>(&event)) {
        const std::string other{closed->id.text()};
        connected_to_.erase(other);
        closed_.push_back({.at = now, .id = other, .reason = closed->reason});
    } else if (const auto* failed = std::get_if<node::ConnectFailed>(&event)) {
        failures_.push_back(*failed);
    } else if (const auto* mismatch = std::get_if<node::KeyMismatch>(&event)) {
        mismatches_.push_back(*mismatch);
    } else if (const auto* refused = std::get_if<node::CallRefused>(&event)) {
        refused_.push_back(*refused);
    } else if (const auto* lost = std::get_if<node::ServerLost>(&event)) {
        troubles_.push_back(*lost);
    } else if (std::holds_alternative<node::RoomToSend>(event)) {
        ++rooms_;
    } else if (const auto* room = std::get_if<node::RoomMembers>(&event)) {
        std::set<std::string>& roster = rosters_[std::string{room->room.text()}];
        roster.clear();
        for (const auto& member : room->members) roster.emplace(member.id.text());
        ++told_of_rooms_;
    } else if (const auto* shut = std::get_if<node::RoomRefused>(&event)) {
        rosters_.erase(std::string{shut->room.text()});
        room_refusals_.push_back(*shut);
    }
}

std::set<std::string> Peer::members_of(const std::string& room) const {
    const auto found = rosters_.find(room);
    return found == rosters_.end() ? std::set<std::string>{} : found->second;
}

// ---- Town

Town::Town(std::uint64_t seed, LabOptions options)
    : lab_(seed, options),
      vps_(&lab_.add_public_host("vps", {kServerV4, kServerV6})),
      server_keys_(keys_of(seed, "rendezvous")) {
    start_server();
}

Town::~Town() = default;

Host& Town::home(const std::string& name, std::string_view profile) {
    return home(name, profile_named(profile));
}

Host& Town::home(const std::string& name, const NatProfile& profile) {
    const std::uint32_t number = ++homes_;
    const std::string wan = fmt::format("203.0.113.{}", number);
    if (profile.is_open) {
        Host& host = lab_.add_public_host(name, {wan});
        uplinks_.emplace(name, &host.cable());
        return host;
    }
    const std::string lan = fmt::format("192.168.{}.0/24", number);
    NatBox& nat = lab_.add_nat("nat_" + name, profile, {wan}, {.lan = lan});
    nats_.emplace(name, &nat);
    uplinks_.emplace(name, &nat.uplink());
    return lab_.add_host(name, nat);
}

Host& Town::home_under_carrier(const std::string& name, const NatProfile& home,
                               const NatProfile& carrier) {
    const std::uint32_t number = ++homes_;
    const std::string wan = fmt::format("203.0.113.{}", number);
    const std::string shared = fmt::format("100.64.{}.0/24", number);
    const std::string lan = fmt::format("192.168.{}.0/24", number);
    NatBox& above = lab_.add_nat("carrier_" + name, carrier, {wan}, {.lan = shared});
    NatBox& below = lab_.add_nat("nat_" + name, home, {}, {.under = &above, .lan = lan});
    nats_.emplace(name, &below);
    uplinks_.emplace(name, &above.uplink());
    return lab_.add_host(name, below);
}

NatBox& Town::dual_stack_home(const std::string& name, std::string_view profile_v4) {
    const std::uint32_t number = ++homes_;
    const std::string wan = fmt::format("203.0.113.{}", number);
    const std::string lan = fmt::format("192.168.{}.0/24", number);
    const std::string lan_v6 = fmt::format("2001:db8:{:x}::/64", 0x100 + number);
    NatBox& nat = lab_.add_nat("nat_" + name, profile_named(profile_v4), {wan},
                               {.lan = lan, .lan_v6 = lan_v6, .firewall = firewall_v6()});
    nats_.emplace(name, &nat);
    uplinks_.emplace(name, &nat.uplink());
    return nat;
}

Peer& Town::add_peer(std::string id, Host& host, const PeerOptions& options) {
    auto peer = std::make_unique<Peer>();
    peer->keys_ = keys_of(lab_.seed(), options.identity.empty() ? id : options.identity);
    peer->id_ = std::move(id);
    peer->host_ = &host;
    peer->accept_ = options.accept;
    peer->knows_server_v4_only_ = options.knows_server_v4_only;
    peer->nat_discovery_ = options.nat_discovery;
    peer->sprays_ = options.sprays;
    peer->maps_ports_ = options.maps_ports;
    if (options.psk) peer->psk_ = options.psk->clone();
    peers_.push_back(std::move(peer));
    return *peers_.back();
}

void Town::start(Peer& peer) {
    kill(peer);
    ++peer.processes_;
    peer.random_ = std::make_unique<test::SeededRandom>(
        seed_of(lab_.seed(), fmt::format("{} {}", peer.id_, ++starts_)));
    peer.node_ = std::make_unique<node::Node>(node::NodeConfig{.id = *node::Id::parse(peer.id_),
                                                               .keys = peer.keys_.clone(),
                                                               .psk = peer.psk_.clone(),
                                                               .accept = peer.accept_,
                                                               .nat_discovery = peer.nat_discovery_,
                                                               .sprays = peer.sprays_,
                                                               .maps_ports = peer.maps_ports_},
                                              *peer.random_);
    peer.host_->start(
        *peer.node_, [&peer](Instant now, const node::NodeEvent& event) { peer.take(now, event); });
    std::vector<Endpoint> servers{{*IpAddress::parse(kServerV4), kServerPort}};
    if (!peer.knows_server_v4_only_) {
        servers.push_back({*IpAddress::parse(kServerV6), kServerPort});
    }
    peer.host_->mutate([&](Instant now) { peer.node_->start(now, servers); });
}

void Town::kill(Peer& peer) {
    if (!peer.node_) return;
    peer.host_->kill();
    peer.node_.reset();
    peer.connected_to_.clear();
    peer.numbers_.clear();
    peer.path_.reset();
}

void Town::restart(Peer& peer) {
    kill(peer);
    start(peer);
}

bool Town::register_all() {
    for (const auto& peer : peers_) {
        if (!peer->node_) start(*peer);
    }
    return static_cast<bool>(run_until(
        [&] {
            return std::ranges::all_of(
                peers_, [](const auto& peer) { return peer->node_->is_registered(); });
        },
        10s));
}

void Town::connect(Peer& from, const Peer& to, bool keep_trying) {
    from.host_->mutate([&](Instant now) {
        from.last_peer_ = from.node_->connect(now, *node::Id::parse(to.id_), keep_trying);
    });
}

bool Town::send(Peer& from, std::string_view text) {
    bool queued = false;
    from.host_->mutate([&](Instant now) {
        queued = from.node_->send(now, from.last_peer_, {.channel = 1, .bytes = as_bytes(text)})
                     .has_value();
    });
    return queued;
}

bool Town::send(Peer& from, const Peer& to, std::string_view text) {
    const auto number = from.numbers_.find(to.id_);
    if (!from.node_ || from.host_->is_frozen() || number == from.numbers_.end()) return false;
    bool queued = false;
    from.host_->mutate([&](Instant now) {
        queued = from.node_->send(now, number->second, {.channel = 1, .bytes = as_bytes(text)})
                     .has_value();
    });
    return queued;
}

void Town::disconnect(Peer& from, const Peer& to) {
    from.host_->mutate([&](Instant now) {
        for (const node::PeerStatus& status : from.node_->peers()) {
            if (status.id.text() == to.id_) return from.node_->disconnect(now, status.peer);
        }
    });
}

void Town::join(Peer& peer, const std::string& room) {
    peer.host_->mutate([&](Instant now) { peer.node_->join(now, *node::Id::parse(room)); });
}

void Town::leave(Peer& peer, const std::string& room) {
    peer.host_->mutate([&](Instant now) { peer.node_->leave(now, *node::Id::parse(room)); });
}

void Town::trust(Peer& peer, const std::string& id, const crypto::PublicKey& key) {
    peer.host_->mutate([&](Instant) { peer.node_->trust(*node::Id::parse(id), key); });
}

void Town::stop_server() {
    vps_->mutate([&](Instant now) { server_->shutdown(now); });
    run_for(100ms);
    kill_server();
}

void Town::change_server_keys() {
    server_keys_ = keys_of(lab_.seed(), "another rendezvous");
}

void Town::kill_server() {
    vps_->kill();
    server_.reset();
}

void Town::start_server() {
    server_random_ = std::make_unique<test::SeededRandom>(
        seed_of(lab_.seed(), fmt::format("rendezvous {}", ++starts_)));
    server_ = std::make_unique<rendezvous::Server>(
        lab_.now(), rendezvous::ServerSettings{.keys = server_keys_.clone(), .wall = kWall},
        *server_random_);
    for (const auto& [id, binding] : store_) server_->load(binding);
    vps_->start(*server_, [this](Instant, const rendezvous::Event& event) { take(event); },
                {.v4 = kServerPort, .v6 = kServerPort});
    bind_server();
}

void Town::give_server_second_address() {
    has_second_address_ = true;
    vps_->change_addresses({*IpAddress::parse(kServerV4), *IpAddress::parse(kServerV6),
                            *IpAddress::parse(kServerOtherV4)});
    bind_server();
}

void Town::bind_server() {
    const IpAddress any_v4 = IpAddress::any(Family::kV4);
    const IpAddress v4 = has_second_address_ ? *IpAddress::parse(kServerV4) : any_v4;
    vps_->bind(SocketId{2}, {v4, kServerSecondPort});
    vps_->bind(SocketId{3}, {IpAddress::any(Family::kV6), kServerSecondPort});
    if (!has_second_address_) return;
    const IpAddress other = *IpAddress::parse(kServerOtherV4);
    vps_->bind(kSocketV4, {v4, kServerPort});
    vps_->bind(SocketId{4}, {other, kServerPort});
    vps_->bind(SocketId{5}, {other, kServerSecondPort});
}

void Town::take(const rendezvous::Event& event) {
    const auto* request = std::get_if<rendezvous::StoreRequest>(&event);
    if (request == nullptr) return;
    if (const auto* unclaim = std::get_if<rendezvous::Unclaim>(&request->op)) {
        store_.erase(unclaim->id);
        return;
    }
    const auto* claim = std::get_if<rendezvous::Claim>(&request->op);
    if (claim == nullptr) return;
    lab_.after(kStoreLatency, [this, claimed = *claim, by = server_.get()] {
        if (server_.get() != by) return;  // the process that asked is gone
        store_.insert_or_assign(claimed.id, rendezvous::StoredBinding{.id = claimed.id,
                                                                      .key = claimed.key,
                                                                      .first_seen = claimed.at,
                                                                      .last_proof = claimed.at});
        vps_->mutate(
            [&](Instant now) { server_->handle_stored(now, {.claim = claimed, .stored = true}); });
    });
}

}  // namespace pinhole::lab
