#include "shared/traversal/gathering.hpp"

#include <algorithm>

namespace pinhole::traversal {

namespace {

constexpr Duration kFirstWait = 50ms;
constexpr Duration kLongestWait = 1s;
/// After so many tries (50 ms, 100 ms ... 1 s: 4.5 s) the server counts as silent.
constexpr unsigned kTriesMax = 8;
/// Between tries after that, while nothing else answers ...
constexpr Duration kSlowRetry = 5s;
/// ... and while the server answers another socket: a machine without IPv6 would be awake for
/// nothing else. Whoever gets an address of that family asks at once.
constexpr Duration kSpareRetry = 60s;
/// Cookies live 120 s at least; a lost answer must leave time for the tries above.
constexpr Duration kCookieAge = 90s;
/// Waiting datagrams and events; more than every probe of every socket could make at once.
constexpr std::size_t kQueueMax = 64;

Duration wait_after(unsigned tries) {
    if (tries >= kTriesMax) return kSlowRetry;
    return std::min(kFirstWait * (1 << std::min(tries - 1, 5U)), kLongestWait);
}

bool may_be_candidate(const Endpoint& mapped) {
    const Scope scope = mapped.ip.scope();
    return mapped.port != 0 &&
           (scope == Scope::kPublic || scope == Scope::kPrivate || scope == Scope::kLoopback);
}

/// Keeps the order of insertion, no endpoint twice, at most the list's bound.
void add_unique(wire::CandidateList& list, const wire::Candidate& candidate) {
    const bool is_known = std::ranges::any_of(
        list, [&](const wire::Candidate& known) { return known.endpoint == candidate.endpoint; });
    if (!is_known) static_cast<void>(list.push_back(candidate));
}

bool has_same_endpoints(const wire::CandidateList& a, const wire::CandidateList& b) {
    return std::ranges::equal(a, b, {}, &wire::Candidate::endpoint, &wire::Candidate::endpoint);
}

/// One address per interface, family and scope: an IPv6 interface may hold many temporary ones.
std::vector<LocalAddress> preferred(std::span<const LocalAddress> addresses) {
    std::vector<LocalAddress> kept;
    for (const LocalAddress& address : addresses) {
        const Scope scope = address.ip.scope();
        if (scope != Scope::kPublic && scope != Scope::kPrivate) continue;
        const bool has_one = std::ranges::any_of(kept, [&](const LocalAddress& other) {
            return other.interface_name == address.interface_name && other.ip.is_v6() &&
                   address.ip.is_v6() && other.ip.scope() == scope;
        });
        if (!has_one) kept.push_back(address);
    }
    return kept;
}

}  // namespace

void Gathering::on_socket_opened(Instant now, SocketId socket, const Endpoint& local) {
    on_socket_failed(now, socket);
    locals_.push_back({.socket = socket, .bound = local});
    rebuild_probes(now);
    note_candidates();
}

void Gathering::on_socket_failed(Instant now, SocketId socket) {
    std::erase_if(locals_, [&](const Local& local) { return local.socket == socket; });
    if (server_path_ && server_path_->socket == socket) {
        server_path_.reset();
        is_choosing_ = true;
    }
    rebuild_probes(now);
    note_candidates();
}

void Gathering::on_interfaces_changed(Instant now, std::span<const LocalAddress> addresses) {
    std::vector<LocalAddress> kept = preferred(addresses);
    if (kept == addresses_) return;
    addresses_ = std::move(kept);
    note_candidates();
    ask_again(now);
}

void Gathering::set_servers(Instant now, const ServerEndpoints& servers, bool wants_key) {
    servers_ = servers;
    wants_key_ = wants_key;
    server_path_.reset();
    server_key_.reset();
    is_choosing_ = true;
    for (Local& local : locals_) local = {.socket = local.socket, .bound = local.bound};
    probes_.clear();
    rebuild_probes(now);
    note_candidates();
}

void Gathering::keep_fresh(Instant now, bool wanted) {
    if (keeps_fresh_ == wanted) return;
    keeps_fresh_ = wanted;
    for (Probe& probe : probes_) {
        if (!probe.answered) continue;
        const Local* local = find(probe.path.socket);
        probe.due = wanted && local != nullptr ? local->issued + kCookieAge : kNever;
    }
    handle_timeout(now);
}

bool Gathering::set_port_mapping(SocketId socket, const std::optional<Endpoint>& external) {
    Local* local = find(socket);
    if (local == nullptr || local->port_mapping == external) return false;
    local->port_mapping = external;
    note_candidates();
    return true;
}

void Gathering::ask_again(Instant now) {
    is_choosing_ = true;
    for (Probe& probe : probes_) start(now, probe);
}

Parsed<void> Gathering::handle_response(Instant now, const Path& path,
                                        const wire::BindingResponse& response) {
    const auto asked = std::ranges::find_if(probes_, [&](const Probe& probe) {
        return probe.path == path && probe.open == response.transaction;
    });
    if (asked == probes_.end()) return dropped(Drop::kUnexpected);
    if (!may_be_candidate(response.mapped)) return dropped(Drop::kBadField);
    asked->open.reset();
    asked->answered = true;
    asked->tries = 0;
    asked->due = keeps_fresh_ ? now + kCookieAge : kNever;
    said_unreachable_ = false;
    learn(now, *asked, response);
    return {};
}

void Gathering::handle_timeout(Instant now) {
    for (Probe& probe : probes_) {
        if (probe.due > now) continue;
        if (probe.answered) {
            start(now, probe);
            continue;
        }
        if (probe.tries == kTriesMax) fall_back(probe.path);
        send(now, probe);
    }
    if (is_unreachable() && !said_unreachable_) {
        said_unreachable_ = true;
        raise(ServerUnreachable{});
    }
}

std::optional<SendBinding> Gathering::poll_transmit() {
    if (transmits_.empty()) return std::nullopt;
    const SendBinding out = transmits_.front();
    transmits_.pop_front();
    return out;
}

std::optional<GatheringEvent> Gathering::poll_event() {
    if (events_.empty()) return std::nullopt;
    const GatheringEvent event = events_.front();
    events_.pop_front();
    return event;
}

Instant Gathering::next_timeout() const {
    Instant next = kNever;
    for (const Probe& probe : probes_) next = std::min(next, probe.due);
    return next;
}

wire::CandidateList Gathering::local_candidates() const {
    wire::CandidateList proven;
    wire::CandidateList mapped;
    wire::CandidateList v6;
    wire::CandidateList lan;
    for (const Local& local : locals_) {
        for (const LocalAddress& address : addresses_) {
            if (address.ip.family() != local.bound.ip.family()) continue;
            const Endpoint host{address.ip, local.bound.port};
            wire::Candidate candidate{.type = wire::CandidateType::kHost, .endpoint = host};
            if (local.mapped == host) {
                candidate.proof = local.cookie;
                add_unique(proven, candidate);
            } else {
                add_unique(address.ip.scope() == Scope::kPublic ? v6 : lan, candidate);
            }
        }
        // A server on this very machine sees us at an address that nobody else can use.
        if (!local.mapped || local.mapped->ip.scope() == Scope::kLoopback) continue;
        add_unique(proven, {.type = wire::CandidateType::kServerReflexive,
                            .endpoint = *local.mapped,
                            .proof = local.cookie});
        // Told without a proof of its own: the address has one.
        if (local.port_mapping && local.port_mapping->ip == local.mapped->ip) {
            add_unique(mapped,
                       {.type = wire::CandidateType::kMapped, .endpoint = *local.port_mapping});
        }
    }
    wire::CandidateList all = proven;
    for (const wire::Candidate& candidate : mapped) add_unique(all, candidate);
    for (const wire::Candidate& candidate : v6) add_unique(all, candidate);
    for (const wire::Candidate& candidate : lan) add_unique(all, candidate);
    return all;
}

std::optional<Cookie> Gathering::cookie_for(SocketId socket) const {
    const Local* local = find(socket);
    return local != nullptr && local->mapped ? std::optional{local->cookie} : std::nullopt;
}

std::optional<Instant> Gathering::cookie_issued(SocketId socket) const {
    const Local* local = find(socket);
    return local != nullptr && local->mapped ? std::optional{local->issued} : std::nullopt;
}

std::optional<Endpoint> Gathering::mapped_endpoint(SocketId socket) const {
    const Local* local = find(socket);
    return local != nullptr ? local->mapped : std::nullopt;
}

bool Gathering::lists(Family family) const {
    return std::ranges::any_of(addresses_, [family](const LocalAddress& address) {
        return address.ip.family() == family;
    });
}

std::optional<Endpoint> Gathering::server_seen_by(SocketId socket) const {
    const Local* local = find(socket);
    if (local == nullptr || !local->mapped) return std::nullopt;
    return local->bound.ip.is_v4() ? servers_.v4 : servers_.v6;
}

bool Gathering::is_unreachable() const {
    bool has_asked = false;
    for (const Probe& probe : probes_) {
        has_asked = true;
        if (probe.answered || probe.tries < kTriesMax) return false;
    }
    return has_asked;
}

Gathering::Local* Gathering::find(SocketId socket) {
    const auto found =
        std::ranges::find_if(locals_, [&](const Local& local) { return local.socket == socket; });
    return found == locals_.end() ? nullptr : &*found;
}

const Gathering::Local* Gathering::find(SocketId socket) const {
    const auto found =
        std::ranges::find_if(locals_, [&](const Local& local) { return local.socket == socket; });
    return found == locals_.end() ? nullptr : &*found;
}

void Gathering::rebuild_probes(Instant now) {
    std::erase_if(probes_, [&](const Probe& probe) { return find(probe.path.socket) == nullptr; });
    for (const Local& local : locals_) {
        const bool is_v4 = local.bound.ip.is_v4();
        const auto& server = is_v4 ? servers_.v4 : servers_.v6;
        const bool is_known = std::ranges::any_of(
            probes_, [&](const Probe& probe) { return probe.path.socket == local.socket; });
        if (is_known || !server) continue;
        probes_.push_back({.path = {local.socket, *server}});
        start(now, probes_.back());
    }
}

void Gathering::start(Instant now, Probe& probe) {
    probe.answered = false;
    probe.tries = 0;
    probe.open = random_.bytes<8>();
    send(now, probe);
}

void Gathering::send(Instant now, Probe& probe) {
    ++probe.tries;
    const bool is_spare =
        probe.tries > kTriesMax &&
        std::ranges::any_of(probes_, [](const Probe& any) { return any.answered; });
    probe.due = now + (is_spare ? kSpareRetry : wait_after(probe.tries));
    if (transmits_.size() == kQueueMax) return;
    transmits_.push_back(
        {probe.path, {.wants_server_key = wants_key_, .transaction = *probe.open}});
}

void Gathering::learn(Instant now, const Probe& probe, const wire::BindingResponse& response) {
    Local* local = find(probe.path.socket);
    if (local == nullptr) return;
    const auto previous = local->mapped;
    local->mapped = response.mapped;
    local->cookie = response.cookie;
    local->issued = now;
    if (wants_key_ && response.server_key) server_key_ = response.server_key;
    prefer(probe.path);
    if (previous && *previous != response.mapped) {
        raise(MappedChanged{probe.path.socket, *previous, response.mapped});
    }
    note_candidates();
}

void Gathering::prefer(const Path& path) {
    if (!is_choosing_) return;
    is_choosing_ = false;
    server_path_ = path;
    raise(ServerAnswered{path});
}

void Gathering::fall_back(const Path& silent) {
    if (server_path_ != silent) return;
    for (const Probe& probe : probes_) {
        if (!probe.answered) continue;
        server_path_ = probe.path;
        raise(ServerAnswered{probe.path});
        return;
    }
    // Whoever answers first from now on is the way.
    is_choosing_ = true;
}

void Gathering::note_candidates() {
    const wire::CandidateList current = local_candidates();
    if (!has_same_endpoints(current, known_)) raise(CandidatesChanged{});
    known_ = current;
}

void Gathering::raise(const GatheringEvent& event) {
    if (events_.size() < kQueueMax) events_.push_back(event);
}

}  // namespace pinhole::traversal
