#include "shared/traversal/checklist.hpp"

#include <cassert>

namespace pinhole::traversal {

namespace {

bool is_permitted(PairState from, PairState to) {
    switch (from) {
        case PairState::kWaiting: return to == PairState::kInProgress;
        case PairState::kInProgress: return to == PairState::kVerified || to == PairState::kFailed;
        case PairState::kVerified: return to == PairState::kFailed;
        case PairState::kFailed: return to == PairState::kInProgress;
    }
    return false;
}

std::optional<SocketId> socket_for(const LocalSockets& sockets, Family family) {
    return family == Family::kV4 ? sockets.v4 : sockets.v6;
}

}  // namespace

void Pair::transition(PairState next) {
    if (state == next) return;
    assert(is_permitted(state, next));
    state = next;
}

unsigned priority(const Pair& pair) {
    if (is_lan(pair.path)) return 5;
    if (pair.path.remote.ip.is_v6()) return 4;
    switch (pair.type) {
        case wire::CandidateType::kHost:
        case wire::CandidateType::kMapped: return 3;
        case wire::CandidateType::kPeerReflexive: return 2;
        case wire::CandidateType::kServerReflexive: return 1;
        case wire::CandidateType::kPredicted: return 0;
    }
    return 0;
}

bool Checklist::set_local(const LocalSockets& sockets, const wire::CandidateList& own) {
    sockets_ = sockets;
    own_ = own;
    std::erase_if(pairs_, [&](const Pair& pair) {
        return !is_ours(pair.path.socket, pair.path.remote.ip.family()) ||
               !is_usable(pair.path.remote);
    });
    bool is_new = false;
    for (const wire::Candidate& candidate : remotes_) is_new |= pair_up(candidate);
    return is_new;
}

void Checklist::remove_spare(SocketId socket) {
    std::erase(spares_, socket);
    std::erase_if(pairs_, [&](const Pair& pair) { return pair.path.socket == socket; });
}

bool Checklist::add_remote(const wire::Candidate& candidate) {
    const bool is_known = std::ranges::any_of(remotes_, [&](const wire::Candidate& known) {
        return known.endpoint == candidate.endpoint;
    });
    if (!is_known && !remotes_.push_back(candidate)) return false;
    return pair_up(candidate);
}

void Checklist::forget_remotes() {
    remotes_.clear();
    std::erase_if(pairs_, [](const Pair& pair) { return pair.state != PairState::kVerified; });
}

Pair* Checklist::adopt(const Path& path) {
    if (Pair* known = find(path)) return known;
    if (!is_usable(path.remote)) return nullptr;
    Pair* slot = make_room();
    if (slot == nullptr) return nullptr;
    *slot = Pair{.path = path, .type = wire::CandidateType::kPeerReflexive};
    return slot;
}

Pair* Checklist::find(const Path& path) {
    const auto found =
        std::ranges::find_if(pairs_, [&](const Pair& pair) { return pair.path == path; });
    return found == pairs_.end() ? nullptr : &*found;
}

const Pair* Checklist::find(const Path& path) const {
    const auto found =
        std::ranges::find_if(pairs_, [&](const Pair& pair) { return pair.path == path; });
    return found == pairs_.end() ? nullptr : &*found;
}

bool Checklist::is_ours(SocketId socket, Family family) const {
    return socket_for(sockets_, family) == socket ||
           std::ranges::find(spares_, socket) != spares_.end();
}

bool Checklist::is_usable(const Endpoint& remote) const {
    if (remote.port == 0) return false;
    switch (remote.ip.scope()) {
        case Scope::kUnusable:
        case Scope::kLoopback:
        case Scope::kLinkLocal: return false;
        case Scope::kPrivate:
        case Scope::kPublic: break;
    }
    // The same address with another port is a neighbour on this machine or behind this NAT; with
    // the same port it is ourselves, or somebody in another network whom we cannot reach by it.
    return std::ranges::none_of(own_,
                                [&](const wire::Candidate& own) { return own.endpoint == remote; });
}

bool Checklist::pair_up(const wire::Candidate& candidate) {
    const auto socket = socket_for(sockets_, candidate.endpoint.ip.family());
    if (!socket || !is_usable(candidate.endpoint)) return false;
    const Path path{*socket, candidate.endpoint};
    if (Pair* known = find(path)) {
        // It was observed before it was named: the name says more about it.
        known->type = candidate.type;
        return false;
    }
    Pair* slot = make_room();
    if (slot == nullptr) return false;
    *slot = Pair{.path = path, .type = candidate.type};
    return true;
}

Pair* Checklist::make_room() {
    if (pairs_.size() < kPairsMax) return &pairs_.emplace_back();
    Pair* worst = nullptr;
    for (Pair& pair : pairs_) {
        if (pair.state != PairState::kFailed) continue;
        if (worst == nullptr || priority(pair) < priority(*worst)) worst = &pair;
    }
    return worst;
}

}  // namespace pinhole::traversal
