#include "tests/lab/nat_profiles.hpp"

#include <algorithm>
#include <cassert>
#include <vector>

namespace pinhole::lab {
namespace {

constexpr auto kEi = Behavior::kEndpointIndependent;
constexpr auto kAd = Behavior::kAddressDependent;
constexpr auto kApd = Behavior::kAddressAndPortDependent;
constexpr auto kP = Allocation::kPreserving;
constexpr auto kS = Allocation::kSequential;
constexpr auto kR = Allocation::kRandom;

/// Conntrack's memory: 30 s until packets went both ways for 2 s, then 120 s
/// (nf_conntrack_udp_timeout, nf_conntrack_udp_timeout_stream).
NatProfile linux_memory(NatProfile profile) {
    profile.first_reply_lifetime = 30s;
    profile.mapping_lifetime = 120s;
    profile.two_way_after = 2s;
    return profile;
}

}  // namespace

NatProfile open_profile() {
    NatProfile profile;
    profile.translates = false;
    profile.is_open = true;
    return profile;
}

NatProfile linux_masquerade_input_drop() {
    NatProfile profile = linux_memory(generic_nat(kEi, kApd, kP));
    profile.port_overloading = true;
    profile.keeps_port_class = true;
    return profile;
}

NatProfile linux_masquerade() {
    NatProfile profile = linux_masquerade_input_drop();
    profile.first_packet_race = true;
    profile.rejects = true;
    return profile;
}

NatProfile linux_masquerade_random() {
    NatProfile profile = linux_memory(generic_nat(kApd, kApd, kR));
    profile.port_overloading = true;
    profile.keeps_port_class = true;
    return profile;
}

NatProfile firewall_v6() {
    NatProfile profile = linux_memory(generic_nat(kEi, kApd, kP));
    profile.translates = false;
    return profile;
}

NatProfile udp_blocked() {
    NatProfile profile;
    profile.blocks_udp = true;
    return profile;
}

std::span<const NamedProfile> all_profiles() {
    static const std::vector<NamedProfile> kAll{
        {"open", open_profile()},
        {"eim_eif", generic_nat(kEi, kEi, kP)},
        {"eim_adf", generic_nat(kEi, kAd, kP)},
        {"eim_apdf", generic_nat(kEi, kApd, kP)},
        {"adm_eif_p", generic_nat(kAd, kEi, kP)},
        {"adm_eif_s", generic_nat(kAd, kEi, kS)},
        {"adm_eif_r", generic_nat(kAd, kEi, kR)},
        {"adm_adf_p", generic_nat(kAd, kAd, kP)},
        {"adm_adf_s", generic_nat(kAd, kAd, kS)},
        {"adm_adf_r", generic_nat(kAd, kAd, kR)},
        {"adm_apdf_p", generic_nat(kAd, kApd, kP)},
        {"adm_apdf_s", generic_nat(kAd, kApd, kS)},
        {"adm_apdf_r", generic_nat(kAd, kApd, kR)},
        {"apdm_eif_p", generic_nat(kApd, kEi, kP)},
        {"apdm_eif_s", generic_nat(kApd, kEi, kS)},
        {"apdm_eif_r", generic_nat(kApd, kEi, kR)},
        {"apdm_adf_p", generic_nat(kApd, kAd, kP)},
        {"apdm_adf_s", generic_nat(kApd, kAd, kS)},
        {"apdm_adf_r", generic_nat(kApd, kAd, kR)},
        {"apdm_apdf_p", generic_nat(kApd, kApd, kP)},
        {"apdm_apdf_s", generic_nat(kApd, kApd, kS)},
        {"apdm_apdf_r", generic_nat(kApd, kApd, kR)},
        {"linux_masquerade", linux_masquerade()},
        {"linux_masquerade_input_drop", linux_masquerade_input_drop()},
        {"linux_masquerade_random", linux_masquerade_random()},
        {"firewall_v6", firewall_v6()},
        {"udp_blocked", udp_blocked()},
    };
    return kAll;
}

const NatProfile& profile_named(std::string_view name) {
    const auto all = all_profiles();
    const auto found = std::ranges::find(all, name, &NamedProfile::name);
    assert(found != all.end());
    return found->profile;
}

}  // namespace pinhole::lab
