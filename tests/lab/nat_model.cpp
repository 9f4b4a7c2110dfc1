#include "tests/lab/nat_model.hpp"

#include "shared/base/cursor.hpp"

namespace pinhole::lab {
namespace {

/// Random draws before the search for a free port goes one by one.
constexpr int kDrawsMax = 16;

std::uint64_t scramble(std::uint64_t hash, std::uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
    return hash ^ (hash >> 32U);
}

std::uint64_t scramble(std::uint64_t hash, const Endpoint& endpoint) {
    Reader reader{endpoint.ip.v6_bytes()};
    hash = scramble(hash, reader.u64());
    hash = scramble(hash, reader.u64());
    return scramble(hash, endpoint.port);
}

}  // namespace

FlowKey flow_key(Behavior behavior, const Endpoint& local, const Endpoint& remote) {
    switch (behavior) {
        case Behavior::kEndpointIndependent: return {local, {}};
        case Behavior::kAddressDependent: return {local, {remote.ip, 0}};
        case Behavior::kAddressAndPortDependent: break;
    }
    return {local, remote};
}

std::size_t FlowKeyHash::operator()(const FlowKey& key) const noexcept {
    return scramble(scramble(0, key.local), key.remote);
}

NatModel::NatModel(const NatProfile& profile, std::vector<IpAddress> external_ips, Random& random)
    : profile_(profile), external_ips_(std::move(external_ips)), random_(&random) {
    assert(!profile_.translates || !external_ips_.empty());
    flush();
}

Result<Endpoint, NatDrop> NatModel::outbound(Instant now, const Endpoint& internal,
                                             const Endpoint& remote) {
    if (profile_.blocks_udp) return failure(NatDrop::kUdpBlocked);
    if (profile_.is_open) return internal;
    prune(now);

    // The session decides, also one that began outside: it is answered from where it came in.
    if (const auto external = live_flow(now, {internal, remote})) {
        const FlowKey key{*external, remote};
        Session& session = sessions_.at(key);
        session.is_two_way |= !session.began_inside;
        refresh(now, key, session);
        return *external;
    }
    if (const auto forward = forwards_.find(internal); forward != forwards_.end()) {
        const FlowKey key{forward->second, remote};
        refresh(now, key, begin_session(now, key, internal));
        return forward->second;
    }
    const auto mapping = mappings_.find(flow_key(profile_.mapping, internal, remote));
    const bool is_mapped = mapping != mappings_.end() && now < mapping->second.expires &&
                           live_session(now, {mapping->second.endpoint, remote}) == nullptr;
    Result<Endpoint, NatDrop> external =
        is_mapped ? mapping->second.endpoint : allocate(now, internal, remote);
    if (!external) return external;

    const FlowKey key{*external, remote};
    refresh(now, key, begin_session(now, key, internal));
    return external;
}

Result<Endpoint, NatDrop> NatModel::inbound(Instant now, const Endpoint& remote,
                                            const Endpoint& external) {
    if (profile_.blocks_udp) return failure(NatDrop::kUdpBlocked);
    if (profile_.is_open) return external;
    prune(now);

    const FlowKey key{external, remote};
    if (Session* session = live_session(now, key)) {
        if (!session->internal) {
            session->expires = now + profile_.first_reply_lifetime;
            return failure(NatDrop::kClaimedByRouter);
        }
        session->is_two_way |= session->began_inside;
        if (profile_.refresh_inbound) refresh(now, key, *session);
        return *session->internal;
    }
    if (const auto internal = forwarded_to(external)) {
        Session& session = begin_session(now, key, *internal);
        session.began_inside = false;
        refresh(now, key, session);
        return *internal;
    }
    const auto permission = permissions_.find(flow_key(profile_.filtering, external, remote));
    if (permission == permissions_.end() || now >= permission->second.expires) {
        return failure(refuse_inbound(now, key));
    }
    const Endpoint internal = permission->second.endpoint;
    accept_inbound(now, key, permission->second);
    return internal;
}

Result<NatModel::Hairpinned, NatDrop> NatModel::hairpin(Instant now, const Endpoint& internal,
                                                        const Endpoint& external) {
    if (profile_.hairpinning == Hairpinning::kNone) return failure(NatDrop::kNoHairpin);
    const auto source = outbound(now, internal, external);
    if (!source) return failure(source.error());
    const auto destination = turn_in(now, {external, *source});
    if (!destination) return failure(destination.error());
    const bool shows_internal = profile_.hairpinning == Hairpinning::kInternalSource;
    return Hairpinned{shows_internal ? internal : *source, *destination};
}

Result<Endpoint, NatDrop> NatModel::turn_in(Instant now, const FlowKey& key) {
    const auto owner = owners_.find({key.local, {}});
    const bool is_owned = owner != owners_.end() && now < owner->second.expires;
    const bool is_known = live_session(now, key) != nullptr;
    if (profile_.hairpinning == Hairpinning::kFiltered || is_known || !is_owned) {
        return inbound(now, key.remote, key.local);
    }
    const Endpoint internal = owner->second.endpoint;
    accept_inbound(now, key, owner->second);
    return internal;
}

std::optional<Endpoint> NatModel::internal_of(Instant now, const Endpoint& external,
                                              const Endpoint& remote) const {
    if (profile_.is_open) return external;
    const Session* session = live_session(now, {external, remote});
    return session == nullptr ? std::nullopt : session->internal;
}

std::optional<Endpoint> NatModel::external_of(Instant now, const Endpoint& internal,
                                              const Endpoint& remote) const {
    if (profile_.is_open) return internal;
    return live_flow(now, {internal, remote});
}

std::optional<Endpoint> NatModel::forward(Instant now, const Endpoint& internal) {
    const auto known = forwards_.find(internal);
    if (known != forwards_.end()) return known->second;
    Endpoint external{external_ip_for(internal.ip), internal.port};
    const auto is_taken = [&] { return forwarded_to(external) || !is_free(now, external, {}); };
    for (int draw = 0; draw < kDrawsMax && is_taken(); ++draw) {
        external.port = static_cast<std::uint16_t>(profile_.ports.first +
                                                   random_->below(profile_.ports.size()));
    }
    if (is_taken()) return std::nullopt;
    forwards_.emplace(internal, external);
    return external;
}

void NatModel::unforward(const Endpoint& internal) {
    forwards_.erase(internal);
}

std::optional<Endpoint> NatModel::forwarded_to(const Endpoint& external) const {
    const auto found = std::ranges::find_if(
        forwards_, [&](const auto& entry) { return entry.second == external; });
    return found == forwards_.end() ? std::nullopt : std::optional{found->first};
}

void NatModel::flush() {
    forwards_.clear();
    sessions_.clear();
    flows_.clear();
    mappings_.clear();
    permissions_.clear();
    owners_.clear();
    pooled_.clear();
    port_blocks_.clear();
    next_port_ =
        static_cast<std::uint16_t>(profile_.ports.first + random_->below(profile_.ports.size()));
}

void NatModel::renumber(std::vector<IpAddress> external_ips) {
    external_ips_ = std::move(external_ips);
    flush();
}

bool NatModel::owns(const IpAddress& ip) const {
    return std::ranges::find(external_ips_, ip) != external_ips_.end();
}

std::size_t NatModel::mapping_count(Instant now) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        mappings_, [now](const auto& entry) { return now < entry.second.expires; }));
}

