#include "shared/node/node.hpp"

#include <utility>

#include "shared/node/core.hpp"

namespace pinhole::node {

Node::Core::Core(NodeConfig config, Random& random)
    : config_(std::move(config)),
      incarnation_(random.u64()),
      indices_(random, kIndicesMax),
      context_{.keys = config_.keys, .psk = config_.psk, .policy = {}},
      cookies_(random),
      enet_(config_.enet, random),
      rendezvous_({.id = config_.id,
                   .accept = config_.accept == AcceptPolicy::kAll ? wire::AcceptMode::kOpen
                                                                  : wire::AcceptMode::kAsk,
                   .pinned_key = config_.server_key,
                   .incarnation = incarnation_,
                   .tcp_port = config_.server_tcp_port,
                   .group_key = config_.psk},
                  {.keys = config_.keys,
                   .indices = indices_,
                   .out = out_,
                   .drops = drops_,
                   .random = random}),
      own_mapping_(config_.maps_ports),
      nat_watch_(config_.nat_discovery, {.gathering = rendezvous_.gathering(),
                                         .spares = spares_,
                                         .out = out_,
                                         .drops = drops_,
                                         .random = random}),
      link_shared_{.config = config_,
                   .incarnation = incarnation_,
                   .context = context_,
                   .rendezvous = rendezvous_,
                   .enet = enet_,
                   .indices = indices_,
                   .out = out_,
                   .drops = drops_,
                   .random = random,
                   .events = events_,
                   .pins = trusted_,
                   .spares = spares_,
                   .nat = nat_watch_,
                   .spray_permit = spray_permit_} {}

// ---- verbs

void Node::Core::handle_timeout(Instant now) {
    notice_gap(now);
    rendezvous_.handle_timeout(now);
    nat_watch_.handle_timeout(now);
    for (const auto& [number, link] : links_) link->handle_timeout(now);
    enet_.host().handle_timeout(now);
    settle(now);
}

std::optional<Transmit> Node::Core::poll_transmit() {
    // What was handed out stays where it is until the caller has seen the end of it.
    if (!std::exchange(in_burst_, true)) settle_rest();
    const auto transmit = out_.pop();
    in_burst_ = transmit.has_value();
    return transmit;
}

std::optional<IoRequest> Node::Core::poll_io_request() {
    settle_rest();
    if (const auto request = rendezvous_.poll_io_request()) return request;
    if (const auto request = own_mapping_.poll_request()) return request;
    return spares_.poll_request();
}

std::optional<NodeEvent> Node::Core::poll_event() {
    // Answers to what arrived share datagrams with its acknowledgements: these wait.
    if (has_rest_) take_enet_events();
    return events_.poll();
}

Instant Node::Core::next_timeout() const {
    Instant at = std::min(
        {rendezvous_.next_timeout(), nat_watch_.next_timeout(), enet_.host().next_timeout()});
    for (const auto& [number, link] : links_) at = std::min(at, link->next_timeout());
    return at;
}

// ---- around every mutation

void Node::Core::settle_rest() {
    if (has_rest_) settle(last_mutation_);
}

void Node::Core::settle(Instant now) {
    has_rest_ = false;
    take_rendezvous_news(now);
    for (const auto& [number, link] : links_) link->drain(now);
    measure_ports(now);
    // What a closing connection says last leaves before the event of its end ends the link, or the
    // other side would wait for the acknowledgement of its farewell.
    send_enet_datagrams(now);
    take_enet_events();
    send_enet_datagrams(now);
    // An ENet event can end a link, and what data left can make an agent act.
    for (const auto& [number, link] : links_) link->drain(now);
    std::erase_if(links_, [](const auto& entry) { return entry.second->is_finished(); });
}

void Node::Core::send_enet_datagrams(Instant now) {
    PeerLink* link = nullptr;
    VirtualAddress to;
    while (const auto transmit = enet_.poll_transmit()) {
        if (link == nullptr || transmit->to != to) {
            to = transmit->to;
            const auto owner = enet_.peer_of(to);
            link = owner ? find(*owner) : nullptr;
            if (link != nullptr) link->begin_burst(now);
        }
        if (link != nullptr) link->send_enet(*transmit);
    }
    if (enet_.host().has_more()) has_rest_ = true;
}

void Node::Core::take_rendezvous_news(Instant now) {
    own_mapping_.set_observed(rendezvous_.gathering().mapped_endpoint(kSocketV4));
    rendezvous_.offer_port_mapping(now, own_mapping_.offered());
    while (auto event = rendezvous_.poll_event()) events_.emplace_back(*std::move(event));
    if (rendezvous_.take_candidates_changed()) {
        for (const auto& [number, link] : links_) link->on_local_changed(now, local_sockets());
    }
    if (rendezvous_.take_address_changed()) {
        nat_watch_.on_network_changed(now);
        for (const auto& [number, link] : links_) link->on_network_changed(now);
    }
    if (rendezvous_.take_requests_withdrawn()) {
        for (const auto& [number, link] : links_) link->on_requests_withdrawn();
    }
    if (rendezvous_.take_session_anew()) {
        for (const auto& [number, link] : links_) link->on_server_session(now);
    }
    if (rendezvous_.take_registered_anew()) {
        nat_watch_.on_registered(now, rendezvous_.round_trip_time());
        for (const auto& [number, link] : links_) link->on_registered(now);
    }
    take_nat_news(now);
    const bool is_udp_blocked = rendezvous_.is_over_tcp();
    if (std::exchange(was_udp_blocked_, is_udp_blocked) != is_udp_blocked) {
        for (const auto& [number, link] : links_) link->on_udp_blocked(now, is_udp_blocked);
    }
    if (std::exchange(had_relay_, rendezvous_.has_session()) != had_relay_) {
        for (const auto& [number, link] : links_) link->on_relay_changed(now);
    }
}

void Node::Core::take_enet_events() {
    while (const auto event = enet_.host().poll_event()) take(*event);
}

void Node::Core::take(const reliable::EnetEvent& event) {
    const VirtualAddress address = std::visit([](const auto& any) { return any.peer; }, event);
    const auto owner = enet_.peer_of(address);
    PeerLink* link = owner ? find(*owner) : nullptr;
    // A pending session's connection shows nothing before the session is proven.
    if (link == nullptr || link->address() != address) return;
    if (const auto* message = std::get_if<reliable::EnetMessage>(&event)) {
        link->on_enet_connected();
        link->on_message(message->bytes.size());
        events_.push_message(*owner, message->channel, enet_.host().take_message());
    } else if (std::holds_alternative<reliable::EnetConnected>(event)) {
        link->on_enet_connected();
    } else if (std::holds_alternative<reliable::EnetRoom>(event)) {
        events_.emplace_back(RoomToSend{*owner});
    } else {
        link->on_enet_closed();
    }
}

// ---- owners

PeerLink* Node::Core::find(PeerNumber number) {
    const auto found = links_.find(number);
    return found == links_.end() ? nullptr : found->second.get();
}

PeerLink* Node::Core::find(const Id& id) {
    for (const auto& [number, link] : links_) {
        if (link->id() == id && !link->is_finished()) return link.get();
    }
    return nullptr;
}

PeerLink* Node::Core::find_or_make(Instant now, const Id& id) {
    if (PeerLink* link = find(id)) return link;
    if (links_.size() >= kPeersMax) return nullptr;
    const PeerNumber number{next_peer_++};
    auto link = std::make_unique<PeerLink>(number, id, link_shared_);
    link->on_local_changed(now, local_sockets());
    link->on_udp_blocked(now, was_udp_blocked_);
    link->on_nat_changed(now, false);
    link->on_lifetime_changed();
    return links_.emplace(number, std::move(link)).first->second.get();
}

std::size_t Node::Core::pending_count() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        links_, [](const auto& entry) { return entry.second->is_pending(); }));
}

