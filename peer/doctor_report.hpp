// What the verb `doctor` knows about a network, and what follows from it: the class of its NAT in
// plain words, and advice.
//
// Plain values and pure functions. Nothing that is not known counts as known: each rule says what
// it needs. The texts for people and machines are made in doctor_text.hpp and doctor_json.hpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/io.hpp"
#include "shared/node/event.hpp"
#include "shared/node/own_mapping.hpp"
#include "shared/traversal/nat_report.hpp"
#include "shared/traversal/technique.hpp"

namespace pinhole::peer {

using node::Id;

struct DoctorReport {
    struct Server {
        Endpoint address;
        /// Where it sees us.
        std::optional<Endpoint> observed{};
        Duration round_trip_time{};
        /// UDP did not get through, TCP did.
        bool over_tcp = false;
    };
    /// The way to the peer that the user asked about.
    struct Pair {
        Id peer;
        std::optional<node::PathChanged> path{};
        /// Its NAT, if it told us.
        std::optional<wire::NatBehavior> theirs{};
        std::optional<traversal::Plan> plan{};
    };

    Id self;
    std::string via;
    /// Nothing when the rendezvous did not answer.
    std::optional<Server> server{};
    std::vector<LocalAddress> addresses{};
    traversal::NatReport nat{};
    node::PortMapping port_mapping{};
    std::optional<Pair> pair{};
};

/// What a NAT means for whoever wants a direct path, from the easiest to the hardest.
enum class NatClass : std::uint8_t {
    kNoNat,           ///< our address is public, and everybody gets in
    kFirewall,        ///< our address is public, behind something that filters
    kEasyOpen,        ///< one outside port, and everybody gets in
    kEasyAddress,     ///< one outside port; whom we wrote to gets in, from every port
    kEasyPort,        ///< one outside port; only exactly whom we wrote to gets in
    kEasy,            ///< one outside port; who gets in is not known
    kHardOpen,        ///< another outside port for each destination, and everybody gets in
    kHardPreserving,  ///< the same, but it is usually the inside port
    kHardSequential,  ///< the same, and the ports are counted
    kHardRandom,      ///< the same, and the ports are unpredictable
    kHard,            ///< the same; how ports are chosen is not known
    kUdpBlocked,      ///< only TCP gets out
    kUnknown,
};

[[nodiscard]] NatClass class_of(const DoctorReport& report);
/// The same of another side, of which we know the behavior alone.
[[nodiscard]] NatClass class_of(const wire::NatBehavior& behavior);
/// One token in snake_case, for machines.
[[nodiscard]] std::string_view name_of(NatClass nat);
/// Two or three English sentences, for people: what it does, and what to expect.
[[nodiscard]] std::string_view words_of(NatClass nat);

/// Something that the user could do, or need not worry about.
struct Advice {
    /// One token in snake_case: what it is about.
    std::string_view about;
    std::string text;
};
/// The most useful one first.
[[nodiscard]] std::vector<Advice> advice_for(const DoctorReport& report);

/// NATs between us and the internet; nothing when not known.
[[nodiscard]] std::optional<int> nat_layers(const DoctorReport& report);
/// Our public IPv6 address.
[[nodiscard]] std::optional<IpAddress> public_v6(const DoctorReport& report);

}  // namespace pinhole::peer
