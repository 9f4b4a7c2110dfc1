// The virtual internet, built in a few readable lines:
//
//     Lab lab{seed};
//     Host& vps = lab.add_public_host("vps", {"198.51.100.10"});
//     NatBox& home = lab.add_nat("home_a", profile_named("eim_apdf"), {"203.0.113.1"});
//     Host& alice = lab.add_host("alice", home);
//     alice.start(node, [&](Instant now, const Event& event) { ... });
//     const Reached reached = lab.run_until([&] { return connected; }, 10s);
//
// One process, virtual time, one seed: the same lines give the same bytes on every run. Everything
// that `add_*` returns is owned by the lab and lives as long as it. Every part draws from a random
// stream of its own (seed and name), so adding a part does not change what the others do.
#pragma once

#include <deque>

#include "tests/lab/host.hpp"
#include "tests/lab/nat_box.hpp"
#include "tests/lab/nat_profiles.hpp"

namespace pinhole::lab {

struct LabOptions {
    /// Routers in a row in the middle of the internet: an opener with fewer dies there.
    std::uint8_t core_hops = 3;
    /// What every cable is like at first.
    LinkQuality link{};
    /// Events before a scenario counts as endless.
    std::uint64_t steps_max = 50'000'000;
};

/// How `run_until` ended: whether the predicate came true, and the virtual time then.
struct Reached {
    bool is_true = false;
    Instant at;

    explicit operator bool() const { return is_true; }
};

class Lab final : public EventTarget {
  public:
    explicit Lab(std::uint64_t seed, LabOptions options = {});
    ~Lab() override;

    /// A host right on the core, with addresses of either family.
    Host& add_public_host(std::string name, const std::vector<std::string_view>& addresses);
    /// A NAT with these external IPv4 addresses, on the core or under another NAT.
    NatBox& add_nat(std::string name, const NatProfile& profile,
                    const std::vector<std::string_view>& wan, NatWiring wiring = {});
    /// A host in a NAT's LAN, with the next free address of each family the LAN has.
    Host& add_host(std::string name, NatBox& nat);
    /// The same with chosen addresses.
    Host& add_host(std::string name, NatBox& nat, const std::vector<std::string_view>& addresses);
    /// A second interface of `host`: cellular beside Wi-Fi. Starts up.
    void add_interface(Host& host, NatBox& nat);

    /// Lets virtual time pass.
    void run_for(Duration duration);
    /// Runs until `predicate()` holds (asked after every event) or `limit` has passed.
    template <class Predicate>
    Reached run_until(Predicate predicate, Duration limit) {
        const Instant end = now() + limit;
        if (predicate()) return {true, now()};
        while (step(end)) {
            if (predicate()) return {true, now()};
        }
        queue_.advance_to(end);
        return {false, end};
    }
    /// Calls `action` after `delay` of virtual time.
    void after(Duration delay, std::function<void()> action);

    [[nodiscard]] Instant now() const { return queue_.now(); }
    /// Since the lab began.
    [[nodiscard]] Duration elapsed() const { return now().time_since_epoch(); }
    [[nodiscard]] std::uint64_t seed() const { return seed_; }
    [[nodiscard]] std::uint64_t steps() const { return queue_.steps(); }
    [[nodiscard]] Trace& trace() { return trace_; }
    /// A random stream for the test's own use, different for each `name`.
    [[nodiscard]] std::unique_ptr<Random> random(std::string_view name) const;
    /// "seed 42, at 1.234567 s": for SCOPED_TRACE and messages.
    [[nodiscard]] std::string where() const;

    void handle_event(Instant now, std::uint64_t token) override;

  private:
    bool step(Instant limit);
    [[nodiscard]] World world() { return {queue_, trace_, seed_}; }
    [[nodiscard]] std::uint64_t seed_for(std::string_view name) const;
    Attachment lay_cable(Router& router, LinkEnd lower, const std::string& name);
    Host& make_host(std::string name);

    std::uint64_t seed_;
    LabOptions options_;
    EventQueue queue_;
    Trace trace_;
    Core core_;
    std::deque<NatBox> nats_;
    std::deque<Host> hosts_;
    std::vector<std::function<void()>> actions_;
};

}  // namespace pinhole::lab