// ---- commands

void Node::Core::start(Instant now, std::vector<Endpoint> servers) {
    notice_gap(now);
    rendezvous_.start(now, std::move(servers));
    settle(now);
}

PeerNumber Node::Core::connect(Instant now, const Id& id, bool keep_trying) {
    notice_gap(now);
    PeerLink* link = find_or_make(now, id);
    if (link == nullptr) return PeerNumber{};
    link->connect(now, keep_trying);
    const PeerNumber number = link->number();
    settle(now);
    return number;
}

Result<void, reliable::SendError> Node::Core::send(Instant now, PeerNumber peer,
                                                   const Outbound& message) {
    notice_gap(now);
    PeerLink* link = find(peer);
    if (link == nullptr || !link->address()) return failure(reliable::SendError::kNotConnected);
    const auto sent =
        enet_.host().send(now, *link->address(), message.channel, message.bytes, message.delivery);
    has_rest_ = has_rest_ || sent.has_value();
    return sent;
}

void Node::Core::disconnect(Instant now, PeerNumber peer) {
    notice_gap(now);
    if (PeerLink* link = find(peer)) link->disconnect(now);
    settle(now);
}

void Node::Core::join(Instant now, const Id& room) {
    notice_gap(now);
    rendezvous_.join(now, room);
    settle(now);
}

