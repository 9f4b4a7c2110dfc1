// A NAT with a LAN: `NatModel` put into a router.
//
// Above it is the core or another NAT's LAN; below it is one LAN, whose members reach each other by
// private address without passing the NAT. It may have a second model for IPv6 (a firewall over a
// routed prefix). Owns the models, the LAN's cables and the black box in between; what it refuses
// is traced with the model's reason.
#pragma once

#include "tests/lab/router.hpp"

namespace pinhole::lab {

/// How a NAT is wired. Everything has a usable default.
struct NatWiring {
    /// The NAT above this one, for a home behind a carrier's NAT. Null: the core.
    class NatBox* under = nullptr;
    /// The LAN behind it. The first address is the NAT's own.
    std::string_view lan = "192.168.1.0/24";
    /// Set: the LAN has this IPv6 prefix too, behind `firewall`.
    std::string_view lan_v6 = {};
    /// How the IPv6 side filters; see `firewall_v6()`.
    NatProfile firewall{.translates = false};
    /// Clients of the LAN cannot reach each other.
    bool isolates_clients = false;
};

class NatBox final : public Router {
  public:
    /// The box's own name for the cable above it.
    static constexpr CableId kUplink = ~CableId{0};

    /// One address family of the box: the block of its LAN, and what guards it.
    struct Side {
        Prefix lan;
        NatModel model;
        /// For what is not UDP.
        NatModel others;
    };

    NatBox(World world, std::string name, std::uint64_t seed);
    ~NatBox() override;

    /// Adds a family. Once per family, before traffic.
    void add_side(const Prefix& lan, const NatProfile& profile, std::vector<IpAddress> wan);
    /// Tells the box where up is. `parent` and the cable outlive it.
    void plug_into(Router& parent, Attachment attachment);

    // --- what a test changes while the internet runs ---

    /// Power cycle: every mapping of both families is gone.
    void reboot();
    /// The provider hands out other IPv4 addresses: mappings gone, the old addresses unreachable.
    void change_wan(const std::vector<IpAddress>& wan);
    /// Other behavior for IPv4 from now on; what is mapped stays until `reboot`.
    void become(const NatProfile& profile);
    void isolate_clients(bool isolates) { isolates_clients_ = isolates; }
    /// The cable to what is above.
    [[nodiscard]] Cable& uplink() { return *uplink_.cable; }

    [[nodiscard]] const NatModel& model(Family family = Family::kV4) const;
    /// Its first external IPv4 address.
    [[nodiscard]] IpAddress wan() const;

    void receive(Instant now, CableId cable, Packet packet) override;
    void route(const Prefix& block, CableId cable) override;
    [[nodiscard]] std::optional<Prefix> subnet(Family family) const override;
    /// Only where the profile has it; refused where the box's own address is not public.
    [[nodiscard]] Forwarded forward(Instant now, const Endpoint& internal) override;
    void unforward(const Endpoint& internal) override;
    /// An address of the LAN that nobody has yet.
    [[nodiscard]] IpAddress next_client(Family family);

  private:
    [[nodiscard]] Side* side(Family family);
    [[nodiscard]] const Side* side(Family family) const;
    void from_lan(Instant now, Packet packet);
    void from_wan(Instant now, Packet packet);
    /// What the profile says of fragments; `packet` may lose all but the first.
    [[nodiscard]] bool takes(Instant now, const Side& side, Packet& packet) const;
    void leave(Instant now, Side& side, Packet packet);
    void hairpin(Instant now, Side& side, Packet packet);
    void icmp_from_wan(Instant now, Side& side, Packet packet);
    void icmp_from_lan(Instant now, Side& side, Packet packet);
    void deliver(Instant now, Packet packet);
    void send_up(Instant now, Packet packet);
    void refuse(Instant now, Side& side, const Packet& packet, NatDrop reason);
    void originate(Instant now, Packet packet) override;
    /// The `number`th address of the LAN; the first is the box's own.
    [[nodiscard]] static IpAddress lan_address(const Prefix& lan, std::uint32_t number);

    std::unique_ptr<Random> random_;
    std::unique_ptr<Random> others_random_;  ///< its own, so that TCP changes no UDP port
    std::optional<Side> v4_;
    std::optional<Side> v6_;
    Router* parent_ = nullptr;
    Attachment uplink_;
    bool isolates_clients_ = false;
    std::uint32_t clients_ = 1;  ///< the number of the last address handed out
};

}  // namespace pinhole::lab
