// The NATs of the world by name, as data.
//
// Generic ones are called mapping_filtering[_allocation]: `eim_apdf`, `apdm_adf_s`; P, S and R say
// how a hard NAT (ADM, APDM) picks ports. An EIM NAT without a letter preserves ports.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "tests/lab/nat_model.hpp"

namespace pinhole::lab {

inline constexpr std::array kBehaviors{Behavior::kEndpointIndependent, Behavior::kAddressDependent,
                                       Behavior::kAddressAndPortDependent};

/// A generic NAT without quirks: RFC 4787 lifetimes, no hairpinning.
[[nodiscard]] constexpr NatProfile generic_nat(Behavior mapping, Behavior filtering,
                                               Allocation allocation) {
    NatProfile profile;
    profile.mapping = mapping;
    profile.filtering = filtering;
    profile.allocation = allocation;
    return profile;
}

/// No NAT and no firewall.
[[nodiscard]] NatProfile open_profile();
/// A plain Linux router: `masquerade`, everything accepted on INPUT. EIM, APDF, ports preserved
/// and overloaded, 30 s until two-way, 120 s after, and the first-packet race.
[[nodiscard]] NatProfile linux_masquerade();
/// The same with `iifname wan ct state new drop` on INPUT, as home routers have it: no race.
[[nodiscard]] NatProfile linux_masquerade_input_drop();
/// `masquerade random`: APDM, APDF, random ports within the port class.
[[nodiscard]] NatProfile linux_masquerade_random();
/// A stateful IPv6 firewall: no translation, APDF.
[[nodiscard]] NatProfile firewall_v6();
/// No UDP passes.
[[nodiscard]] NatProfile udp_blocked();

struct NamedProfile {
    std::string_view name;
    NatProfile profile;
};

/// All of them: the nine behaviors (hard ones times P, S, R) and the special ones above.
[[nodiscard]] std::span<const NamedProfile> all_profiles();
/// The profile of that name. The name must exist.
[[nodiscard]] const NatProfile& profile_named(std::string_view name);

}  // namespace pinhole::lab
