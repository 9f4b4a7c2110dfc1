#include "tests/vnet/network.hpp"

#include "tests/support/seeded_random.hpp"

namespace pinhole::vnet {

Network::Network(const Topology& topology, std::uint64_t seed)
    : seed_(seed), core_(world(), topology.core_hops) {
    trace_.observe([this](const lab::TraceEvent& event) {
        auto found = fates_.find(event.where);
        if (found == fates_.end()) found = fates_.try_emplace(std::string{event.where}).first;
        found->second.add(event.fate);
    });
    for (const NatSpec& spec : topology.nats) build(spec);
    for (const InterfaceSpec& spec : topology.interfaces) build(spec);
}

void Network::run_until(Instant now) {
    while (queue_.step(now)) {
    }
    if (now > queue_.now()) queue_.advance_to(now);
}

lab::NatBox* Network::nat(std::string_view name) {
    const auto found = std::ranges::find(nats_, name, &lab::NatBox::name);
    return found == nats_.end() ? nullptr : &*found;
}

Interface* Network::interface_named(std::string_view name) {
    const auto is_named = [name](const Interface& interface) {
        return interface.full_name() == name ||
               fmt::format("{}.{}", interface.host(), interface.number()) == name;
    };
    const auto found = std::ranges::find_if(interfaces_, is_named);
    return found == interfaces_.end() ? nullptr : &*found;
}

void Network::capture_to(const std::filesystem::path& folder) {
    stop_capture();
    capture_.emplace(folder, zero_);
    for (Interface& interface : interfaces_) capture_->add(interface);
    for (lab::NatBox& nat : nats_) capture_->add(nat);
}

void Network::flush_capture() {
    if (capture_) capture_->flush();
}

void Network::build(const NatSpec& spec) {
    lab::NatBox* parent = nat(spec.uplink.at);
    lab::NatBox& box = nats_.emplace_back(world(), spec.name, seed_for(spec.name));
    if (const auto& lan = spec.lan_in_use()) {
        std::vector<IpAddress> wan = spec.wan;
        if (!spec.profile.translates) wan.clear();
        if (spec.profile.translates && wan.empty()) wan.push_back(parent->next_client(Family::kV4));
        box.add_side(*lan, spec.profile, std::move(wan));
    }
    if (spec.lan6) box.add_side(*spec.lan6, spec.firewall, {});
    box.isolate_clients(spec.isolates);
    box.plug_into(router(spec.uplink.at),
                  lay_cable(spec.uplink, {&box, lab::NatBox::kUplink}, spec.name));
}

void Network::build(const InterfaceSpec& spec) {
    Interface& interface = interfaces_.emplace_back(world(), spec.host, spec.number);
    std::vector<IpAddress> addresses = spec.addresses;
    if (addresses.empty()) {
        lab::NatBox& home = *nat(spec.uplink.at);
        for (const Family family : {Family::kV4, Family::kV6}) {
            if (home.subnet(family)) addresses.push_back(home.next_client(family));
        }
    }
    interface.plug_into(router(spec.uplink.at), lay_cable(spec.uplink, {&interface, 0}, spec.host),
                        addresses);
}

lab::Router& Network::router(std::string_view name) {
    if (name == kCoreName) return core_;
    lab::NatBox* box = nat(name);
    assert(box != nullptr);  // the parser has made sure
    return *box;
}

lab::Attachment Network::lay_cable(const Uplink& uplink, lab::LinkEnd lower,
                                   const std::string& name) {
    const std::uint64_t seed = seed_for(fmt::format("{} at {}", name, uplink.at));
    const lab::Attachment attachment = router(uplink.at).attach(lower, name, seed);
    attachment.cable->up.set_quality(uplink.up);
    attachment.cable->down.set_quality(uplink.down);
    return attachment;
}

std::uint64_t Network::seed_for(std::string_view name) const {
    // FNV-1a, then mixed: names that differ little get streams that differ much.
    std::uint64_t hash = seed_ ^ 0xcbf29ce484222325ULL;
    for (const std::byte value : as_bytes(name)) {
        hash = (hash ^ std::to_integer<std::uint64_t>(value)) * 0x100000001b3ULL;
    }
    return test::SeededRandom{hash}.u64();
}

}  // namespace pinhole::vnet