std::size_t NatModel::mapping_count(Instant now, const IpAddress& internal) const {
    return static_cast<std::size_t>(std::ranges::count_if(mappings_, [&](const auto& entry) {
        return entry.first.local.ip == internal && now < entry.second.expires;
    }));
}

const NatModel::Session* NatModel::live_session(Instant now, const FlowKey& key) const {
    const auto found = sessions_.find(key);
    return found != sessions_.end() && now < found->second.expires ? &found->second : nullptr;
}

NatModel::Session* NatModel::live_session(Instant now, const FlowKey& key) {
    return const_cast<Session*>(std::as_const(*this).live_session(now, key));
}

std::optional<Endpoint> NatModel::live_flow(Instant now, const FlowKey& flow) const {
    const auto found = flows_.find(flow);
    if (found == flows_.end()) return std::nullopt;
    const Endpoint& external = found->second.endpoint;
    const Session* session = live_session(now, {external, flow.remote});
    // The port may have passed to somebody else since.
    if (session == nullptr || session->internal != flow.local) return std::nullopt;
    return external;
}

NatModel::Session& NatModel::begin_session(Instant now, const FlowKey& key,
                                           const Endpoint& internal) {
    flows_[{internal, key.remote}] = {key.local, kNever};
    return sessions_[key] = Session{.internal = internal, .created = now, .expires = now};
}

