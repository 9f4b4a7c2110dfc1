// The grid's IPv6 rows: a firewall in front of public addresses, alone or beside a hopeless NAT,
// and what happens when one family leads nowhere.
#include <gtest/gtest.h>

#include "shared/traversal/budget.hpp"
#include "tests/lab/couple.hpp"

namespace pinhole::lab {
namespace {

constexpr std::uint64_t kSeedsV6 = 50;
constexpr Duration kDirectWithinV6 = 10s;

/// What a machine in a home with an IPv6 prefix has.
enum class Families : std::uint8_t { kBoth, kV6Only };

Host& settle(Town& town, const std::string& name, std::string_view profile_v4, Families families) {
    NatBox& nat = town.dual_stack_home(name, profile_v4);
    if (families == Families::kBoth) return town.lab().add_host(name, nat);
    const std::string address = nat.next_client(Family::kV6).to_string();
    return town.lab().add_host(name, nat, {address});
}

/// Both direct over IPv6, and talking on without the server.
void expect_direct_over_v6(Couple& couple, Order order) {
    ASSERT_TRUE(couple.start(order)) << couple.where();
    ASSERT_TRUE(couple.run_until_direct(kDirectWithinV6)) << couple.where();
    for (Peer* peer : {&couple.alice(), &couple.bob()}) {
        EXPECT_TRUE(peer->path_changed()->remote->ip.is_v6()) << couple.where();
    }
    couple.town().kill_server();
    couple.expect_messages_flow(10, 3s);
    couple.expect_budgets_kept();
}

struct V6Row {
    std::string_view name;
    Families alice;
    Families bob;
};

TEST(GridV6, FirewalledPrefixesCarryThePairDirectly) {
    for (const V6Row& row :
         {V6Row{"apdm + firewall_v6, both", Families::kBoth, Families::kBoth},
          V6Row{"IPv6 only, both", Families::kV6Only, Families::kV6Only},
          V6Row{"both families x IPv6 only", Families::kBoth, Families::kV6Only},
          V6Row{"IPv6 only x both families", Families::kV6Only, Families::kBoth}}) {
        for (const Order order : kOrders) {
            for (std::uint64_t seed = 1; seed <= kSeedsV6; ++seed) {
                Couple couple{seed, std::string{row.name}};
                Host& a = settle(couple.town(), "a", "apdm_apdf_r", row.alice);
                Host& b = settle(couple.town(), "b", "apdm_apdf_r", row.bob);
                couple.draw_delays({"a", "b"});
                couple.settle_in(a, b);
                expect_direct_over_v6(couple, order);
            }
        }
    }
}

/// The family that a path uses.
bool is_over(Peer& peer, Family family) {
    const auto path = peer.path_changed();
    return path && path->remote && path->remote->ip.family() == family;
}

/// The side that stayed hears of the move within a second and asks its own path for 6.5 s.
constexpr Duration kMovedWithin = 8s;

TEST(GridV6, ATalkMovesFromOneFamilyToTheOtherAndBack) {
    Duration longest{};
    for (std::uint64_t seed = 1; seed <= kSeedsV6; ++seed) {
        Couple couple{seed, "two homes with both families"};
        Town& town = couple.town();
        Host& a = settle(town, "a", "eim_apdf", Families::kBoth);
        Host& b = settle(town, "b", "eim_apdf", Families::kBoth);
        couple.draw_delays({"a", "b"});
        couple.settle_in(a, b);
        ASSERT_TRUE(couple.start(Order::kEarlyCalls)) << couple.where();
        ASSERT_TRUE(couple.run_until_direct(kDirectWithinV6)) << couple.where();
        const IpAddress v4 = a.address(Family::kV4);
        const IpAddress v6 = a.address(Family::kV6);
        for (const auto& [kept, family] :
             {std::pair{v4, Family::kV4}, std::pair{v6, Family::kV6}}) {
            a.change_addresses({kept});
            const auto is_there = [&] {
                return couple.alice().is_direct() && couple.bob().is_direct() &&
                       is_over(couple.alice(), family) && is_over(couple.bob(), family);
            };
            const Instant begun = town.lab().now();
            ASSERT_TRUE(town.run_until(is_there, kMovedWithin)) << couple.where();
            longest = std::max(longest, town.lab().now() - begun);
            couple.expect_messages_flow(3, 3s);
        }
        EXPECT_EQ(couple.alice().connections(), 1U) << couple.where();
    }
    fmt::print("    both over the other family after {} ms at worst\n", longest / 1ms);
}

TEST(GridV6, WithoutACommonFamilyTheRelayCarriesThePair) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Couple couple{seed, "IPv4 only x IPv6 only"};
        Host& a = couple.town().home("a", "eim_apdf");
        Host& b = settle(couple.town(), "b", "eim_apdf", Families::kV6Only);
        couple.draw_delays({"a", "b"});
        couple.settle_in(a, b);
        ASSERT_TRUE(couple.start(Order::kEarlyCalls)) << couple.where();
        ASSERT_TRUE(couple.run_until_connected(3s)) << couple.where();
        couple.expect_messages_flow(10, 3s);
        couple.town().run_for(8s);
        for (Peer* peer : {&couple.alice(), &couple.bob()}) {
            EXPECT_EQ(peer->path(), node::PathState::kRelay) << couple.where();
            EXPECT_EQ(peer->path_changed()->reason, traversal::Reason::kNoCandidates)
                << couple.where();
        }
        for (const auto& [destination, traffic] : b.sent_by_destination()) {
            EXPECT_TRUE(destination.is_v6()) << couple.where();
        }
    }
}

