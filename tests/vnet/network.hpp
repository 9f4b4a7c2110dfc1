// A topology come to life: the lab's own core, NAT boxes and links, with real machines at the
// edges.
//
// Owns everything between the machines. Time is an argument, so this runs as well on a test's clock
// as on the real one: whoever drives it lets it run up to now, then hands in what the machines
// sent. The parts draw from random streams of their own, made from the seed and their names.
#pragma once

#include <deque>

#include "tests/vnet/capture.hpp"
#include "tests/vnet/topology.hpp"

namespace pinhole::vnet {

class Network {
  public:
    Network(const Topology& topology, std::uint64_t seed);

    [[nodiscard]] std::deque<Interface>& interfaces() { return interfaces_; }

    /// Moves every packet whose time has come. `now` never goes back.
    void run_until(Instant now);
    /// When to run again.
    [[nodiscard]] Instant next_event() const { return queue_.next(); }
    [[nodiscard]] Instant now() const { return queue_.now(); }

    /// The NAT of that name, or null.
    [[nodiscard]] lab::NatBox* nat(std::string_view name);
    [[nodiscard]] std::deque<lab::NatBox>& nats() { return nats_; }
    /// eth0 of the host of that name, eth1 of "host.1", or null.
    [[nodiscard]] Interface* interface_named(std::string_view name);

    /// What happened at each place, by its name: a host, a NAT, the core, or a link "alice>home".
    using Fates = std::map<std::string, Counters<lab::Fate>, std::less<>>;
    [[nodiscard]] const Fates& fates() const { return fates_; }

    /// What a time of 0 is on the wall clock, for captures.
    void set_zero(Duration since_epoch) { zero_ = since_epoch; }
    /// Begins to write what passes each interface into files of this folder, anew if it does
    /// already. Throws `std::system_error`.
    void capture_to(const std::filesystem::path& folder);
    void stop_capture() { capture_.reset(); }
    /// What was captured can be read now.
    void flush_capture();

  private:
    void build(const NatSpec& spec);
    void build(const InterfaceSpec& spec);
    [[nodiscard]] lab::Router& router(std::string_view name);
    [[nodiscard]] lab::Attachment lay_cable(const Uplink& uplink, lab::LinkEnd lower,
                                            const std::string& name);
    [[nodiscard]] std::uint64_t seed_for(std::string_view name) const;
    [[nodiscard]] lab::World world() { return {queue_, trace_, seed_}; }

    std::uint64_t seed_;
    lab::EventQueue queue_;
    lab::Trace trace_;
    lab::Core core_;
    std::deque<lab::NatBox> nats_;
    std::deque<Interface> interfaces_;
    Fates fates_;
    Duration zero_{0};
    std::optional<Capture> capture_;  ///< last: it lets go of the others
};

}  // namespace pinhole::vnet