void Node::Core::leave(Instant now, const Id& room) {
    notice_gap(now);
    rendezvous_.leave(now, room);
    settle(now);
}

void Node::Core::shutdown(Instant now) {
    settle(now);
    for (const auto& [number, link] : links_) link->shutdown(now);
    nat_watch_.stop();
    rendezvous_.shutdown();
}

std::optional<PeerStatus> Node::Core::status(PeerNumber peer) const {
    const auto found = links_.find(peer);
    if (found == links_.end()) return std::nullopt;
    const PeerLink& link = *found->second;
    const auto& told = link.agent().peer_nat();
    return PeerStatus{
        .peer = peer,
        .id = link.id(),
        .key = link.key(),
        .is_connected = link.is_connected(),
        .path = link.path(),
        .bytes_unacknowledged = bytes_unacknowledged(peer),
        .sent = link.address() ? enet_.host().statistics(*link.address()) : reliable::Statistics{},
        .bytes_received = link.bytes_received(),
        .rekeys = link.rekeys(),
        .nat = told ? std::optional{told->behavior} : std::nullopt,
        .plan = link.agent().plan(),
    };
}

std::size_t Node::Core::bytes_unacknowledged(PeerNumber peer) const {
    const auto found = links_.find(peer);
    if (found == links_.end() || !found->second->address()) return 0;
    return enet_.host().bytes_unacknowledged(*found->second->address());
}

bool Node::Core::has_room(PeerNumber peer) const {
    const auto found = links_.find(peer);
    if (found == links_.end() || !found->second->address()) return false;
    return found->second->is_connected() && enet_.host().has_room(*found->second->address());
}

std::vector<PeerStatus> Node::Core::peers() const {
    std::vector<PeerStatus> out;
    for (const auto& [number, link] : links_) out.push_back(*status(number));
    return out;
}

// ---- the face

Node::Node(NodeConfig config, Random& random)
    : core_(std::make_unique<Core>(std::move(config), random)) {}
Node::~Node() = default;
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(Node&&) noexcept = default;

void Node::handle_datagram(Instant now, const Datagram& in) {
    core_->handle_datagram(now, in);
}
void Node::handle_timeout(Instant now) {
    core_->handle_timeout(now);
}
void Node::handle_io_event(Instant now, const IoEvent& event) {
    core_->handle_io_event(now, event);
}
std::optional<Transmit> Node::poll_transmit() {
    return core_->poll_transmit();
}
std::optional<IoRequest> Node::poll_io_request() {
    return core_->poll_io_request();
}
std::optional<NodeEvent> Node::poll_event() {
    return core_->poll_event();
}
Instant Node::next_timeout() const {
    return core_->next_timeout();
}

void Node::start(Instant now, std::vector<Endpoint> servers) {
    core_->start(now, std::move(servers));
}
void Node::trust(const Id& id, const crypto::PublicKey& key) {
    core_->trust(id, key);
}
void Node::forget(const Id& id) {
    core_->forget(id);
}
PeerNumber Node::connect(Instant now, const Id& id, bool keep_trying) {
    return core_->connect(now, id, keep_trying);
}
Result<void, reliable::SendError> Node::send(Instant now, PeerNumber peer,
                                             const Outbound& message) {
    return core_->send(now, peer, message);
}
void Node::disconnect(Instant now, PeerNumber peer) {
    core_->disconnect(now, peer);
}
void Node::join(Instant now, const Id& room) {
    core_->join(now, room);
}
void Node::leave(Instant now, const Id& room) {
    core_->leave(now, room);
}
void Node::refuse_calls() {
    core_->refuse_calls();
}

void Node::shutdown(Instant now) {
    core_->shutdown(now);
}
std::optional<PeerStatus> Node::status(PeerNumber peer) const {
    return core_->status(peer);
}
std::size_t Node::bytes_unacknowledged(PeerNumber peer) const {
    return core_->bytes_unacknowledged(peer);
}

bool Node::has_room(PeerNumber peer) const {
    return core_->has_room(peer);
}
std::vector<PeerStatus> Node::peers() const {
    return core_->peers();
}
bool Node::is_registered() const {
    return core_->is_registered();
}
const traversal::NatReport& Node::nat_report() const {
    return core_->nat_report();
}
const Id& Node::id() const {
    return core_->config().id;
}
const crypto::PublicKey& Node::key() const {
    return core_->config().keys.public_key;
}
const PortMapping& Node::port_mapping() const {
    return core_->port_mapping();
}
const DropCounters& Node::drops() const {
    return core_->drops();
}

}  // namespace pinhole::node
