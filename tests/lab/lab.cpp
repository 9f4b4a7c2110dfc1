#include "tests/lab/lab.hpp"

#include "tests/support/seeded_random.hpp"

namespace pinhole::lab {
namespace {

std::vector<IpAddress> parse_all(const std::vector<std::string_view>& texts) {
    std::vector<IpAddress> out;
    out.reserve(texts.size());
    for (const std::string_view text : texts) out.push_back(ip(text));
    return out;
}

}  // namespace

Lab::Lab(std::uint64_t seed, LabOptions options)
    : seed_(seed), options_(options), core_(world(), options.core_hops) {}

Lab::~Lab() = default;

Host& Lab::add_public_host(std::string name, const std::vector<std::string_view>& addresses) {
    Host& host = make_host(std::move(name));
    const Attachment attachment = lay_cable(core_, {&host, host.next_interface()}, host.name());
    host.plug_into(core_, attachment, parse_all(addresses));
    return host;
}

NatBox& Lab::add_nat(std::string name, const NatProfile& profile,
                     const std::vector<std::string_view>& wan, NatWiring wiring) {
    const std::uint64_t seed = seed_for(name);
    NatBox& nat = nats_.emplace_back(world(), std::move(name), seed);
    std::vector<IpAddress> external = parse_all(wan);
    if (external.empty() && wiring.under != nullptr && profile.translates) {
        external.push_back(wiring.under->next_client(Family::kV4));
    }
    nat.add_side(prefix(wiring.lan), profile, std::move(external));
    if (!wiring.lan_v6.empty()) nat.add_side(prefix(wiring.lan_v6), wiring.firewall, {});
    nat.isolate_clients(wiring.isolates_clients);
    Router& parent = wiring.under == nullptr ? static_cast<Router&>(core_) : *wiring.under;
    nat.plug_into(parent, lay_cable(parent, {&nat, NatBox::kUplink}, nat.name()));
    return nat;
}

Host& Lab::add_host(std::string name, NatBox& nat) {
    Host& host = make_host(std::move(name));
    add_interface(host, nat);
    return host;
}

Host& Lab::add_host(std::string name, NatBox& nat, const std::vector<std::string_view>& addresses) {
    Host& host = make_host(std::move(name));
    const Attachment attachment = lay_cable(nat, {&host, host.next_interface()}, host.name());
    host.plug_into(nat, attachment, parse_all(addresses));
    return host;
}

void Lab::add_interface(Host& host, NatBox& nat) {
    std::vector<IpAddress> addresses;
    for (const Family family : {Family::kV4, Family::kV6}) {
        if (nat.subnet(family)) addresses.push_back(nat.next_client(family));
    }
    const Attachment attachment = lay_cable(nat, {&host, host.next_interface()}, host.name());
    host.plug_into(nat, attachment, addresses);
}

void Lab::run_for(Duration duration) {
    run_until([] { return false; }, duration);
}

void Lab::after(Duration delay, std::function<void()> action) {
    actions_.push_back(std::move(action));
    queue_.schedule(now() + delay, *this, actions_.size() - 1);
}

std::unique_ptr<Random> Lab::random(std::string_view name) const {
    return std::make_unique<test::SeededRandom>(seed_for(name));
}

std::string Lab::where() const {
    return fmt::format("seed {}, at {}.{:06} s", seed_, elapsed().count() / 1'000'000,
                       elapsed().count() % 1'000'000);
}

void Lab::handle_event(Instant, std::uint64_t token) {
    const std::function<void()> action = std::move(actions_[static_cast<std::size_t>(token)]);
    action();
}

bool Lab::step(Instant limit) {
    if (queue_.steps() >= options_.steps_max) {
        throw LabFailure(fmt::format("more than {} events ({})", options_.steps_max, where()));
    }
    return queue_.step(limit);
}

std::uint64_t Lab::seed_for(std::string_view name) const {
    std::uint64_t hash = seed_ ^ 0xcbf29ce484222325ULL;
    for (const std::byte value : as_bytes(name)) {
        hash = (hash ^ std::to_integer<std::uint64_t>(value)) * 0x100000001b3ULL;
    }
    return test::SeededRandom{hash}.u64();
}

Attachment Lab::lay_cable(Router& router, LinkEnd lower, const std::string& name) {
    const Attachment attachment =
        router.attach(lower, name, seed_for(fmt::format("{} at {}", name, router.name())));
    attachment.cable->set_quality(options_.link);
    return attachment;
}

Host& Lab::make_host(std::string name) {
    const std::uint64_t seed = seed_for(name);
    return hosts_.emplace_back(world(), std::move(name), seed);
}

}  // namespace pinhole::lab
