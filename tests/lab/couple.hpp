// Two peers behind two NATs, a rendezvous, and the checks that hold for every such pair.
//
// The scenario of the grids: delays drawn from the seed, one of three orders of starting, then
// whatever the test waits for. It also listens to the trace and so knows which addresses a peer was
// ever heard from; `expect_budgets_kept` compares that with what the peer sent.
#pragma once

#include <set>

#include "tests/lab/town.hpp"

namespace pinhole::lab {

/// Who registers first and who asks. Mirrored pairs give the other two.
enum class Order : std::uint8_t {
    kEarlyCalls,  ///< alice registers, then bob, and alice asks for bob
    kLateCalls,   ///< bob registers, then alice, and alice asks for bob
    kGlare,       ///< both ask for each other, at once or within 40 ms
};
inline constexpr std::array kOrders{Order::kEarlyCalls, Order::kLateCalls, Order::kGlare};

[[nodiscard]] std::string_view name_of(Order order);

/// One way, drawn for each home.
inline constexpr Duration kHomeDelayMin = 5ms;
inline constexpr Duration kHomeDelayMax = 60ms;
inline constexpr Duration kHomeJitter = 3ms;

class Couple {
  public:
    /// Homes of these two profiles, with drawn delays.
    Couple(std::uint64_t seed, std::string_view profile_a, std::string_view profile_b,
           const PeerOptions& options = {});
    /// Both behind one NAT.
    static constexpr struct Housemates {
    } kHousemates{};
    Couple(Housemates, std::uint64_t seed, std::string_view profile);
    /// An empty town for a scenario of that name; homes, `draw_delays` and `settle_in` follow.
    Couple(std::uint64_t seed, std::string what);
    Couple(const Couple&) = delete;
    Couple& operator=(const Couple&) = delete;

    /// Delay and jitter of these homes' uplinks, drawn from the seed.
    void draw_delays(const std::vector<std::string>& homes);
    /// Gives the peers their machines.
    void settle_in(Host& a, Host& b, const PeerOptions& options = {});
    /// Registers both and, `after` that, lets them connect in that order. False when registering
    /// failed.
    [[nodiscard]] bool start(Order order, Duration after = {});
    /// Runs until both say direct. The time counts from `connect`.
    [[nodiscard]] std::optional<Duration> run_until_direct(Duration limit);
    /// Runs until messages can flow both ways.
    [[nodiscard]] std::optional<Duration> run_until_connected(Duration limit);
    /// Sends `count` messages each way and expects them all, in order, within `limit`.
    void expect_messages_flow(std::size_t count, Duration limit);
    /// Nobody that was never heard was sent more than the budget, and nothing left for a private
    /// address unless the couple shares a LAN. With `sprays` an address may have had as many more
    /// datagrams as that many sprays hold.
    void expect_budgets_kept(std::size_t sprays = 0);

    [[nodiscard]] Town& town() { return town_; }
    [[nodiscard]] Peer& alice() { return *alice_; }
    [[nodiscard]] Peer& bob() { return *bob_; }
    /// Datagrams that both machines have sent.
    [[nodiscard]] std::uint64_t datagrams() const;
    /// Scenario, seed and where it stands, for failure messages.
    [[nodiscard]] std::string where() const;

  private:
    void expect_budgets_kept(Peer& peer, std::size_t sprays);
    [[nodiscard]] Duration since_connect() { return town_.lab().now() - connected_at_; }

    Town town_;
    std::string what_;
    Peer* alice_ = nullptr;
    Peer* bob_ = nullptr;
    bool shares_lan_ = false;
    bool is_glare_ = false;
    Instant connected_at_{};
    /// By the name of the machine.
    std::map<std::string, std::set<IpAddress>, std::less<>> heard_;
};

}  // namespace pinhole::lab