void NatModel::refresh(Instant now, const FlowKey& key, Session& session) {
    const bool has_settled = session.is_two_way && now - session.created >= profile_.two_way_after;
    const Instant expires =
        now + (has_settled ? profile_.mapping_lifetime : profile_.first_reply_lifetime);
    session.expires = std::max(session.expires, expires);

    const auto extend = [now, &session](Lease& lease, const Endpoint& endpoint) {
        const bool is_ours = lease.endpoint == endpoint && now < lease.expires;
        lease = {endpoint, is_ours ? std::max(lease.expires, session.expires) : session.expires};
    };
    // A flow that had to leave its mapping's port (race, overloading) does not drag the mapping
    // along.
    Lease& mapping = mappings_[flow_key(profile_.mapping, *session.internal, key.remote)];
    if (now >= mapping.expires || mapping.endpoint == key.local) extend(mapping, key.local);
    extend(permissions_[flow_key(profile_.filtering, key.local, key.remote)], *session.internal);
    extend(owners_[{key.local, {}}], *session.internal);
}

void NatModel::accept_inbound(Instant now, const FlowKey& key, const Lease& permission) {
    const Endpoint internal = permission.endpoint;
    const Instant expires = permission.expires;
    const auto flow = live_flow(now, {internal, key.remote});
    Session& session = sessions_[key] = {
        .internal = internal, .created = now, .expires = expires, .began_inside = false};
    // Whoever already talks to this remote from another port goes on doing so.
    if (!flow) flows_[{internal, key.remote}] = {key.local, kNever};
    if (profile_.refresh_inbound) refresh(now, key, session);
}

NatDrop NatModel::refuse_inbound(Instant now, const FlowKey& key) {
    if (profile_.first_packet_race) {
        sessions_[key] = {
            .internal = {}, .created = now, .expires = now + profile_.first_reply_lifetime};
        return NatDrop::kClaimedByRouter;
    }
    const auto owner = owners_.find({key.local, {}});
    const bool is_mapped = owner != owners_.end() && now < owner->second.expires;
    return is_mapped ? NatDrop::kFiltered : NatDrop::kNoMapping;
}

Result<Endpoint, NatDrop> NatModel::allocate(Instant now, const Endpoint& internal,
                                             const Endpoint& remote) {
    if (!profile_.translates) return internal;
    const std::size_t limit = profile_.mappings_per_host_max;
    if (limit != 0 && mapping_count(now, internal.ip) >= limit) return failure(NatDrop::kLimit);
    const auto range = range_for(internal);
    if (!range) return failure(NatDrop::kPortsExhausted);

    const auto take = [&](Endpoint external) -> std::optional<Endpoint> {
        if (!is_free(now, external, remote)) return std::nullopt;
        if (profile_.allocation == Allocation::kSequential) next_port_ = external.port;
        return external;
    };
    Endpoint candidate{external_ip_for(internal.ip), first_choice(internal, *range)};
    if (auto taken = take(candidate)) return *taken;
    const bool is_sequential = profile_.allocation == Allocation::kSequential;
    for (int draw = 0; draw < kDrawsMax && !is_sequential; ++draw) {
        candidate.port = static_cast<std::uint16_t>(range->first + random_->below(range->size()));
        if (auto taken = take(candidate)) return *taken;
    }
    for (std::size_t walked = 0; walked < range->size(); ++walked) {
        candidate.port = candidate.port >= range->last
                             ? range->first
                             : static_cast<std::uint16_t>(candidate.port + 1);
        if (auto taken = take(candidate)) return *taken;
    }
    return failure(NatDrop::kPortsExhausted);
}

