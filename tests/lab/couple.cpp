#include "tests/lab/couple.hpp"

#include <gtest/gtest.h>

#include "shared/traversal/budget.hpp"
#include "shared/traversal/guess.hpp"

namespace pinhole::lab {
namespace {

/// Glare within this is glare still: the introductions cross.
constexpr Duration kGlareSpread = 40ms;

std::string path_of(const Peer& peer) {
    const auto path = peer.path_changed();
    if (!path) return fmt::format("{} has no path", peer.id());
    return fmt::format("{} has {} ({})", peer.id(), traversal::name_of(path->state),
                       traversal::name_of(path->reason));
}

}  // namespace

std::string_view name_of(Order order) {
    switch (order) {
        case Order::kEarlyCalls: return "early calls";
        case Order::kLateCalls: return "late calls";
        case Order::kGlare: return "glare";
    }
    return "?";
}

Couple::Couple(std::uint64_t seed, std::string what) : town_(seed), what_(std::move(what)) {
    town_.lab().trace().observe([this](const TraceEvent& event) {
        if (event.fate != Fate::kDelivered) return;
        auto found = heard_.find(event.where);
        if (found == heard_.end()) found = heard_.emplace(event.where, std::set<IpAddress>{}).first;
        found->second.insert(event.packet.source.ip);
    });
}

Couple::Couple(std::uint64_t seed, std::string_view profile_a, std::string_view profile_b,
               const PeerOptions& options)
    : Couple(seed, fmt::format("{} x {}", profile_a, profile_b)) {
    Host& a = town_.home("a", profile_a);
    Host& b = town_.home("b", profile_b);
    draw_delays({"a", "b"});
    settle_in(a, b, options);
}

Couple::Couple(Housemates, std::uint64_t seed, std::string_view profile)
    : Couple(seed, fmt::format("two in one home, {}", profile)) {
    shares_lan_ = true;
    Host& a = town_.home("a", profile);
    draw_delays({"a"});
    settle_in(a, town_.lab().add_host("b", town_.nat("a")));
}

void Couple::draw_delays(const std::vector<std::string>& homes) {
    const auto random = town_.lab().random("delays");
    for (const std::string& home : homes) {
        const Duration delay = kHomeDelayMin + random->jitter(kHomeDelayMax - kHomeDelayMin);
        town_.uplink(home).set_quality({.delay = delay, .jitter = kHomeJitter});
    }
}

void Couple::settle_in(Host& a, Host& b, const PeerOptions& options) {
    alice_ = &town_.add_peer("alice", a, options);
    bob_ = &town_.add_peer("bob", b, options);
}

bool Couple::start(Order order, Duration after) {
    what_ += fmt::format(", {}", name_of(order));
    town_.start(order == Order::kLateCalls ? *bob_ : *alice_);
    if (order != Order::kGlare) town_.run_for(300ms);
    if (!town_.register_all()) return false;
    town_.run_for(after);
    town_.connect(*alice_, *bob_);
    connected_at_ = town_.lab().now();
    is_glare_ = order == Order::kGlare;
    if (is_glare_) {
        const bool at_once = town_.lab().seed() % 2 == 0;
        if (!at_once) town_.run_for(town_.lab().random("glare")->jitter(kGlareSpread));
        town_.connect(*bob_, *alice_);
    }
    return true;
}

std::optional<Duration> Couple::run_until_direct(Duration limit) {
    if (!town_.run_until([&] { return alice_->is_direct() && bob_->is_direct(); }, limit)) {
        return std::nullopt;
    }
    return since_connect();
}

std::optional<Duration> Couple::run_until_connected(Duration limit) {
    if (!town_.run_until([&] { return alice_->is_connected() && bob_->is_connected(); }, limit)) {
        return std::nullopt;
    }
    return since_connect();
}

void Couple::expect_messages_flow(std::size_t count, Duration limit) {
    const std::size_t seen_by_alice = alice_->received().size();
    const std::size_t seen_by_bob = bob_->received().size();
    std::vector<std::string> for_alice = alice_->texts();
    std::vector<std::string> for_bob = bob_->texts();
    for (std::size_t i = 0; i < count; ++i) {
        for_alice.push_back(fmt::format("to alice {}", i));
        for_bob.push_back(fmt::format("to bob {}", i));
        ASSERT_TRUE(town_.send(*bob_, for_alice.back())) << where();
        ASSERT_TRUE(town_.send(*alice_, for_bob.back())) << where();
    }
    town_.run_until(
        [&] {
            return alice_->received().size() >= seen_by_alice + count &&
                   bob_->received().size() >= seen_by_bob + count;
        },
        limit);
    EXPECT_EQ(alice_->texts(), for_alice) << where();
    EXPECT_EQ(bob_->texts(), for_bob) << where();
}

namespace {

/// Openers, challenges and the few messages of a test.
constexpr std::size_t kDatagramsBesideSprays = 600;
/// protocol.md, Budgets: a spray's datagrams have at most 64 bytes.
constexpr std::size_t kShotSizeMax = 64;

}  // namespace

void Couple::expect_budgets_kept(std::size_t sprays) {
    expect_budgets_kept(*alice_, sprays);
    expect_budgets_kept(*bob_, sprays);
}

void Couple::expect_budgets_kept(Peer& peer, std::size_t sprays) {
    const std::size_t shots = sprays * traversal::kShotsMax;
    // Glare makes two introductions of one wish.
    const std::size_t introductions = is_glare_ ? 2 : 1;
    const std::set<IpAddress>& heard = heard_[peer.host().name()];
    for (const auto& [destination, traffic] : peer.host().sent_by_destination()) {
        if (!shares_lan_) {
            EXPECT_EQ(destination.scope(), Scope::kPublic)
                << peer.id() << " sent to " << destination.to_string() << "; " << where();
        }
        // Server apart, whoever is written to is the other peer.
        const bool is_server =
            destination.to_string() == kServerV4 || destination.to_string() == kServerV6;
        if (!is_server && sprays > 0) {
            EXPECT_LE(traffic.datagrams, shots + kDatagramsBesideSprays)
                << peer.id() << " sent to " << destination.to_string() << "; " << where();
        }
        if (heard.contains(destination)) continue;
        EXPECT_LE(traffic.bytes,
                  introductions * traversal::kBudgetPerIntroduction + shots * kShotSizeMax)
            << peer.id() << " sent to " << destination.to_string() << "; " << where();
    }
}

std::uint64_t Couple::datagrams() const {
    return alice_->host().sent().datagrams + bob_->host().sent().datagrams;
}

std::string Couple::where() const {
    return fmt::format("{}, {}; {}, {}", what_, town_.where(), path_of(*alice_), path_of(*bob_));
}

}  // namespace pinhole::lab