TEST(GridV6, DeadCandidateGetsNoMoreThanItsBudget) {
    for (std::uint64_t seed = 1; seed <= kSeedsV6; ++seed) {
        Couple couple{seed, "IPv6 leads to the server only"};
        Town& town = couple.town();
        Host& a = settle(town, "a", "eim_apdf", Families::kBoth);
        Host& b = settle(town, "b", "eim_apdf", Families::kBoth);
        couple.draw_delays({"a", "b"});
        town.uplink("b").down.set_filter([](const Packet& packet) {
            return packet.source.ip.is_v4() || packet.source.ip == ip(kServerV6);
        });
        couple.settle_in(a, b);
        ASSERT_TRUE(couple.start(Order::kEarlyCalls)) << couple.where();
        ASSERT_TRUE(couple.run_until_direct(kDirectWithinV6)) << couple.where();
        town.run_for(8s);  // over the end of the checks
        EXPECT_FALSE(couple.alice().path_changed()->remote->ip.is_v6()) << couple.where();
        const std::uint64_t wasted = a.sent_to(b.address(Family::kV6)).bytes;
        EXPECT_GT(wasted, 0U) << couple.where();
        EXPECT_LE(wasted, traversal::kBudgetPerIntroduction) << couple.where();
        couple.expect_budgets_kept();
    }
}

TEST(GridV6, AddressesTheServerNeverSawAreToldInsideTheSession) {
    // The server was reached over IPv4 and cannot vouch for IPv6 addresses: without the session's
    // own candidates the pair would stay on the relay until the first retry, after 11 s.
    Town town{7};
    const auto dual_stack_host = [&](const std::string& name) -> Host& {
        return town.lab().add_host(name, town.dual_stack_home(name, "apdm_apdf_r"));
    };
    Peer& alice = town.add_peer("alice", dual_stack_host("a"), {.knows_server_v4_only = true});
    Peer& bob = town.add_peer("bob", dual_stack_host("b"), {.knows_server_v4_only = true});
    ASSERT_TRUE(town.register_all());
    town.connect(alice, bob);
    EXPECT_TRUE(town.run_until([&] { return alice.is_direct() && bob.is_direct(); }, 3s))
        << town.where();
    for (const auto& [destination, traffic] : alice.host().sent_by_destination()) {
        EXPECT_TRUE(destination.scope() != Scope::kPrivate || destination == alice.host().address())
            << town.where() << ": " << traffic.datagrams << " datagrams to "
            << destination.to_string() << ", a private address of another network";
    }
}

}  // namespace
}  // namespace pinhole::lab