bool NatModel::is_free(Instant now, const Endpoint& external, const Endpoint& remote) const {
    if (live_session(now, {external, remote}) != nullptr || forwarded_to(external)) return false;
    if (profile_.port_overloading) return true;
    const auto owner = owners_.find({external, {}});
    return owner == owners_.end() || now >= owner->second.expires;
}

IpAddress NatModel::external_ip_for(const IpAddress& internal) {
    if (external_ips_.size() == 1) return external_ips_.front();
    if (profile_.pooling == Pooling::kArbitrary) {
        return external_ips_[random_->below(external_ips_.size())];
    }
    const auto [entry, is_new] = pooled_.try_emplace(internal, pooled_.size());
    return external_ips_[entry->second % external_ips_.size()];
}

std::optional<PortRange> NatModel::range_for(const Endpoint& internal) {
    if (profile_.port_block != 0) {
        const auto known = port_blocks_.find(internal.ip);
        if (known != port_blocks_.end()) return known->second;
        const std::size_t first =
            profile_.ports.first + port_blocks_.size() * std::size_t{profile_.port_block};
        const std::size_t last = first + profile_.port_block - 1U;
        if (last > profile_.ports.last) return std::nullopt;
        return port_blocks_[internal.ip] = {static_cast<std::uint16_t>(first),
                                            static_cast<std::uint16_t>(last)};
    }
    // Linux, nf_nat_core.c: 1-511 stay there, 512-1023 go to 600-1023, the rest above.
    if (profile_.keeps_port_class && internal.port < 512) return PortRange{1, 511};
    if (profile_.keeps_port_class && internal.port < 1024) return PortRange{600, 1023};
    return profile_.ports;
}

std::uint16_t NatModel::first_choice(const Endpoint& internal, PortRange range) {
    switch (profile_.allocation) {
        case Allocation::kPreserving:
            // Linux keeps any free port, also one outside the range it would search in.
            if (profile_.keeps_port_class || range.contains(internal.port)) return internal.port;
            break;
        case Allocation::kSequential: {
            const auto size = static_cast<int>(range.size());
            const int offset = (next_port_ - range.first + profile_.sequential_step) % size;
            return static_cast<std::uint16_t>(range.first + (offset + size) % size);
        }
        case Allocation::kRandom: break;
    }
    return static_cast<std::uint16_t>(range.first + random_->below(range.size()));
}

void NatModel::prune(Instant now) {
    if (sessions_.size() < prune_at_) return;
    std::erase_if(sessions_, [now](const auto& entry) { return now >= entry.second.expires; });
    std::erase_if(flows_, [&](const auto& entry) { return !live_flow(now, entry.first); });
    for (Leases* leases : {&mappings_, &permissions_, &owners_}) {
        std::erase_if(*leases, [now](const auto& entry) { return now >= entry.second.expires; });
    }
    prune_at_ = std::max<std::size_t>(1024, sessions_.size() * 2);
}

std::string_view name_of(NatDrop drop) {
    switch (drop) {
        case NatDrop::kNoMapping: return "no_mapping";
        case NatDrop::kFiltered: return "filtered";
        case NatDrop::kClaimedByRouter: return "claimed_by_router";
        case NatDrop::kPortsExhausted: return "ports_exhausted";
        case NatDrop::kLimit: return "limit";
        case NatDrop::kUdpBlocked: return "udp_blocked";
        case NatDrop::kNoHairpin: return "no_hairpin";
    }
    return "?";
}

}  // namespace pinhole::lab
