// The end of the virtual internet at which a real machine hangs: raw IP packets go in and out.
//
// Counts what the machine's programs send and get, also by destination, so that a test can hold
// them to their budgets. Owns no descriptor; whoever does gives it a way to emit.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "shared/base/counters.hpp"
#include "tests/lab/router.hpp"
#include "tests/vnet/fragments.hpp"

namespace pinhole::vnet {

class Interface final : public lab::Node {
  public:
    using Emit = std::function<void(Bytes)>;
    using Tap = std::function<void(Instant, Bytes)>;

    Interface(lab::World world, std::string host, std::size_t number)
        : world_(world), host_(std::move(host)), number_(number) {}

    /// Hangs it on a router, which must outlive it, with these addresses.
    void plug_into(lab::Router& router, lab::Attachment attachment,
                   const std::vector<IpAddress>& addresses);
    /// Where packets for the machine go from now on; until then they are lost.
    void emit_to(Emit emit) { emit_ = std::move(emit); }
    /// Sees every packet that the machine sends or gets.
    void tap(Tap tap) { tap_ = std::move(tap); }

    /// An IP packet from the machine's kernel.
    void send(Instant now, Bytes raw);
    void receive(Instant now, lab::CableId cable, lab::Packet packet) override;

    [[nodiscard]] const std::string& host() const { return host_; }
    /// 0 is eth0.
    [[nodiscard]] std::size_t number() const { return number_; }
    /// "alice" is eth0 of alice, "alice.1" her eth1.
    [[nodiscard]] std::string full_name() const;
    [[nodiscard]] const std::vector<IpAddress>& addresses() const { return addresses_; }
    [[nodiscard]] const lab::Router& router() const { return *router_; }
    [[nodiscard]] lab::Cable& cable() { return *cable_; }

    /// UDP datagrams, bytes of payload.
    [[nodiscard]] const Traffic& sent() const { return sent_; }
    [[nodiscard]] const Traffic& received() const { return received_; }
    [[nodiscard]] const std::map<IpAddress, Traffic>& sent_to() const { return sent_to_; }
    [[nodiscard]] const Counters<Refusal>& refused() const { return refused_; }

  private:
    /// The machine's own link is too narrow: says so at once, as if the first router were there.
    void refuse(Instant now, const lab::Packet& packet);
    void hand_over(Instant now, const lab::Packet& packet);

    lab::World world_;
    std::string host_;
    std::size_t number_;
    std::vector<IpAddress> addresses_;
    lab::Router* router_ = nullptr;
    lab::Cable* cable_ = nullptr;
    Emit emit_;
    Tap tap_;
    Reassembly reassembly_;
    std::uint32_t last_fragment_id_ = 0;
    Traffic sent_;
    Traffic received_;
    std::map<IpAddress, Traffic> sent_to_;
    Counters<Refusal> refused_;
};

}  // namespace pinhole::vnet
